// SPDX-License-Identifier: Apache-2.0
// Where events go. A sink is offered one event after the other, batches them as it likes, and settles each
// exactly once through `settled`, with what has become of it.
#pragma once

#include "message/event.h"
#include "observe/health.h"
#include "route/routes.h"

#include <stdbool.h>
#include <stdint.h>

// Who is told how a delivery ended: `row` of a claim.
struct delivery {
    void *claim;
    int row;
};

enum outcome_kind {
    OUTCOME_SENT,    // accepted at the other end; message_id is the receipt
    OUTCOME_LET_GO,  // not tried: the event stays as it was found
    OUTCOME_RETRY,   // failed, and not because of the event: again after retry_after_us
    OUTCOME_REFUSED, // failed because of the event: an attempt; again with backoff, and parked after too many
    OUTCOME_PARK,    // refused for good: for a person to decide
    OUTCOME_WAIT,    // not tried, and not to be until something else has changed: its topic, its route
};

struct outcome {
    enum outcome_kind kind;
    struct slice message_id; // OUTCOME_SENT
    int64_t retry_after_us;  // OUTCOME_RETRY; OUTCOME_REFUSED: at least
    const char *reason;      // for last_error; of all but OUTCOME_SENT and OUTCOME_LET_GO
};

// The reason of an event that waits for its topic to be resumed.
#define TOPIC_PAUSED "the topic is paused; outbox.resume() ends that"

// The reason of an event whose topic has not answered an earlier request.
#define TOPIC_LATE "the topic has not answered an earlier request yet"

// What a sink tells its user, and asks.
struct sink_listener {
    void *context;
    void (*settled)(void *context, struct delivery delivery, const struct outcome *outcome);
    void (*drained)(void *context);             // there is room again, after there was none
    void (*recovered)(void *context);           // a topic takes events again: what waits may be let go
    void (*probing)(void *context, int events); // can be tried again: so many of what waits may be let go
    void (*broken)(void *context, const struct error *error); // the sink will never work again

    // left is asked for the delivery that an event under way goes on with when its claim does not wait for it
    // (`leave`); `ends_in_us`: when it will be known at the latest what has become of it; `reason`: what it
    // waits for.
    struct delivery (*left)(void *context, struct delivery delivery, const char *reason, int64_t ends_in_us);

    // may_send is asked right before an ordered event goes out: false when its claim cannot be sure
    // any more that nobody else publishes the events of its aggregate. The event is let go then.
    bool (*may_send)(void *context, struct delivery delivery);
};

struct sink {
    void *self;
    const char *name; // what its events are counted under; NULL: their topics
    bool needs_topic;
    bool orders_all; // every event is ordered, whatever its topic

    // full: offer no more until `drained`; bounds the memory that events under way take.
    bool (*full)(void *self);

    // room is how many events to claim now; 0: none before `drained` or the end of resting_us. `one_topic`:
    // all events go to the same topic, so that if it takes them slowly there is no point in claiming more.
    int (*room)(void *self, bool one_topic);

    // offer hands over one event, of which nothing is kept after the call but what the sink copied. `topic`
    // is NULL only when needs_topic is false. May settle at once. Events of an aggregate come in order.
    void (*offer)(void *self, const struct outbox_event *event, struct topic *topic,
                  struct delivery delivery);

    // flush: all events of this claim have been offered (of others, still being read, perhaps not), so send
    // batches that are not full.
    void (*flush)(void *self, const void *claim);

    // drop settles as let go what is not under way yet, of one claim or (NULL) of all.
    void (*drop)(void *self, const void *claim);

    // leave: what is under way of this claim goes on under another delivery (listener's `left`), since it
    // takes too long. is_late: something of that kind is still under way to a topic, so no other event is to
    // be offered for it.
    void (*leave)(void *self, const void *claim);
    bool (*is_late)(void *self, const char *topic_arn);

    // resting_us: how long it makes no sense to offer anything, since everything fails; 0 when all is well.
    int64_t (*resting_us)(void *self);

    // admits: the events that wait for a topic may be let go.
    bool (*admits)(void *self, struct topic *topic);

    // health adds a check of its own: whether it can take events, and what is to be noted though it can.
    void (*health)(void *self, struct health *health);

    // trim gives back memory that is kept for reuse: there has been nothing to do for a while. NULL: none is.
    void (*trim)(void *self);

    void (*free)(void *self);
};
