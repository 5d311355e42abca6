// SPDX-License-Identifier: Apache-2.0
#include "bus/bus.h"

#include "base/clock.h"
#include "base/memory.h"
#include "bus/state.h"

#include <stdlib.h>

enum {
    EVENTS_MAX = 1000, // in hand at a time
    BYTES_MAX = 16 << 20,
    REST_US = 1000000, // how soon to look again while the handlers rest; the end of it is told
    LATE_MARGIN_US = 1000000,
};

static const struct outcome let_go = {.kind = OUTCOME_LET_GO};

bool bus_takes_events(const struct bus *bus) {
    return bus->ready && !handlers_resting(bus->handlers);
}

static bool has_too_much(const struct bus *bus) {
    return bus->events >= EVENTS_MAX || bus->bytes >= BYTES_MAX;
}

static int room_left(const struct bus *bus) {
    return bus_takes_events(bus) && !bus->was_full && bus->events < EVENTS_MAX ? EVENTS_MAX - bus->events : 0;
}

void bus_check_room(struct bus *bus) {
    bool drained = bus->was_full && bus->events <= EVENTS_MAX / 2 && bus->bytes <= BYTES_MAX / 2;
    bus->was_full = bus->was_full && !drained;
    if (drained || (bus->was_cramped && room_left(bus) > 0)) {
        bus->was_cramped = false;
        bus->listener.drained(bus->listener.context);
    }
}

// What is offered and not taken must not be overtaken by what follows it.
static void turn_away(struct bus *bus, const struct outbox_event *event, struct delivery delivery,
                      const struct outcome *outcome) {
    aggregates_refuse(bus->aggregates, event->aggregate_id, delivery.claim);
    bus->listener.settled(bus->listener.context, delivery, outcome);
}

// Its time in the database is over before its handlers have ended.
static struct outcome still_late(const struct bus_event *late) {
    int64_t left = late->ends_at - clock_monotonic_us();
    return (struct outcome){.kind = OUTCOME_RETRY,
                            .retry_after_us = left > REST_US ? left : REST_US,
                            .reason = "a handler of this aggregate has not ended yet"};
}

static void take_in(struct bus *bus, const struct outbox_event *event, struct delivery delivery) {
    struct error error = {0};
    message_compose(&bus->message, FORMAT_DOMAIN_EVENT, bus->settings->source, event);
    if (bus->message.size > (size_t)bus->settings->max_message_bytes) {
        error_set(&error, ERROR_PUBLISH,
                  "the event has %zu bytes, allowed are %lld (OUTBOX_MAX_MESSAGE_BYTES)", bus->message.size,
                  (long long)bus->settings->max_message_bytes);
        turn_away(bus, event, delivery, &(struct outcome){.kind = OUTCOME_PARK, .reason = error.text});
        return;
    }
    struct bus_event *taken = bus_event_new(&bus->message, event, delivery);
    bus->events++;
    bus->bytes += taken->size;
    if (!aggregates_hold(bus->aggregates, taken)) {
        work_settle(bus, taken, &let_go);
    }
}

static void offer(void *self, const struct outbox_event *event, struct topic *topic,
                  struct delivery delivery) {
    (void)topic;
    struct bus *bus = self;
    int64_t out = types_out_us(bus->types, event->event_type, clock_monotonic_us());
    const struct bus_event *before = aggregates_under_way(bus->aggregates, event->aggregate_id);
    if (!bus_takes_events(bus)) {
        turn_away(bus, event, delivery, &let_go);
    } else if (before != NULL && before->late) {
        const struct outcome later = still_late(before);
        turn_away(bus, event, delivery, &later);
    } else if (out > 0) {
        turn_away(bus, event, delivery,
                  &(struct outcome){.kind = OUTCOME_RETRY,
                                    .retry_after_us = out,
                                    .reason = "the handlers of its type cannot be reached"});
    } else {
        take_in(bus, event, delivery);
    }
}

static void flush(void *self, const void *claim) {
    struct bus *bus = self;
    aggregates_offered(bus->aggregates, claim);
    types_begin_turn(bus->types);
    work_soon(bus);
}

static bool full(void *self) {
    struct bus *bus = self;
    if (has_too_much(bus) && !bus->was_full) {
        bus->was_full = true;
        work_soon(bus);
    }
    return bus->was_full;
}

static int room(void *self, bool one_topic) {
    (void)one_topic;
    struct bus *bus = self;
    int left = room_left(bus);
    bus->was_cramped = left == 0;
    return left;
}

static void drop(void *self, const void *claim) {
    struct bus *bus = self;
    if (claim != NULL) {
        work_shed(bus, claim);
    } else {
        work_let_go_all(bus);
    }
    bus_check_room(bus);
}

struct leaving {
    struct bus *bus;
    const void *claim;
};

// Its handlers each have their time-out: those in SQL go first, then all others at a time.
static void leave_event(void *context, struct bus_event *event) {
    const struct leaving *leaving = context;
    const struct sink_listener *listener = &leaving->bus->listener;
    if (event->delivery.claim == leaving->claim && !event->late) {
        int64_t now = clock_monotonic_us();
        int64_t ends_in_us = 2 * leaving->bus->settings->handler_timeout + LATE_MARGIN_US;
        event->late = true;
        work_count_out(leaving->bus, event); // it must not keep the others out
        event->ends_at = now + ends_in_us;
        types_kept(leaving->bus->types, event->event.event_type, now - event->sent_at);
        event->delivery =
            listener->left(listener->context, event->delivery, "its handlers have not ended yet", ends_in_us);
    }
}

static void leave(void *self, const void *claim) {
    struct bus *bus = self;
    struct leaving leaving = {bus, claim};
    aggregates_visit(bus->aggregates, leave_event, &leaving);
    bus_check_room(bus);
}

// Nothing else has to wait for a late event but its aggregate, and that does in the database: the event is
// put off with a reason there, which blocks what is behind it. Other aggregates go on, in the handlers that
// are free.
static bool is_late(void *self, const char *topic_arn) {
    (void)self;
    (void)topic_arn;
    return false;
}

static int64_t resting_us(void *self) {
    return bus_takes_events(self) ? 0 : REST_US;
}

static bool admits(void *self, struct topic *topic) {
    (void)topic;
    return bus_takes_events(self);
}

static void add_health(void *self, struct health *health) {
    const struct bus *bus = self;
    handlers_health(bus->handlers, health);
}

static void free_bus(void *self) {
    struct bus *bus = self;
    work_free(bus);
    message_free(&bus->message);
    free(bus);
}

bool bus_new(struct sink *ret, struct event_base *base, const struct settings *settings,
             const struct sink_listener *listener, struct error *error) {
    if (settings->on[0] == '\0') {
        return error_set(error, ERROR_USAGE,
                         "--sink handlers: there are no handlers; name one with --on PATTERN=HANDLER "
                         "(OUTBOX_ON), as --on 'order.*=sql:shop.reserve_stock'");
    }
    struct bus *bus = memory_allocate(1, sizeof *bus);
    bus->listener = *listener;
    bus->settings = settings;
    message_init(&bus->message);
    if (!work_init(bus, base, error)) {
        free_bus(bus);
        return false;
    }
    *ret = (struct sink){.self = bus,
                         .name = "handlers",
                         .orders_all = true,
                         .full = full,
                         .room = room,
                         .offer = offer,
                         .flush = flush,
                         .drop = drop,
                         .leave = leave,
                         .is_late = is_late,
                         .resting_us = resting_us,
                         .admits = admits,
                         .health = add_health,
                         .free = free_bus};
    return true;
}
