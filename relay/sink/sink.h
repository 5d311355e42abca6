// SPDX-License-Identifier: Apache-2.0
// Where events go. A sink is offered one event after the other, batches them as it likes, and settles each
// exactly once through `settled`: either it was accepted at the other end, or it is to be tried again later.
#pragma once

#include "message/event.h"
#include "route/routes.h"

#include <stdbool.h>
#include <stdint.h>

// Who is told how a delivery ended: `row` of a claim.
struct delivery {
    void *claim;
    int row;
};

// How a delivery ended.
struct outcome {
    bool sent;
    bool let_go;             // never tried: the event stays as it was found
    bool counts;             // not sent: the event itself was refused, so it counts as an attempt
    struct slice message_id; // sent: the receipt
    int64_t retry_after_us;  // not sent: not before this much time has passed
    const char *reason;      // not sent: for last_error
};

// What a sink tells its user.
struct sink_listener {
    void *context;
    void (*settled)(void *context, struct delivery delivery, const struct outcome *outcome);
    void (*drained)(void *context);                           // full() has become false
    void (*broken)(void *context, const struct error *error); // the sink will never work again
};

struct sink {
    void *self;
    bool needs_topic;

    // full: offer no more until `drained`; bounds the memory that events under way take.
    bool (*full)(void *self);

    // offer hands over one event, of which nothing is kept after the call but what the sink copied. `topic`
    // is NULL only when needs_topic is false. May settle at once.
    void (*offer)(void *self, const struct outbox_event *event, struct topic *topic,
                  struct delivery delivery);

    // flush: no more events are coming for now, so send batches that are not full.
    void (*flush)(void *self);

    // drop settles as let go whatever is not under way yet: the claims that it belongs to have lost their
    // rows.
    void (*drop)(void *self);

    // resting_us: how long it makes no sense to offer anything, since everything fails; 0 when all is well.
    int64_t (*resting_us)(void *self);

    void (*free)(void *self);
};
