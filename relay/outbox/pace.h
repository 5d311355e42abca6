// SPDX-License-Identifier: Apache-2.0
// How often to look: every few milliseconds while events flow, less and less often once they do not, and when
// to try to sleep. Pure: times are monotonic microseconds.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pace {
    int64_t last_activity;
    int64_t next_look;
    int64_t next_sleep;
    int64_t next_question;
    int64_t claimed;  // events since the last look
    int64_t least;    // the shortest pause, after a look that took long
    int64_t patience; // what that usually adds to the pause between two looks: a moving average
};

// pace_activity: an event was marked or announced. pace_claimed: so many were claimed. The more come between
// two looks, the longer the pause: a look and a claim cost much the same for one event as for a hundred.
void pace_activity(struct pace *pace, int64_t now);
void pace_claimed(struct pace *pace, int64_t now, int events);

// pace_look_took: a look took so long. (Entries of an index that nobody could remove yet, while an old
// snapshot is open, make each look walk over them.) One that takes long is taken for a fifth of the time at
// most, but again after two seconds.
void pace_look_took(struct pace *pace, int64_t took_us);

// pace_looked sets when to look again. `loaded`: claims come back full, so that looks only serve the gaps.
// `slowest_us` is how slow looking may become, as long as looks are quick.
void pace_looked(struct pace *pace, int64_t now, bool loaded, int64_t slowest_us);

// pace_slowest is how slow looking may become: the poll interval, or a few milliseconds for the relay that is
// only waiting until no inserter is in flight, to sleep.
int64_t pace_slowest(bool can_sleep, int64_t poll_interval_us);

// pace_may_sleep: quiet for long enough (sleeping and waking for every event would make producers notify),
// and not refused a moment ago.
bool pace_may_sleep(const struct pace *pace, int64_t now);
void pace_sleep_refused(struct pace *pace, int64_t now);

// pace_may_ask: time to ask whether anything is left to send; at most every few milliseconds.
bool pace_may_ask(struct pace *pace, int64_t now);

// pace_asleep is how long a relay that sleeps waits for its next look. `gaps`: the floor waits for
// transactions that are still running; one that rolls back notifies nobody, so their end is looked for.
int64_t pace_asleep(const struct pace *pace, int64_t now, bool gaps);
