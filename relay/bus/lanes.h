// SPDX-License-Identifier: Apache-2.0
// The events of each aggregate, in a lane of their own: they wait in order, and one is under way at most. So
// whatever its handlers do with it, no later event of its aggregate can have overtaken it.
//
//     held -> ready (the first of its lane, none under way) -> under way -> done | failed
#pragma once

#include "handle/domain_event.h"
#include "sink/sink.h"

#include <stddef.h>
#include <stdint.h>

// An event that the bus has taken in. Its slices are views of what stands behind it.
struct bus_event {
    struct bus_event *next; // in its lane
    struct lane *lane;
    struct delivery delivery;
    struct domain_event event;
    size_t size;     // bytes, all told
    int64_t sent_at; // monotonic, when it was handed to its handlers
    bool late;       // its claim does not wait for it any more
    int64_t ends_at; // monotonic, of a late one: when it will have ended
    char bytes[];
};

// bus_event_new copies an event as the handlers get it, from the message that was composed of it.
struct message;
struct outbox_event;
struct bus_event *bus_event_new(const struct message *message, const struct outbox_event *event,
                                struct delivery delivery);

struct lanes;

struct lanes *lanes_new(void);
void lanes_free(struct lanes *lanes); // with all events that are held or under way; NULL is fine

// lanes_hold adds an event at the end of its lane and takes it over. Returns false, and takes nothing, when
// an earlier event of its aggregate has failed or was refused while those of its claim are offered.
bool lanes_hold(struct lanes *lanes, struct bus_event *event);

// lanes_refuse: an event of this aggregate and claim is not taken, so those that are offered after it must
// not be taken either.
void lanes_refuse(struct lanes *lanes, struct slice aggregate_id, const void *claim);

// lanes_offered: the events of this claim have all been offered, so a failure has no later ones to stop.
void lanes_offered(struct lanes *lanes, const void *claim);

// lanes_under_way is the event of an aggregate that is under way, or NULL.
struct bus_event *lanes_under_way(const struct lanes *lanes, struct slice aggregate_id);

// lanes_run calls `go` for each event that is ready and that `may_go` is true of; it is under way from then
// on. What has become of an event may be told within `go`; what is ready thereby waits for the next time.
struct lanes_runner {
    void *context;
    bool (*may_go)(void *context, const struct bus_event *event);
    void (*go)(void *context, struct bus_event *event);
};
void lanes_run(struct lanes *lanes, const struct lanes_runner *runner);

// lanes_done: an event under way has ended well, so its lane goes on. lanes_fail: it has not, so what its
// lane holds must not go now; each is handed to `let_go`, which settles it. The event itself is the caller's
// again, as those are that are handed to `let_go`. `is_first`: no event of its aggregate is in hand before
// it.
typedef void (*lanes_let_go_fn)(void *context, struct bus_event *event, bool is_first);
void lanes_done(struct lanes *lanes, struct bus_event *event);
void lanes_fail(struct lanes *lanes, struct bus_event *event, lanes_let_go_fn let_go, void *context);

// lanes_drop hands every held event of a claim (NULL: of all) to `let_go`, those that are ready in the order
// in which they became so.
void lanes_drop(struct lanes *lanes, const void *claim, lanes_let_go_fn let_go, void *context);

// lanes_visit shows each event that is under way.
void lanes_visit(const struct lanes *lanes, void (*visit)(void *context, struct bus_event *event),
                 void *context);
