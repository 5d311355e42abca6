// SPDX-License-Identifier: Apache-2.0
// Retries as in the AWS SDKs' standard mode of 2026: three attempts, exponential backoff with full jitter,
// the service's own word on when to come back, and a quota of tokens that ends retrying when most of it is in
// vain. Pure: nothing is sent or waited for here. What is worth a retry is in failure.h. Source:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
//
// AWS_MAX_ATTEMPTS and AWS_RETRY_MODE are not looked at: what fails three times is not given up here, but
// tried again later by those who asked, as OUTBOX_RETRY_BASE and OUTBOX_MAX_ATTEMPTS say.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_ATTEMPTS = 3 }; // the first one included

#define RETRY_AFTER_HEADER "x-amz-retry-after"

enum retry_cause { RETRY_TRANSIENT, RETRY_THROTTLED };

// Tokens left, shared by all requests of a client: a retry costs some, success gives some back.
struct retry_quota {
    int tokens;
};

// How often one request has been sent again; all zero at first.
struct retry {
    int retries;
    int paid; // tokens, for the last of them
    enum retry_cause cause;
};

void retry_quota_init(struct retry_quota *quota);

// retry_take tells whether a request that has failed may be sent again, and then pays for it: false after
// the last attempt, or when there are too few tokens left.
bool retry_take(struct retry *retry, struct retry_quota *quota, enum retry_cause cause);

// retry_succeed gives back what the last retry of a request has cost, or one token when there was none.
void retry_succeed(const struct retry *retry, struct retry_quota *quota);

// retry_delay_us is how long to wait before the retry that has just been taken. `after` is the answer's
// header RETRY_AFTER_HEADER, or NULL.
int64_t retry_delay_us(const struct retry *retry, const char *after);

// retry_after_us is what the header says (milliseconds; whatever is no number counts for nothing), but no
// less than `delay_us` and at most five seconds more.
int64_t retry_after_us(const char *after, int64_t delay_us);
