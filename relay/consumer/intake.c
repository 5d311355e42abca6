// SPDX-License-Identifier: Apache-2.0
// A message on its way:
//
//     queued -> ready -> checking -> blocked -> ready -> offered -> settled
//
// Queued behind others of its group; checking its signature; blocked while another message with the same
// event is offered, since handlers outside of the database could otherwise run twice at once. Each step but
// the first is left out where there is nothing to do.
//
// What may go on because another message was settled becomes ready, and goes on from the loop: handlers may
// settle within the offer, and a long group would use up the stack. A message of a group becomes ready first
// in any case, so that those that are offered in one go stand behind it before it can fail.
#include "consumer/intake.h"

#include "base/memory.h"
#include "consumer/state.h"
#include "observe/metrics.h"

#include <stdio.h>
#include <stdlib.h>

static void offer(struct item *item) {
    struct intake *intake = item->intake;
    item->state = ITEM_OFFERED;
    TAILQ_REMOVE(&intake->waiting, item, link);
    TAILQ_INSERT_TAIL(&intake->offered, item, link);
    handlers_offer(intake->handlers, &item->envelope.event, item);
}

static void claim_event(struct item *item) {
    struct slice id = slice_of_text(item->envelope.event.event_id);
    bool first = item->by_event.lane != NULL || lanes_join(item->intake->events, id, &item->by_event, item);
    if (first) {
        offer(item);
    } else {
        item->state = ITEM_BLOCKED;
    }
}

static void on_certificate(void *context, const struct certificate_found *found) {
    struct item *item = context;
    struct error error = {0};
    if (found->key == NULL) { // copied, as the listener may make others ask
        error_set(&error, ERROR_USAGE, "%s", found->reason);
    }
    if (found->key == NULL && found->outage) {
        const struct intake_result outage = {.kind = INTAKE_FAILED, .outage = true, .reason = error.text};
        item_failed(item, &outage);
    } else if (found->key == NULL || !signature_verify(&item->envelope.sealed, found->key, &error)) {
        item_malformed(item, REFUSED_SIGNATURE, error.text);
    } else {
        item->envelope.needs_check = false;
        claim_event(item);
    }
}

static void check_signature(struct item *item) {
    struct error error = {0};
    if (!signature_prepare(&item->envelope.sealed, &error)) {
        item_malformed(item, REFUSED_SIGNATURE, error.text);
        return;
    }
    item->state = ITEM_CHECKING;
    item->waiter = (struct certificate_waiter){.done = on_certificate, .context = item};
    certificates_get(item->intake->certificates, item->envelope.sealed.certificate_url, &item->waiter);
}

static void go_on(struct item *item) {
    if (item->refusal != NULL) {
        item_malformed(item, REFUSED_MALFORMED, item->refusal);
    } else if (item->envelope.needs_check) {
        check_signature(item);
    } else {
        claim_event(item);
    }
}

// What becomes ready meanwhile has its turn after the other events of the loop.
static void on_tick(evutil_socket_t socket, short kinds, void *context) {
    struct intake *intake = context;
    struct item *item;
    size_t count = 0;
    (void)socket;
    (void)kinds;
    for (item = TAILQ_FIRST(&intake->ready); item != NULL; item = TAILQ_NEXT(item, turn)) {
        count++;
    }
    for (; count > 0 && (item = TAILQ_FIRST(&intake->ready)) != NULL; count--) {
        TAILQ_REMOVE(&intake->ready, item, turn);
        item->state = ITEM_BEGUN;
        go_on(item);
    }
}

static void on_ready(void *context) {
    const struct intake *intake = context;
    intake->listener.ready(intake->listener.context);
}

static void on_broken(void *context, const struct error *error) {
    const struct intake *intake = context;
    intake->listener.broken(intake->listener.context, error);
}

static void on_settled(void *context, void *delivery, const struct handled *handled) {
    (void)context;
    item_handled(delivery, handled);
}

