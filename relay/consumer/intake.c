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
#include "consumer/certificates.h"
#include "consumer/envelope.h"
#include "consumer/lanes.h"
#include "consumer/remarks.h"
#include "handle/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

enum { MESSAGE_ID_SIZE = 101 };

enum item_state {
    ITEM_BEGUN,
    ITEM_QUEUED,
    ITEM_READY,
    ITEM_CHECKING,
    ITEM_BLOCKED,
    ITEM_OFFERED,
    ITEM_LEAVING,
};

struct item {
    TAILQ_ENTRY(item) link; // in `waiting` or, once offered, in `offered`
    TAILQ_ENTRY(item) turn; // in `ready` or `leaving`, by its state
    enum item_state state;
    struct intake *intake;
    void *message; // the caller's
    struct envelope envelope;
    char *refusal; // why it is malformed, or NULL
    bool checked;  // its signature holds
    struct certificate_waiter waiter;
    struct lane_place by_group;
    struct lane_place by_event;
    int receive_count;
    char message_id[MESSAGE_ID_SIZE];
};

TAILQ_HEAD(item_queue, item);

struct intake {
    struct intake_listener listener;
    struct handlers *handlers;
    struct certificates *certificates; // NULL: signatures are not verified
    struct remarks *remarks;
    struct lanes *groups;
    struct lanes *events;
    struct event *tick; // goes on with what is ready
    struct item_queue waiting;
    struct item_queue offered;
    struct item_queue ready;
    struct item_queue leaving; // let go, but not yet told
    bool telling;
    struct intake_counts counts;
};

static const struct intake_result done = {.kind = INTAKE_DONE};
static const struct intake_result let_go = {.kind = INTAKE_LET_GO};

static void make_ready(struct item *item) {
    if (item != NULL) {
        item->state = ITEM_READY;
        TAILQ_INSERT_TAIL(&item->intake->ready, item, turn);
        event_active(item->intake->tick, 0, 0);
    }
}

// Takes the item out of whatever it waits in.
static void stop_waiting(struct item *item) {
    switch (item->state) {
    case ITEM_READY:
        TAILQ_REMOVE(&item->intake->ready, item, turn);
        break;
    case ITEM_CHECKING:
        certificates_cancel(&item->waiter);
        break;
    case ITEM_BEGUN:
    case ITEM_QUEUED:
    case ITEM_BLOCKED:
    case ITEM_OFFERED:
    case ITEM_LEAVING:
        break;
    }
}

// Will be let go; nothing waits for it from now on.
static void send_away(struct item *item) {
    stop_waiting(item);
    make_ready(lanes_leave(&item->by_event));
    (void)lanes_leave(&item->by_group);
    item->state = ITEM_LEAVING;
    TAILQ_INSERT_TAIL(&item->intake->leaving, item, turn);
}

// Those behind in a group can go on when it is done, and cannot when it is not.
static void leave_group(struct item *item, enum intake_kind kind) {
    struct item *behind;
    while (kind != INTAKE_DONE && (behind = lanes_behind(&item->by_group)) != NULL) {
        send_away(behind);
    }
    make_ready(lanes_leave(&item->by_group));
}

static void free_item(struct item *item) {
    envelope_free(&item->envelope);
    free(item->refusal);
    free(item);
}

static void settle(struct item *item, const struct intake_result *result) {
    struct intake *intake = item->intake;
    struct item_queue *queue = item->state == ITEM_OFFERED ? &intake->offered : &intake->waiting;
    stop_waiting(item);
    TAILQ_REMOVE(queue, item, link);
    make_ready(lanes_leave(&item->by_event));
    leave_group(item, result->kind);
    intake->listener.settled(intake->listener.context, item->message, result);
    free_item(item);
}

static void settle_leaving(struct intake *intake) {
    if (intake->telling) { // it goes on there
        return;
    }
    intake->telling = true;
    while (!TAILQ_EMPTY(&intake->leaving)) {
        struct item *item = TAILQ_FIRST(&intake->leaving);
        TAILQ_REMOVE(&intake->leaving, item, turn);
        item->state = ITEM_BEGUN;
        intake->counts.let_go++;
        settle(item, &let_go);
    }
    intake->telling = false;
}

// Settles the item, then those that its end lets go.
static void finish(struct item *item, const struct intake_result *result) {
    struct intake *intake = item->intake;
    settle(item, result);
    settle_leaving(intake);
}

static void finish_malformed(struct item *item, const char *reason) {
    item->intake->counts.malformed++;
    remarks_malformed(item->intake->remarks, item->message_id, item->receive_count, reason);
    finish(item, &(struct intake_result){.kind = INTAKE_FAILED, .reason = reason});
}

static void finish_failed(struct item *item, const struct intake_result *result) {
    item->intake->counts.failed++;
    remarks_failed(item->intake->remarks, &item->envelope.event, result->reason);
    finish(item, result);
}

static void finish_handled(struct item *item, const struct handled *handled) {
    struct intake_counts *counts = &item->intake->counts;
    switch (handled->kind) {
    case HANDLED_DONE:
        counts->handled++;
        counts->repeated += handled->repeated ? 1 : 0;
        finish(item, &done);
        break;
    case HANDLED_NONE:
        counts->without_handler++;
        remarks_unhandled(item->intake->remarks, item->envelope.event.event_type);
        finish(item, &done);
        break;
    case HANDLED_FAILED:
        finish_failed(item, &(struct intake_result){.kind = INTAKE_FAILED,
                                                    .retry_after_us = handled->retry_after_us,
                                                    .outage = handled->outage,
                                                    .reason = handled->reason});
        break;
    case HANDLED_LET_GO:
        counts->let_go++;
        finish(item, &let_go);
        break;
    }
}

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
        finish_failed(item, &outage);
    } else if (found->key == NULL || !signature_verify(&item->envelope.sealed, found->key, &error)) {
        finish_malformed(item, error.text);
    } else {
        item->checked = true;
        claim_event(item);
    }
}

static void check_signature(struct item *item) {
    struct error error = {0};
    if (!signature_prepare(&item->envelope.sealed, &error)) {
        finish_malformed(item, error.text);
        return;
    }
    item->state = ITEM_CHECKING;
    item->waiter = (struct certificate_waiter){.done = on_certificate, .context = item};
    certificates_get(item->intake->certificates, item->envelope.sealed.certificate_url, &item->waiter);
}

static void go_on(struct item *item) {
    if (item->refusal != NULL) {
        finish_malformed(item, item->refusal);
    } else if (item->envelope.needs_check && !item->checked) {
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
    TAILQ_FOREACH(item, &intake->ready, turn) {
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
    finish_handled(delivery, handled);
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
        free_item(item);
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
        make_ready(item);
    } else {
        item->state = ITEM_QUEUED;
    }
}

void intake_drop(struct intake *intake) {
    struct item *item;
    TAILQ_FOREACH(item, &intake->waiting, link) {
        if (item->state != ITEM_LEAVING) {
            send_away(item);
        }
    }
    settle_leaving(intake);
    handlers_drop(intake->handlers);
}

bool intake_resting(const struct intake *intake) {
    return handlers_resting(intake->handlers);
}

const struct intake_counts *intake_counts(const struct intake *intake) {
    return &intake->counts;
}
