// SPDX-License-Identifier: Apache-2.0
// What is known of each event type: events of one type have the same handlers, and so fare alike. When its
// handlers cannot be reached, and when they are slow, its events are put off, in growing steps or at the pace
// at which they are handled, so that they neither hammer in vain nor keep the events of other types out.
// Hints only: a type that takes over the place of another one begins with none. Times are monotonic
// microseconds.
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct types;

struct types *types_new(int64_t retry_base_us, int64_t retry_max_us);
// types_limit changes them from the next outage on.
void types_limit(struct types *types, int64_t retry_base_us, int64_t retry_max_us);
void types_free(struct types *types);

// types_out_us is how long the handlers of a type are not to be tried, since they could not be reached; 0:
// they may be.
int64_t types_out_us(const struct types *types, struct slice event_type, int64_t now);

// types_unreachable notes that they could not be, and returns how long to wait; types_reached that they
// could.
int64_t types_unreachable(struct types *types, struct slice event_type, int64_t now);
void types_reached(struct types *types, struct slice event_type);

// types_begun and types_ended count the events of a type that its handlers have, and learn how long they keep
// one; types_at_work is how many they are. types_kept: they have kept one so long already. types_are_slow: an
// event takes as long as a turn, or longer.
void types_begun(struct types *types, struct slice event_type);
void types_ended(struct types *types, struct slice event_type, int64_t took_us);
void types_taken_back(struct types *types, struct slice event_type); // and not begun, so nothing is learned
void types_kept(struct types *types, struct slice event_type, int64_t us);
int types_at_work(const struct types *types, struct slice event_type);
bool types_are_slow(const struct types *types, struct slice event_type);

// types_begin_turn: what is shed from now on is counted anew.
void types_begin_turn(struct types *types);

// types_shed is asked for each event that was not begun within its turn, one after the other: returns how
// long to put it off, or 0 when it will be begun soon, at the pace of its type.
int64_t types_shed(struct types *types, struct slice event_type);
