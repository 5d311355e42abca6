// SPDX-License-Identifier: Apache-2.0
// What /readyz and the status page ask: is each thing well that the program depends on. Who knows adds a
// check.
#pragma once

#include <stdbool.h>

enum { HEALTH_CHECKS_MAX = 8, HEALTH_WHY_SIZE = 256 };

struct health_check {
    const char *name; // a word: "database"
    bool good;
    char why[HEALTH_WHY_SIZE]; // one line; "" when there is nothing to say
};

struct health {
    struct health_check checks[HEALTH_CHECKS_MAX];
    int count;
};

// health_add adds a check; `name` must live on, `why` (NULL: "") is copied and cut, and what it holds of
// control characters or is no UTF-8 becomes spaces: systemd takes no other status. One check too many is left
// out.
void health_add(struct health *health, const char *name, bool good, const char *why);

// health_is_good: every check is.
bool health_is_good(const struct health *health);
