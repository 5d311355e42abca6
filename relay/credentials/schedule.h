// SPDX-License-Identifier: Apache-2.0
// When to fetch credentials again. Pure: it is told what happens, with both clocks, and says how long to
// wait.
//
// The monotonic clock misses the time that a machine is suspended, and the wall clock can be set back: what
// either says is due, is due. All times are microseconds.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct schedule_now {
    int64_t wall;      // since 1970
    int64_t monotonic; // since whenever
};

struct schedule {
    bool has;           // credentials that may still live
    int64_t expires_at; // wall; 0: never, or not known
    int64_t refresh_at; // wall
    int64_t had_at;     // monotonic: when they were had,
    int64_t refresh_in; // and how long after that they are fetched again
    int64_t retry_at;   // monotonic: after a failure, not before this
    bool refused;       // a service does not take them
    int failures;       // in a row
    int refusals;       // in a row of credentials that were new
};

// schedule_window: credentials that live for another `left` (0: not known) are fetched again after a time
// between `earliest` and `latest`. That is five minutes before they expire, or a tenth of `left`, whichever
// is more, but not in the first half of their time; some earlier, so that many relays do not ask at once. Of
// unknown end: after a quarter of an hour.
void schedule_window(int64_t left, int64_t *earliest, int64_t *latest);

// schedule_found: new credentials are there, until `expires_at` (wall; 0: not known).
void schedule_found(struct schedule *schedule, struct schedule_now now, int64_t expires_at);

// schedule_failed: a fetch brought nothing new.
void schedule_failed(struct schedule *schedule, struct schedule_now now);

// schedule_refused: a service refuses those that are there, which are then fetched anew: at once, the first
// time; later if the ones before had been refused as soon as they were new. Only the first call for a set of
// credentials counts; false for the others.
bool schedule_refused(struct schedule *schedule, struct schedule_now now);

// schedule_accepted: a service takes those that are there, which it may have refused for a while.
void schedule_accepted(struct schedule *schedule);

// schedule_wait is how long to wait before the next fetch; 0: none, it is due.
int64_t schedule_wait(const struct schedule *schedule, struct schedule_now now);

// schedule_alive: there are credentials, and they have not expired.
bool schedule_alive(const struct schedule *schedule, struct schedule_now now);
