// SPDX-License-Identifier: Apache-2.0
// Retries as in the AWS SDKs' standard mode of 2026: three attempts, exponential backoff with full jitter,
// and a quota of tokens that ends retrying when most of it is in vain. Pure: nothing is sent or waited for
// here. Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_ATTEMPTS = 3 }; // the first one included

// Tokens left: a retry costs some, success gives some back.
struct retry_quota {
    int tokens;
};

void retry_quota_init(struct retry_quota *quota);

// retry_quota_take pays for a retry after a transient failure; false when there are too few tokens left.
bool retry_quota_take(struct retry_quota *quota);

// retry_quota_refund notes a success after `retries` retries.
void retry_quota_refund(struct retry_quota *quota, int retries);

// retry_delay_us is how long to wait before retry number `retry` (from 1).
int64_t retry_delay_us(int retry);
