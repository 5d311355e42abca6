// SPDX-License-Identifier: Apache-2.0
// How fast messages may be sent: a token bucket whose rate is found by trial. It starts without a limit;
// throttling sets the rate a little below what was accepted lately (multiplicative decrease), and time
// without throttling raises it again, faster and faster, until it limits nothing. A fixed limit can be set as
// well. Pure: times are monotonic microseconds, `count` is messages.
//
// SNS rejects what is too much and accepts the rest, so what is accepted while throttled is the quota itself.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LIMITER_SLOTS = 10 };

struct limiter {
    double rate; // messages a second; 0 is no limit
    double most; // the fixed limit; 0 is none
    double tokens;
    int64_t filled_at;
    int64_t throttled_at; // when the rate last went down; 0: never
    int64_t raised_at;
    int64_t held_until; // by limiter_hold
    // What was accepted lately, by tenths of a second.
    int64_t slot_number;
    int accepted[LIMITER_SLOTS];
};

void limiter_init(struct limiter *limiter, int64_t most_per_second, int64_t now_us);

// limiter_limit changes the fixed limit; what throttling has taught stays in force below it.
void limiter_limit(struct limiter *limiter, int64_t most_per_second);

// limiter_wait_us is how long until `count` messages may be sent: 0 is at once. Where the rate is low, no
// more tokens are saved up than `count`, so that nobody may ask for less while a larger batch waits.
// limiter_take takes their tokens.
int64_t limiter_wait_us(struct limiter *limiter, int count, int64_t now_us);
void limiter_take(struct limiter *limiter, int count);

void limiter_accepted(struct limiter *limiter, int count, int64_t now_us);

// limiter_throttled notes that messages were rejected for being too many. Returns true when that lowered the
// rate.
bool limiter_throttled(struct limiter *limiter, int64_t now_us);

// limiter_hold: nothing may be sent before `until_us`.
void limiter_hold(struct limiter *limiter, int64_t until_us);

// limiter_rate is the rate in force, in messages a second; 0 is no limit.
double limiter_rate(const struct limiter *limiter);
