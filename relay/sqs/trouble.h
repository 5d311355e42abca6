// SPDX-License-Identifier: Apache-2.0
// When the queue does not answer, or refuses: how long to wait, what to log and how often, and what a
// consumer says that cannot even start.
#pragma once

#include "sqs/queue.h"

enum { TROUBLE_REASON_SIZE = 200 };

struct trouble {
    int failures;                     // in a row; 0: all is well
    int64_t began_at;                 // of these: clock_monotonic_us
    bool throttled;                   // the last one: it works, but slower
    int64_t warned_at;                // 0: never
    bool told;                        // of these failures
    char reason[TROUBLE_REASON_SIZE]; // of the last one
};

// trouble_fail notes that an action has failed, warns of it, at most once a minute, and returns for how long
// nothing is to be asked.
int64_t trouble_fail(struct trouble *trouble, const char *action, enum aws_failure failure,
                     const char *reason);

// trouble_end notes a success, and logs it where a warning has gone before.
void trouble_end(struct trouble *trouble, const char *action);

// trouble_is_final: a consumer that has not started yet need not wait for it to pass.
bool trouble_is_final(enum aws_failure failure);

// trouble_explain says so (ERROR_PUBLISH): what is refused, and what to look at.
void trouble_explain(const struct queue_url *url, const char *action, const struct queue_answer *answer,
                     struct error *error);
