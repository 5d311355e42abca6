// SPDX-License-Identifier: Apache-2.0
// Handing events to the handlers, and what becomes of them.
#include "base/clock.h"
#include "bus/state.h"

#include <stdlib.h>

enum { AT_WORK_LEAST = 64 }; // of a type, with its handlers at a time

static const struct outcome let_go = {.kind = OUTCOME_LET_GO};

void work_count_out(struct bus *bus, const struct bus_event *event) {
    bus->events--;
    bus->bytes -= event->size;
}

void work_settle(struct bus *bus, struct bus_event *event, const struct outcome *outcome) {
    if (!event->late) {
        work_count_out(bus, event);
    }
    bus->listener.settled(bus->listener.context, event->delivery, outcome);
    free(event);
}

static void let_go_held(void *context, struct bus_event *event, bool is_first) {
    (void)is_first;
    work_settle(context, event, &let_go);
}

static struct outcome sent(const char *receipt) {
    return (struct outcome){.kind = OUTCOME_SENT, .message_id = slice_of_text(receipt)};
}

static struct outcome failed(struct bus *bus, struct slice event_type, const struct handled *handled) {
    struct outcome outcome = {
        .kind = OUTCOME_REFUSED, .retry_after_us = handled->retry_after_us, .reason = handled->reason};
    if (handled->outage) {
        types_limit(bus->types, bus->settings->retry_base, bus->settings->retry_max);
        int64_t wait = types_unreachable(bus->types, event_type, clock_monotonic_us());
        outcome.kind = OUTCOME_RETRY;
        outcome.retry_after_us = wait > handled->retry_after_us ? wait : handled->retry_after_us;
    }
    return outcome;
}

static struct outcome judge(struct bus *bus, struct slice event_type, const struct handled *handled) {
    if (handled->kind == HANDLED_LET_GO) {
        return let_go;
    }
    if (handled->kind == HANDLED_NONE) {
        return sent("no handler");
    }
    if (!handled->outage) {
        types_reached(bus->types, event_type);
    }
    return handled->kind == HANDLED_DONE ? sent("handled") : failed(bus, event_type, handled);
}

static void add_shed(struct bus *bus, struct bus_event *event) {
    event->next = NULL;
    *bus->shed_end = event;
    bus->shed_end = &event->next;
}

static void on_settled(void *context, void *delivery, const struct handled *handled) {
    struct bus *bus = context;
    struct bus_event *event = delivery;
    struct slice event_type = event->event.event_type;
    const struct outcome outcome = judge(bus, event_type, handled);
    if (outcome.kind == OUTCOME_SENT) {
        aggregates_done(bus->aggregates, event);
    } else {
        aggregates_fail(bus->aggregates, event, let_go_held, bus);
    }
    if (outcome.kind == OUTCOME_LET_GO) {
        types_taken_back(bus->types, event_type);
    } else {
        types_ended(bus->types, event_type, clock_monotonic_us() - event->sent_at);
    }
    if (bus->is_shedding && outcome.kind == OUTCOME_LET_GO) {
        add_shed(bus, event);
        return;
    }
    work_settle(bus, event, &outcome);
    bus_check_room(bus);
    work_soon(bus);
}

// No type gets so many that those of its handlers who can do only few at a time have a long queue: what is in
// there cannot be taken back.
static bool may_go(void *context, const struct bus_event *event) {
    const struct bus *bus = context;
    return types_at_work(bus->types, event->event.event_type) < bus->at_work_max;
}

static bool may_go_first(void *context, const struct bus_event *event) {
    const struct bus *bus = context;
    return may_go(context, event) && !types_are_slow(bus->types, event->event.event_type);
}

// Asked right before, since whoever has lost the turn must not go on with it.
static void hand_over(void *context, struct bus_event *event) {
    struct bus *bus = context;
    if (bus->listener.may_send(bus->listener.context, event->delivery)) {
        event->sent_at = clock_monotonic_us();
        types_begun(bus->types, event->event.event_type);
        handlers_offer(bus->handlers, &event->event, event);
    } else {
        aggregates_fail(bus->aggregates, event, let_go_held, bus);
        work_settle(bus, event, &let_go);
    }
}

