// SPDX-License-Identifier: Apache-2.0
// The one backoff: exponential with jitter.
#pragma once

#include <stdint.h>

// backoff_us is how long to wait after `failures` failures in a row (at least 1): base * 2^(failures - 1), at
// most `max_us`, of which the last half is random, so that many who failed together do not come back
// together.
int64_t backoff_us(int failures, int64_t base_us, int64_t max_us);

// backoff_jittered_us is the same with all of it random ("full jitter"): for quick retries.
int64_t backoff_jittered_us(int failures, int64_t base_us, int64_t max_us);
