// SPDX-License-Identifier: Apache-2.0
#include "sns/breaker.h"

#include "base/backoff.h"

#include <stdio.h>

enum {
    ASK_US = 200000,
    ASK_MAX_US = 30000000,
    ASK_EVENTS = 10,
    ASK_EVENTS_MAX = 10000,
    ASK_GROWTH = 10,
    ASKED_MAX = 20,
    FORGOTTEN_US = 60000000
};

void breaker_init(struct breaker *breaker, int64_t base_us, int64_t max_us) {
    *breaker = (struct breaker){.base_us = base_us, .max_us = max_us};
}

void breaker_limit(struct breaker *breaker, int64_t base_us, int64_t max_us) {
    breaker->base_us = base_us;
    breaker->max_us = max_us;
}

bool breaker_is_closed(const struct breaker *breaker) {
    return breaker->failures == 0;
}

enum breaker_state breaker_state(const struct breaker *breaker, int64_t now_us) {
    if (breaker_is_closed(breaker)) {
        return BREAKER_CLOSED;
    }
    if (breaker->probing) {
        return BREAKER_PROBING;
    }
    return now_us < breaker->until_us ? BREAKER_OPEN : BREAKER_HALF_OPEN;
}

void breaker_probe(struct breaker *breaker) {
    breaker->probing = true;
}

void breaker_release(struct breaker *breaker) {
    breaker->probing = false;
}

bool breaker_fail(struct breaker *breaker, int64_t now_us, const char *reason) {
    if (breaker_state(breaker, now_us) == BREAKER_OPEN) {
        return false;
    }
    breaker->probing = false;
    breaker->failures++;
    breaker->asked = 0;
    breaker->until_us = now_us + backoff_us(breaker->failures, breaker->base_us, breaker->max_us);
    breaker->ask_at = breaker->until_us + ASK_US;
    snprintf(breaker->reason, sizeof breaker->reason, "%s", reason);
    return true;
}

bool breaker_succeed(struct breaker *breaker) {
    bool was_failing = breaker->failures > 0;
    breaker->failures = 0;
    breaker->until_us = 0;
    breaker->probing = false;
    return was_failing;
}

bool breaker_hurry(struct breaker *breaker, int64_t now_us) {
    bool open = breaker_state(breaker, now_us) == BREAKER_OPEN;
    if (open) {
        breaker->until_us = now_us;
        breaker->ask_at = now_us + ASK_US;
    }
    return open;
}

bool breaker_rests(const struct breaker *breaker, int64_t now_us) {
    enum breaker_state state = breaker_state(breaker, now_us);
    return state != BREAKER_CLOSED &&
           (state != BREAKER_HALF_OPEN || now_us - breaker->until_us < FORGOTTEN_US);
}

int64_t breaker_left(const struct breaker *breaker, int64_t now_us) {
    return breaker_state(breaker, now_us) == BREAKER_OPEN ? breaker->until_us - now_us : 0;
}

int64_t breaker_ask_in(const struct breaker *breaker, int64_t now_us) {
    if (breaker_state(breaker, now_us) == BREAKER_CLOSED) {
        return INT64_MAX;
    }
    int64_t left = breaker->probing ? ASK_US : breaker->ask_at - now_us;
    return left > 0 ? left : 0;
}

int breaker_ask(struct breaker *breaker, int64_t now_us) {
    int64_t pause = ASK_US;
    int events = ASK_EVENTS;
    for (int index = 0; index < breaker->asked; index++) {
        pause = 2 * pause < ASK_MAX_US ? 2 * pause : ASK_MAX_US;
        events = ASK_GROWTH * events < ASK_EVENTS_MAX ? ASK_GROWTH * events : ASK_EVENTS_MAX;
    }
    breaker->asked += breaker->asked < ASKED_MAX;
    breaker->ask_at = now_us + pause;
    return events;
}
