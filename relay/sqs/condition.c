// SPDX-License-Identifier: Apache-2.0
#include "sqs/condition.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { SECOND_US = 1000000 };

void condition_tell(struct health *health, const struct queue *queue, bool found,
                    const struct trouble *trouble) {
    char why[HEALTH_WHY_SIZE] = "";
    const char *credentials = queue_credentials_problem(queue);
    bool failing = trouble->failures > 0;
    if (credentials != NULL) {
        (void)snprintf(why, sizeof why, "no credentials: %.230s", credentials);
    } else if (failing) {
        (void)snprintf(why, sizeof why, "%s for %" PRId64 " s: %s",
                       trouble->throttled ? "throttled" : "the queue cannot be used",
                       (clock_monotonic_us() - trouble->began_at) / SECOND_US, trouble->reason);
    } else if (!found) {
        (void)snprintf(why, sizeof why, "the queue has not answered yet");
    }
    health_add(health, "sqs", credentials == NULL && found && (!failing || trouble->throttled), why);
}
