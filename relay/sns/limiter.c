// SPDX-License-Identifier: Apache-2.0
#include "sns/limiter.h"

enum {
    SECOND = 1000000,
    SLOT_US = SECOND / LIMITER_SLOTS,
    RATE_FIRST = 100,         // at first, when nothing is known
    RATE_MOST = 100000,       // above SNS's largest quota: no limit
    DECREASE_US = SECOND / 2, // rejections within this time are one: they were under way together
    RAISE_US = SECOND,
    RAISE_FASTER_US = 8 * SECOND, // without throttling for so long, the rate is raised in larger steps
};

static const double rate_least = 0.5; // a message in two seconds: harmless, whatever SNS takes

// Of what was accepted in the last second. Not lower, since SNS goes on accepting the quota while it rejects
// the rest.
static const double decrease = 0.95;
static const double decrease_most = 0.7;
static const double raise = 1.03;
static const double raise_faster = 1.5;
static const double burst = 0.1; // seconds of the rate that may be sent at once

void limiter_init(struct limiter *limiter, int64_t most_per_second, int64_t now_us) {
    *limiter = (struct limiter){
        .rate = (double)most_per_second, .most = (double)most_per_second, .filled_at = now_us};
}

void limiter_limit(struct limiter *limiter, int64_t most_per_second) {
    limiter->most = (double)most_per_second;
    if (limiter->throttled_at == 0 || (limiter->most > 0 && limiter->rate > limiter->most)) {
        limiter->rate = limiter->most;
        limiter->tokens = 0;
    }
}

static double bucket(const struct limiter *limiter, int count) {
    double size = limiter->rate * burst;
    return size > count ? size : count;
}

static void raise_rate(struct limiter *limiter, int64_t now_us) {
    if (limiter->throttled_at == 0 || now_us - limiter->raised_at < RAISE_US) {
        return;
    }
    limiter->raised_at = now_us;
    limiter->rate *= now_us - limiter->throttled_at >= RAISE_FASTER_US ? raise_faster : raise;
    double most = limiter->most > 0 ? limiter->most : RATE_MOST;
    if (limiter->rate >= most) {
        limiter->rate = limiter->most;
        limiter->throttled_at = 0;
    }
}

static int64_t wait_for_tokens_us(struct limiter *limiter, int count, int64_t now_us) {
    if (limiter->rate <= 0) {
        return 0;
    }
    double most = bucket(limiter, count);
    limiter->tokens += limiter->rate * (double)(now_us - limiter->filled_at) / SECOND;
    limiter->tokens = limiter->tokens < most ? limiter->tokens : most;
    limiter->filled_at = now_us;
    double missing = count - limiter->tokens;
    return missing <= 0 ? 0 : (int64_t)(missing / limiter->rate * SECOND) + 1;
}

int64_t limiter_wait_us(struct limiter *limiter, int count, int64_t now_us) {
    raise_rate(limiter, now_us);
    int64_t held = limiter->held_until - now_us;
    int64_t wait = wait_for_tokens_us(limiter, count, now_us);
    return wait > held ? wait : held;
}

void limiter_take(struct limiter *limiter, int count) {
    if (limiter->rate > 0) {
        limiter->tokens -= count;
    }
}

// Slots that have passed since are empty now.
static void advance(struct limiter *limiter, int64_t now_us) {
    int64_t number = now_us / SLOT_US;
    int64_t passed = number - limiter->slot_number;
    for (int64_t step = 1; step <= passed && step <= LIMITER_SLOTS; step++) {
        limiter->accepted[(limiter->slot_number + step) % LIMITER_SLOTS] = 0;
    }
    limiter->slot_number = number;
}

void limiter_accepted(struct limiter *limiter, int count, int64_t now_us) {
    advance(limiter, now_us);
    limiter->accepted[limiter->slot_number % LIMITER_SLOTS] += count;
}

static double accepted_per_second(struct limiter *limiter, int64_t now_us) {
    advance(limiter, now_us);
    int sum = 0;
    for (int slot = 0; slot < LIMITER_SLOTS; slot++) {
        sum += limiter->accepted[slot];
    }
    return sum;
}

bool limiter_throttled(struct limiter *limiter, int64_t now_us) {
    if (limiter->throttled_at != 0 && now_us - limiter->throttled_at < DECREASE_US) {
        return false;
    }
    double rate = decrease * accepted_per_second(limiter, now_us);
    if (limiter->rate > 0) { // little may have been accepted for want of more
        rate = rate > decrease * limiter->rate ? decrease * limiter->rate : rate;
        rate = rate < decrease_most * limiter->rate ? decrease_most * limiter->rate : rate;
    }
    double least = limiter->rate > 0 ? rate_least : RATE_FIRST;
    limiter->rate = rate > least ? rate : least;
    limiter->throttled_at = limiter->raised_at = limiter->filled_at = now_us;
    limiter->tokens = 0;
    return true;
}

void limiter_hold(struct limiter *limiter, int64_t until_us) {
    limiter->held_until = until_us > limiter->held_until ? until_us : limiter->held_until;
}

double limiter_rate(const struct limiter *limiter) {
    return limiter->rate;
}
