// SPDX-License-Identifier: Apache-2.0
// What intake.c and settle.c share: the messages in hand, and how each of them ends.
#pragma once

#include "consumer/certificates.h"
#include "consumer/envelope.h"
#include "consumer/intake.h"
#include "consumer/lanes.h"
#include "consumer/remarks.h"
#include "handle/handlers.h"

#include <sys/queue.h>

enum { MESSAGE_ID_SIZE = 101 };

#define REFUSED_MALFORMED "malformed"
#define REFUSED_SIGNATURE "signature"

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

// item_make_ready: nothing holds the item up any more, so it goes on from the loop. NULL is fine.
void item_make_ready(struct item *item);

// item_handled, item_malformed and item_failed count the item, log what there is to say, settle it, and let
// go those behind it in its group unless it is done. The item is gone afterwards.
void item_handled(struct item *item, const struct handled *handled);
// `kind`, a word, is what it is counted under.
void item_malformed(struct item *item, const char *kind, const char *reason);
void item_failed(struct item *item, const struct intake_result *result);

// items_let_go settles all that wait.
void items_let_go(struct intake *intake);

void item_free(struct item *item); // without a call
