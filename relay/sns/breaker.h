// SPDX-License-Identifier: Apache-2.0
// The circuit breaker of a topic: after a failure nothing is sent to it for a while (exponential backoff with
// jitter), then one request probes, and its success closes the breaker again. Failures while it is open (a
// hundred requests under way fail together) are one failure. Pure: times are monotonic microseconds.
//
//     closed -- failure --> open -- time --> half open -- one request --> probing -- success --> closed
//                                                                                 -- failure --> open
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_REASON_SIZE = 400 };

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN, BREAKER_PROBING };

struct breaker {
    int64_t base_us;
    int64_t max_us;
    int failures; // in a row; 0 when closed
    int64_t until_us;
    bool probing;
    int64_t ask_at; // when to ask for an event to probe with
    int asked;      // how often it has been asked for
    char reason[BREAKER_REASON_SIZE];
};

void breaker_init(struct breaker *breaker, int64_t base_us, int64_t max_us);
// breaker_limit changes the backoff from the next failure on.
void breaker_limit(struct breaker *breaker, int64_t base_us, int64_t max_us);

// breaker_state also says what time has made of one that is open; one that is closed stays so.
bool breaker_is_closed(const struct breaker *breaker);
enum breaker_state breaker_state(const struct breaker *breaker, int64_t now_us);

// breaker_probe notes that the one request of the half-open state is on its way.
void breaker_probe(struct breaker *breaker);

// breaker_fail notes a failure. Returns true when that opened it, false when it was open already.
bool breaker_fail(struct breaker *breaker, int64_t now_us, const char *reason);

// breaker_release takes back breaker_probe: the probe said nothing about the topic.
void breaker_release(struct breaker *breaker);

// breaker_succeed notes a success. Returns true when that closed it.
bool breaker_succeed(struct breaker *breaker);

// breaker_hurry ends the time for which it is open: what it was opened for may be over. Returns whether it
// was open.
bool breaker_hurry(struct breaker *breaker, int64_t now_us);

// breaker_rests: it is not closed, and what it opened for is no history yet. One that has been half open for
// a minute has had nothing to probe with.
bool breaker_rests(const struct breaker *breaker, int64_t now_us);

// breaker_left is the time until it is half open, 0 when it is not open.
int64_t breaker_left(const struct breaker *breaker, int64_t now_us);

// breaker_ask_in is the time until an event to probe with is to be asked for, INT64_MAX when closed. Once
// half open the breaker waits a moment for one that comes by itself, and asks ever less often, for ever more.
int64_t breaker_ask_in(const struct breaker *breaker, int64_t now_us);

// breaker_ask notes that it is asked for now; returns how many events to ask for.
int breaker_ask(struct breaker *breaker, int64_t now_us);
