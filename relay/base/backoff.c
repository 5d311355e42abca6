// SPDX-License-Identifier: Apache-2.0
#include "base/backoff.h"

#include <stdlib.h>
#include <sys/random.h>

static int64_t exponential(int failures, int64_t base_us, int64_t max_us) {
    int64_t delay = base_us;
    for (int index = 1; index < failures && delay < max_us; index++) {
        delay *= 2;
    }
    return delay < max_us ? delay : max_us;
}

static int64_t random_part(int64_t most) {
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        random = UINT32_MAX / 2;
    }
    return (int64_t)((double)most * ((double)random / UINT32_MAX));
}

int64_t backoff_us(int failures, int64_t base_us, int64_t max_us) {
    int64_t delay = exponential(failures, base_us, max_us);
    int64_t half = delay / 2;
    return delay - half + random_part(half);
}

int64_t backoff_jittered_us(int failures, int64_t base_us, int64_t max_us) {
    return random_part(exponential(failures, base_us, max_us));
}
