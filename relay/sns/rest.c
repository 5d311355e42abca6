// SPDX-License-Identifier: Apache-2.0
#include "sns/rest.h"

#include "base/backoff.h"

#include <stdio.h>

void rest_init(struct rest *rest, int64_t base_us, int64_t max_us) {
    *rest = (struct rest){.base_us = base_us, .max_us = max_us};
}

bool rest_begin(struct rest *rest, int64_t now_us, const char *reason) {
    if (rest_left(rest, now_us) > 0) {
        return false;
    }
    rest->failures++;
    rest->until_us = now_us + backoff_us(rest->failures, rest->base_us, rest->max_us);
    snprintf(rest->reason, sizeof rest->reason, "%s", reason);
    return true;
}

bool rest_end(struct rest *rest) {
    bool was_failing = rest->failures > 0;
    rest->failures = 0;
    rest->until_us = 0;
    return was_failing;
}

int64_t rest_left(const struct rest *rest, int64_t now_us) {
    return rest->until_us > now_us ? rest->until_us - now_us : 0;
}