static void on_pump(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct bus *bus = context;
    if (bus_takes_events(bus)) {
        // Handlers in SQL share connections: what is fast does not queue behind what is slow.
        aggregates_run(bus->aggregates, &(struct aggregates_runner){bus, may_go_first, hand_over});
        aggregates_run(bus->aggregates, &(struct aggregates_runner){bus, may_go, hand_over});
    } else {
        aggregates_drop(bus->aggregates, NULL, let_go_held, bus);
    }
    bus_check_room(bus);
}

void work_soon(struct bus *bus) {
    event_active(bus->pump, EV_TIMEOUT, 0);
}

void work_let_go_all(struct bus *bus) {
    aggregates_drop(bus->aggregates, NULL, let_go_held, bus);
    handlers_drop(bus->handlers);
}

// The first of each aggregate; the others follow it.
static void shed_held(void *context, struct bus_event *event, bool is_first) {
    if (is_first) {
        add_shed(context, event);
    } else {
        work_settle(context, event, &let_go);
    }
}

static void settle_shed(struct bus *bus, struct bus_event *event) {
    int64_t wait = types_shed(bus->types, event->event.event_type);
    const struct outcome later = {.kind = OUTCOME_RETRY,
                                  .retry_after_us = wait,
                                  .reason = "the handlers of its type are busy with earlier events"};
    work_settle(bus, event, wait > 0 ? &later : &let_go);
}

// The time of a turn is up. An event that would not be begun for long, at the pace of its type, is put off,
// so that what is behind it is read at all.
void work_shed(struct bus *bus, const void *claim) {
    bus->shed = NULL;
    bus->shed_end = &bus->shed;
    bus->is_shedding = true;
    handlers_drop(bus->handlers);
    aggregates_drop(bus->aggregates, claim, shed_held, bus);
    bus->is_shedding = false;
    while (bus->shed != NULL) {
        struct bus_event *event = bus->shed;
        bus->shed = event->next;
        settle_shed(bus, event);
    }
}

// A program may have waited for others: so that it is not begun when others may have its event by now, be it
// that the turn is over, or that a late one's time would be before it has ended.
static bool may_begin(void *context, void *delivery) {
    const struct bus *bus = context;
    const struct bus_event *event = delivery;
    return event->late ? clock_monotonic_us() + bus->settings->handler_timeout < event->ends_at
                       : bus->listener.may_send(bus->listener.context, event->delivery);
}

static void on_ready(void *context) {
    struct bus *bus = context;
    bus->ready = true;
    if (bus->was_cramped) { // so work_init has returned
        bus_check_room(bus);
    }
}

static void on_broken(void *context, const struct error *error) {
    struct bus *bus = context;
    bus->listener.broken(bus->listener.context, error);
}

static void on_recovered(void *context) {
    struct bus *bus = context;
    bus->listener.recovered(bus->listener.context);
    bus_check_room(bus);
}

// As many as make full transactions for the handlers in SQL: one under way, the next one waiting.
static int at_work_max(const struct settings *settings) {
    int64_t batches = 2 * settings->sql_connections * settings->sql_batch;
    return batches > AT_WORK_LEAST ? (int)batches : AT_WORK_LEAST;
}

bool work_init(struct bus *bus, struct event_base *base, struct error *error) {
    const struct settings *settings = bus->settings;
    const char *consumer = settings->consumer[0] != '\0' ? settings->consumer : "handlers";
    const struct handlers_listener listener = {.context = bus,
                                               .ready = on_ready,
                                               .broken = on_broken,
                                               .settled = on_settled,
                                               .may_begin = may_begin,
                                               .recovered = on_recovered};
    bus->aggregates = aggregates_new();
    bus->types = types_new(settings->retry_base, settings->retry_max);
    bus->at_work_max = at_work_max(settings);
    bus->pump = event_new(base, -1, 0, on_pump, bus);
    bus->handlers = handlers_new(base, settings, consumer, &listener, error);
    return bus->handlers != NULL;
}

void work_free(struct bus *bus) {
    handlers_free(bus->handlers);
    aggregates_free(bus->aggregates);
    types_free(bus->types);
    event_free(bus->pump);
}
