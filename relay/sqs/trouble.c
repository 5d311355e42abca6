// SPDX-License-Identifier: Apache-2.0
#include "sqs/trouble.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

enum { BASE_US = 500000, MAX_US = 30000000, WARNING_US = 60000000 };

int64_t trouble_fail(struct trouble *trouble, const char *action, enum aws_failure failure,
                     const char *reason) {
    int64_t now = clock_monotonic_us();
    trouble->began_at = trouble->failures == 0 ? now : trouble->began_at;
    trouble->failures++;
    trouble->throttled = failure == AWS_FAILURE_THROTTLED;
    (void)snprintf(trouble->reason, sizeof trouble->reason, "%s", reason);
    if (trouble->warned_at == 0 || now - trouble->warned_at >= WARNING_US) {
        trouble->warned_at = now;
        trouble->told = true;
        log_warn(failure == AWS_FAILURE_THROTTLED ? "throttled by the queue, slowing down"
                                                  : "the queue cannot be used, trying again",
                 LOG_TEXT("action", action), LOG_TEXT("reason", reason),
                 LOG_INT("failures", trouble->failures));
    }
    return backoff_us(trouble->failures, BASE_US, MAX_US);
}

void trouble_end(struct trouble *trouble, const char *action) {
    if (trouble->told) {
        log_info("the queue answers again", LOG_TEXT("action", action),
                 LOG_INT("failures", trouble->failures));
    }
    trouble->failures = 0;
    trouble->told = false;
}

bool trouble_is_final(enum aws_failure failure) {
    return failure == AWS_FAILURE_DENIED || failure == AWS_FAILURE_MISSING || failure == AWS_FAILURE_OTHER;
}

void trouble_explain(const struct queue_url *url, const char *action, const struct queue_answer *answer,
                     struct error *error) {
    const char *remedy = "see what SQS says, and whether OUTBOX_QUEUE_URL and AWS_ENDPOINT_URL are right";
    if (answer->failure == AWS_FAILURE_DENIED) {
        remedy = "the role or user needs sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility "
                 "and sqs:GetQueueAttributes on the queue, and kms:Decrypt on its key where it has one";
    } else if (answer->failure == AWS_FAILURE_MISSING) {
        remedy = "check OUTBOX_QUEUE_URL, its account and region, or create the queue";
    }
    error_set(error, ERROR_PUBLISH, "%s is refused for queue %.200s: %.300s; %s", action, url->text,
              answer->reason, remedy);
}
