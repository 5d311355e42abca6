// SPDX-License-Identifier: Apache-2.0
// From a message of SQS to its handlers: the envelope is opened, its signature checked where that is asked
// for, the event handed to the handlers (handle/), and what has become of it told. Messages of a group (FIFO)
// are handled one after the other, and when one fails those behind it are let go, as the queue will bring
// them again in order. Nothing here knows how messages come and go: from a queue (sqs/) or by AWS Lambda
// (lambda/).
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "observe/health.h"
#include "settings/settings.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct intake;

enum { INCOMING_ATTRIBUTES_MAX = 10 }; // SQS allows no more

struct incoming_attribute {
    struct slice name;
    struct slice value; // of a String or Number; those of type Binary are left out
};

// A message as it was received. Views, copied by intake_offer as needed.
struct incoming {
    struct slice message_id; // SQS's
    struct slice body;
    struct slice group_id; // MessageGroupId; empty: none
    bool fifo; // of a FIFO queue, so that the group has an order. (A standard queue's group has none.)
    int receive_count; // ApproximateReceiveCount; 0: not known
    struct incoming_attribute attributes[INCOMING_ATTRIBUTES_MAX];
    int attribute_count;
};

enum intake_kind {
    INTAKE_DONE,   // handled, or there is no handler for it: to be deleted
    INTAKE_FAILED, // to come again later, and to the dead-letter queue in the end
    INTAKE_LET_GO, // not tried: to come again at once
};

struct intake_result {
    enum intake_kind kind;
    int64_t retry_after_us; // INTAKE_FAILED: what the handler has asked for; 0: nothing
    bool outage;            // INTAKE_FAILED: not because of this message
    const char *reason;     // INTAKE_FAILED: one line; lives while `settled` runs
};

struct intake_counts {
    int64_t received, handled, repeated, without_handler, failed, malformed, let_go;
};

// As handlers_listener (handle/handlers.h).
struct intake_listener {
    void *context;
    void (*ready)(void *context);
    void (*broken)(void *context, const struct error *error);
    void (*settled)(void *context, void *message, const struct intake_result *result);
    void (*recovered)(void *context);
};

struct intake *intake_new(struct event_base *base, const struct settings *settings, const char *consumer,
                          const struct intake_listener *listener, struct error *error);
// intake_free drops what is under way without a call; not from within one. NULL is fine.
void intake_free(struct intake *intake);

// intake_offer: `message` is the caller's, and comes back once with `settled`, perhaps within the call (but
// for those of a FIFO group, so that all that are offered in one go stand behind each other first). What is
// offered after one of its group has failed is tried anew: a caller that holds back some of a group lets them
// go itself.
void intake_offer(struct intake *intake, const struct incoming *incoming, void *message);

// intake_drop settles as let go what no handler has begun yet.
void intake_drop(struct intake *intake);

bool intake_resting(const struct intake *intake);                       // see handlers_resting
void intake_health(const struct intake *intake, struct health *health); // see handlers_health
const struct intake_counts *intake_counts(const struct intake *intake);
