// SPDX-License-Identifier: Apache-2.0
// What the relay says of itself when it is asked whether it is well.
#include "base/clock.h"
#include "outbox/relay_state.h"

#include <inttypes.h>
#include <stdio.h>

enum { SECOND_US = 1000000, SLOW_US = 10000000 }; // an answer that takes longer than SLOW_US is overdue

bool relay_is_stopping(const struct relay *relay) {
    return relay->stopping || relay->state == RELAY_ENDED;
}

static int64_t seconds_since(int64_t then) {
    return (clock_monotonic_us() - then) / SECOND_US;
}

static bool awaits_answer(const struct relay *relay) {
    return relay->looking || relay->sleep == ASKING;
}

void relay_health(const struct relay *relay, struct health *health) {
    char why[HEALTH_WHY_SIZE] = "";
    bool good = relay->state == RELAY_RUNNING;
    if (!good && relay->lost.text[0] == '\0') {
        (void)snprintf(why, sizeof why, "not connected yet, for %" PRId64 " s",
                       seconds_since(relay->lost_at));
    } else if (!good) {
        (void)snprintf(why, sizeof why, "lost %" PRId64 " s ago, connecting again: %.200s",
                       seconds_since(relay->lost_at), relay->lost.text);
    } else if (awaits_answer(relay) && clock_monotonic_us() - relay->asked_at > SLOW_US) {
        good = false;
        (void)snprintf(why, sizeof why, "PostgreSQL has not answered for %" PRId64 " s",
                       seconds_since(relay->asked_at));
    }
    health_add(health, "database", good, why);
}
