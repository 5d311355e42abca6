// SPDX-License-Identifier: Apache-2.0
// How messages end. What their end lets go is put into a list first, and settled from there: the listener may
// offer, or let go, in any of its calls.
#include "consumer/state.h"
#include "observe/metrics.h"

#include <stdlib.h>

static const struct intake_result done = {.kind = INTAKE_DONE};
static const struct intake_result let_go = {.kind = INTAKE_LET_GO};

void item_make_ready(struct item *item) {
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
    item_make_ready(lanes_leave(&item->by_event));
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
    item_make_ready(lanes_leave(&item->by_group));
}

void item_free(struct item *item) {
    envelope_free(&item->envelope);
    free(item->refusal);
    free(item);
}

static void settle(struct item *item, const struct intake_result *result) {
    struct intake *intake = item->intake;
    struct item_queue *queue = item->state == ITEM_OFFERED ? &intake->offered : &intake->waiting;
    stop_waiting(item);
    TAILQ_REMOVE(queue, item, link);
    item_make_ready(lanes_leave(&item->by_event));
    leave_group(item, result->kind);
    intake->listener.settled(intake->listener.context, item->message, result);
    item_free(item);
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

void item_malformed(struct item *item, const char *kind, const char *reason) {
    metric_add(metric_series(METRIC_REFUSED, kind, NULL), 1);
    item->intake->counts.malformed++;
    remarks_malformed(item->intake->remarks, item->message_id, item->receive_count, reason);
    finish(item, &(struct intake_result){.kind = INTAKE_FAILED, .reason = reason});
}

void item_failed(struct item *item, const struct intake_result *result) {
    item->intake->counts.failed++;
    remarks_failed(item->intake->remarks, &item->envelope.event, result->reason);
    finish(item, result);
}

void item_handled(struct item *item, const struct handled *handled) {
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
        item_failed(item, &(struct intake_result){.kind = INTAKE_FAILED,
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

void items_let_go(struct intake *intake) {
    for (struct item *item = TAILQ_FIRST(&intake->waiting); item != NULL; item = TAILQ_NEXT(item, link)) {
        if (item->state != ITEM_LEAVING) {
            send_away(item);
        }
    }
    settle_leaving(intake);
}
