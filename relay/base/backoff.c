// SPDX-License-Identifier: Apache-2.0
#include "base/backoff.h"

#include <stdlib.h>
#include <sys/random.h>

int64_t backoff_us(int failures, int64_t base_us, int64_t max_us) {
    int64_t delay = base_us;
    for (int index = 1; index < failures && delay < max_us; index++) {
        delay *= 2;
    }
    delay = delay < max_us ? delay : max_us;
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        random = UINT32_MAX / 2;
    }
    int64_t half = delay / 2;
    return delay - half + (int64_t)((double)half * ((double)random / UINT32_MAX));
}
