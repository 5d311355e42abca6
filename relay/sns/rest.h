// SPDX-License-Identifier: Apache-2.0
// How long a topic rests after a failure: exponential backoff with jitter, begun anew only after the last
// rest is over (a hundred requests that fail together are one failure), ended by the first success.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { REST_REASON_SIZE = 400 };

struct rest {
    int64_t base_us;
    int64_t max_us;
    int failures;     // in a row
    int64_t until_us; // monotonic; 0 when not resting
    char reason[REST_REASON_SIZE];
};

void rest_init(struct rest *rest, int64_t base_us, int64_t max_us);

// rest_begin notes a failure. Returns true when a new rest has begun, false when one is under way.
bool rest_begin(struct rest *rest, int64_t now_us, const char *reason);

// rest_end notes a success. Returns true when it ends a row of failures.
bool rest_end(struct rest *rest);

// rest_left is the time until the topic may be tried again, 0 when at once.
int64_t rest_left(const struct rest *rest, int64_t now_us);
