// SPDX-License-Identifier: Apache-2.0
// Whether the publisher can publish: with what credentials it has, and to any topic. One topic that rests is
// a matter of that topic.
#include "base/clock.h"
#include "sns/state.h"

#include <stdio.h>

static void tell_topics(const struct publisher *publisher, int64_t now, struct health *health) {
    char why[HEALTH_WHY_SIZE] = "";
    const struct sns_topic *resting = NULL;
    int count = 0, rest_count = 0;
    for (const struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        count++;
        if (breaker_rests(&topic->breaker, now)) {
            rest_count++;
            resting = topic;
        }
    }
    if (resting != NULL) {
        (void)snprintf(why, sizeof why, "%d of %d topics %s: %.60s: %.120s", rest_count, count,
                       rest_count == 1 ? "rests" : "rest", resting->topic->parts.name,
                       resting->breaker.reason);
    }
    health_add(health, "sns", resting == NULL || rest_count < count, why);
}

void publisher_health(void *self, struct health *health) {
    const struct publisher *publisher = self;
    int64_t now = clock_monotonic_us();
    figures_breakers(publisher); // the metric and the page say the same as this
    char why[HEALTH_WHY_SIZE];
    if (credentials_now(publisher->credentials) == NULL) {
        const char *problem = credentials_problem(publisher->credentials);
        (void)snprintf(why, sizeof why, "no credentials: %.230s",
                       problem[0] != '\0' ? problem : "the first ones are being fetched");
        health_add(health, "sns", false, why);
    } else if (breaker_rests(&publisher->breaker, now)) {
        (void)snprintf(why, sizeof why, "everything rests: %.230s", publisher->breaker.reason);
        health_add(health, "sns", false, why);
    } else {
        tell_topics(publisher, now, health);
    }
}
