// SPDX-License-Identifier: Apache-2.0
// The aggregates that have events in hand: these wait in order, and one of each is under way at most. So
// whatever its handlers do with it, no later event of its aggregate can have overtaken it.
//
//     held -> ready (the first of its aggregate, none under way) -> under way -> done | failed
#pragma once

#include "handle/domain_event.h"
#include "sink/sink.h"

#include <stddef.h>
#include <stdint.h>

// An event that the bus has taken in. Its slices are views of what stands behind it.
struct bus_event {
    struct bus_event *next;
    struct aggregate *aggregate;
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

struct aggregates;

struct aggregates *aggregates_new(void);
void aggregates_free(
    struct aggregates *aggregates); // with all events that are held or under way; NULL is fine

// aggregates_hold adds an event behind those of its aggregate and takes it over. Returns false, and takes
// nothing, when an earlier event of its aggregate has failed or was refused while those of its claim are
// offered.
bool aggregates_hold(struct aggregates *aggregates, struct bus_event *event);

// aggregates_refuse: an event of this aggregate and claim is not taken, so those that are offered after it
// must not be taken either.
void aggregates_refuse(struct aggregates *aggregates, struct slice aggregate_id, const void *claim);

// aggregates_offered: the events of this claim have all been offered, so a failure has no later ones to stop.
void aggregates_offered(struct aggregates *aggregates, const void *claim);

// aggregates_under_way is the event of an aggregate that is under way, or NULL.
struct bus_event *aggregates_under_way(const struct aggregates *aggregates, struct slice aggregate_id);

// aggregates_run calls `go` for each event that is ready and that `may_go` is true of; it is under way from
// then on. What has become of an event may be told within `go`; what is ready thereby waits for the next
// time.
struct aggregates_runner {
    void *context;
    bool (*may_go)(void *context, const struct bus_event *event);
    void (*go)(void *context, struct bus_event *event);
};
void aggregates_run(struct aggregates *aggregates, const struct aggregates_runner *runner);

// aggregates_done: an event under way has ended well, so its aggregate goes on. aggregates_fail: it has not,
// so what its aggregate holds must not go now; each is handed to `let_go`, which settles it. The event itself
// is the caller's again, as those are that are handed to `let_go`. `is_first`: no event of its aggregate is
// in hand before it.
typedef void (*aggregates_let_go_fn)(void *context, struct bus_event *event, bool is_first);
void aggregates_done(struct aggregates *aggregates, struct bus_event *event);
void aggregates_fail(struct aggregates *aggregates, struct bus_event *event, aggregates_let_go_fn let_go,
                     void *context);

// aggregates_drop hands every held event of a claim (NULL: of all) to `let_go`, those that are ready in the
// order in which they became so.
void aggregates_drop(struct aggregates *aggregates, const void *claim, aggregates_let_go_fn let_go,
                     void *context);

// aggregates_visit shows each event that is under way.
void aggregates_visit(const struct aggregates *aggregates,
                      void (*visit)(void *context, struct bus_event *event), void *context);
