// SPDX-License-Identifier: Apache-2.0
#include "aws/retry.h"

#include "base/backoff.h"

#include <stddef.h>
#include <string.h>

enum {
    QUOTA = 500,
    REFUND_LEAST = 1,
    DELAY_MAX_US = 20000000,
    AFTER_MOST_MS = 5000, // more than the backoff
    AFTER_DIGITS = 9,
};

static const struct {
    int cost;
    int64_t base_us;
} causes[] = {
    [RETRY_TRANSIENT] = {14, 50000},
    [RETRY_THROTTLED] = {5, 1000000},
};

void retry_quota_init(struct retry_quota *quota) {
    quota->tokens = QUOTA;
}

bool retry_take(struct retry *retry, struct retry_quota *quota, enum retry_cause cause) {
    int cost = causes[cause].cost;
    if (retry->retries + 1 >= RETRY_ATTEMPTS || quota->tokens < cost) {
        return false;
    }
    quota->tokens -= cost;
    *retry = (struct retry){.retries = retry->retries + 1, .paid = cost, .cause = cause};
    return true;
}

void retry_succeed(const struct retry *retry, struct retry_quota *quota) {
    int tokens = quota->tokens + (retry->retries > 0 ? retry->paid : REFUND_LEAST);
    quota->tokens = tokens < QUOTA ? tokens : QUOTA;
}

int64_t retry_delay_us(const struct retry *retry, const char *after) {
    return retry_after_us(after,
                          backoff_jittered_us(retry->retries, causes[retry->cause].base_us, DELAY_MAX_US));
}

// A number with more digits is more than the most in any case.
static int64_t read_ms(const char *after) {
    size_t digits = strspn(after, "0123456789");
    int64_t ms = 0;
    if (digits == 0 || after[digits] != '\0') {
        return 0;
    }
    for (size_t index = 0; index < digits; index++) {
        ms = index < AFTER_DIGITS ? ms * 10 + (after[index] - '0') : INT32_MAX;
    }
    return ms;
}

int64_t retry_after_us(const char *after, int64_t delay_us) {
    int64_t asked = after != NULL ? read_ms(after) * 1000 : 0;
    int64_t most = delay_us + AFTER_MOST_MS * INT64_C(1000);
    if (asked < delay_us) {
        return delay_us;
    }
    return asked < most ? asked : most;
}
