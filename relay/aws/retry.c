// SPDX-License-Identifier: Apache-2.0
#include "aws/retry.h"

#include "base/backoff.h"

enum { QUOTA = 500, COST = 14, DELAY_BASE_US = 50000, DELAY_MAX_US = 20000000 };

void retry_quota_init(struct retry_quota *quota) {
    quota->tokens = QUOTA;
}

bool retry_quota_take(struct retry_quota *quota) {
    bool enough = quota->tokens >= COST;
    quota->tokens -= enough ? COST : 0;
    return enough;
}

void retry_quota_refund(struct retry_quota *quota, int retries) {
    int tokens = quota->tokens + (retries > 0 ? COST : 1);
    quota->tokens = tokens < QUOTA ? tokens : QUOTA;
}

int64_t retry_delay_us(int retry) {
    return backoff_jittered_us(retry, DELAY_BASE_US, DELAY_MAX_US);
}
