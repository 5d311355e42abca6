// SPDX-License-Identifier: Apache-2.0
// The walk along the events that wait (due_at is infinity, with the reason in last_error): those whose topic
// or route is fit again come due. Small steps, on the control connection; begun when something has changed,
// and now and then in case that was missed.
#pragma once

#include "base/slice.h"
#include "postgres/connection.h"

struct walk;

struct walk_listener {
    void *context;
    // Whether an event of this type may come due.
    bool (*admits)(void *context, struct slice event_type);
    void (*stepped)(void *context, int64_t released); // a step is done
};

struct walk *walk_new(const struct walk_listener *listener);
void walk_free(struct walk *walk);

// walk_begin begins at the first event, or anew, and lets go of `most` events. walk_forget: the connection is
// gone.
void walk_begin(struct walk *walk, int64_t most);
void walk_forget(struct walk *walk);

// walk_is_taken: it has begun, and is not over. walk_has_more: there are events it has not come to. walk_step
// handles some of them, unless a step is under way. `ordered_sql` (NULL: none) tells ordered events from the
// others: of those, only the first of an aggregate comes due here, and makes way for the next when it is
// sent.
bool walk_is_taken(const struct walk *walk);
bool walk_has_more(const struct walk *walk);
void walk_step(struct walk *walk, struct pg_connection *connection, const char *ordered_sql,
               bool parked_blocks);
