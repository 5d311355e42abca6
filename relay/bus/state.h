// SPDX-License-Identifier: Apache-2.0
// What the parts of the bus share: bus.c is the sink and takes events in, work.c hands them to the handlers
// and decides what becomes of them. Nobody else includes this.
#pragma once

#include "bus/aggregates.h"
#include "bus/types.h"
#include "handle/handlers.h"
#include "message/message.h"
#include "settings/settings.h"
#include "sink/sink.h"

#include <event2/event.h>

struct bus {
    struct sink_listener listener;
    const struct settings *settings;
    struct handlers *handlers;
    struct aggregates *aggregates;
    struct types *types;
    struct message message;
    struct event *pump; // hands over what may go
    int events;         // in hand, held or under way, but for late ones: of those each type has few
    size_t bytes;       // of these
    bool ready;
    bool was_full;
    bool was_cramped; // room() was 0
    int at_work_max;  // of a type
    bool is_shedding;
    struct bus_event *shed; // while it is: what was not begun in its turn, in order
    struct bus_event **shed_end;
};

// In bus.c:

// bus_takes_events: the handlers can be run. bus_check_room tells the listener when there is room again.
bool bus_takes_events(const struct bus *bus);
void bus_check_room(struct bus *bus);

// In work.c:

// work_init makes the handlers; fails as handlers_new does.
bool work_init(struct bus *bus, struct event_base *base, struct error *error);
void work_free(struct bus *bus);

// work_soon hands over what may go, from the loop: what becomes free together, as when a transaction of the
// handlers ends, is followed by what may share the next one.
void work_soon(struct bus *bus);

// work_settle ends an event that is in no aggregate. work_let_go_all lets go of all that is not begun;
// work_shed is for a claim whose turn has had its time.
// work_count_out: an event is late, and no longer among those in hand.
void work_settle(struct bus *bus, struct bus_event *event, const struct outcome *outcome);
void work_count_out(struct bus *bus, const struct bus_event *event);
void work_let_go_all(struct bus *bus);
void work_shed(struct bus *bus, const void *claim);
