// SPDX-License-Identifier: Apache-2.0
#include "observe/health.h"

#include <stdio.h>

void health_add(struct health *health, const char *name, bool good, const char *why) {
    if (health->count == HEALTH_CHECKS_MAX) {
        return;
    }
    struct health_check *check = &health->checks[health->count++];
    check->name = name;
    check->good = good;
    (void)snprintf(check->why, sizeof check->why, "%s", why != NULL ? why : "");
    for (char *place = check->why; *place != '\0'; place++) {
        if ((unsigned char)*place < ' ' || *place == '\x7f') {
            *place = ' ';
        }
    }
}

bool health_is_good(const struct health *health) {
    for (int index = 0; index < health->count; index++) {
        if (!health->checks[index].good) {
            return false;
        }
    }
    return true;
}