static void on_recovered(void *context) {
    const struct intake *intake = context;
    intake->listener.recovered(intake->listener.context);
}

static bool open_handlers(struct intake *intake, struct event_base *base, const struct settings *settings,
                          const char *consumer, struct error *error) {
    const struct handlers_listener listener = {.context = intake,
                                               .ready = on_ready,
                                               .broken = on_broken,
                                               .settled = on_settled,
                                               .recovered = on_recovered};
    if (settings->verify_signatures > 0) {
        intake->certificates = certificates_new(base, settings->aws_ca_bundle, error);
        if (intake->certificates == NULL) {
            return false;
        }
    }
    intake->handlers = handlers_new(base, settings, consumer, &listener, error);
    return intake->handlers != NULL;
}

struct intake *intake_new(struct event_base *base, const struct settings *settings, const char *consumer,
                          const struct intake_listener *listener, struct error *error) {
    struct intake *intake = memory_allocate(1, sizeof *intake);
    intake->listener = *listener;
    metric_series(METRIC_REFUSED, REFUSED_MALFORMED, NULL); // 0, not absent
    metric_series(METRIC_REFUSED, REFUSED_SIGNATURE, NULL);
    intake->remarks = remarks_new(base);
    intake->groups = lanes_new();
    intake->events = lanes_new();
    intake->tick = event_new(base, -1, 0, on_tick, intake);
    TAILQ_INIT(&intake->waiting);
    TAILQ_INIT(&intake->offered);
    TAILQ_INIT(&intake->ready);
    TAILQ_INIT(&intake->leaving);
    if (!open_handlers(intake, base, settings, consumer, error)) {
        intake_free(intake);
        return NULL;
    }
    return intake;
}

static void free_items(struct item_queue *queue) {
    while (!TAILQ_EMPTY(queue)) {
        struct item *item = TAILQ_FIRST(queue);
        TAILQ_REMOVE(queue, item, link);
        item_free(item);
    }
}

void intake_free(struct intake *intake) {
    if (intake == NULL) {
        return;
    }
    handlers_free(intake->handlers);
    certificates_free(intake->certificates);
    free_items(&intake->waiting);
    free_items(&intake->offered);
    lanes_free(intake->groups);
    lanes_free(intake->events);
    remarks_free(intake->remarks);
    event_free(intake->tick);
    free(intake);
}

static struct item *new_item(struct intake *intake, const struct incoming *incoming, void *message) {
    struct item *item = memory_allocate(1, sizeof *item);
    struct error error = {0};
    item->intake = intake;
    item->message = message;
    item->receive_count = incoming->receive_count;
    (void)snprintf(item->message_id, sizeof item->message_id, "%.*s", (int)incoming->message_id.length,
                   incoming->message_id.data);
    if (!envelope_open(&item->envelope, incoming, intake->certificates != NULL, &error)) {
        item->refusal = memory_copy_text(error.text);
    }
    item->envelope.event.deliveries = incoming->receive_count;
    TAILQ_INSERT_TAIL(&intake->waiting, item, link);
    return item;
}

void intake_offer(struct intake *intake, const struct incoming *incoming, void *message) {
    struct item *item = new_item(intake, incoming, message);
    intake->counts.received++;
    if (!incoming->fifo || incoming->group_id.length == 0) {
        go_on(item);
    } else if (lanes_join(intake->groups, incoming->group_id, &item->by_group, item)) {
        item_make_ready(item);
    } else {
        item->state = ITEM_QUEUED;
    }
}

void intake_drop(struct intake *intake) {
    items_let_go(intake);
    handlers_drop(intake->handlers);
}

bool intake_resting(const struct intake *intake) {
    return handlers_resting(intake->handlers);
}

void intake_health(const struct intake *intake, struct health *health) {
    handlers_health(intake->handlers, health);
}

const struct intake_counts *intake_counts(const struct intake *intake) {
    return &intake->counts;
}
