// SPDX-License-Identifier: Apache-2.0
// How much the publisher can take: what topics are slow, or rest, and what follows for those who claim
// events.
#include "base/backoff.h"
#include "base/clock.h"
#include "sns/state.h"

#include <limits.h>

enum {
    BYTES_LOW = BYTES_FULL / 2, // what is full takes events again below this
    LIMITED_LEAST = 20,         // events of a limited topic that are taken at least; else what it sends in
    LIMITED_US = 200000,        // this time
    HELD_SHARES = 3,            // of which so many are held at most
    HELD_US = HELD_SHARES * LIMITED_US, // and where others are claimed as well, none for longer than this
    PUT_OFF_MAX_US = 60000000,
    PROBE_ANSWER_US = 100000, // how soon to look again while a probe is under way
    NOBODY_US = 1000000,      // and while there are no credentials; new ones are told of
};

static const double PUT_OFF_PACE = 1.3;

// How many of a topic's events are taken at a time, where its pace is limited.
static int share(const struct limiter *limiter) {
    double events = limiter_rate(limiter) * LIMITED_US / 1000000;
    return events > LIMITED_LEAST ? (int)events : LIMITED_LEAST;
}

// How long a further event would wait. (Not asked for less than the topic has: the limiter saves up for as
// many as it is asked for.)
static int64_t wait_for_one_more_us(struct sns_topic *topic, int64_t now) {
    return limiter_wait_us(&topic->limiter, topic->events + 1, now);
}

// When an event that is too much for now is to come again: when it would be kept for a short time only, so
// that the topic does not run dry; a little faster than at the topic's pace, which may have been taken for
// lower than it is, one after the other. Nothing is put off for long, as the pace may change.
struct outcome room_put_off(struct sns_topic *topic) {
    int64_t now = clock_monotonic_us();
    int64_t wait = wait_for_one_more_us(topic, now) - (HELD_US - LIMITED_US);
    int64_t soonest = now + (wait > LIMITED_US ? wait : LIMITED_US);
    int64_t at = topic->put_off_until > soonest ? topic->put_off_until : soonest;
    if (at - now > PUT_OFF_MAX_US) {
        at = now + PUT_OFF_MAX_US / 2 + backoff_jittered_us(1, PUT_OFF_MAX_US / 2, PUT_OFF_MAX_US / 2);
    } else {
        double rate = limiter_rate(&topic->limiter);
        topic->put_off_until = rate > 0 ? at + (int64_t)(1000000 / rate / PUT_OFF_PACE) : at;
    }
    return (struct outcome){
        .kind = OUTCOME_RETRY, .retry_after_us = at - now, .reason = "SNS throttles this topic"};
}

// Where a batch is soon sent, its events come again together.
void room_put_off_batch(struct batch *batch) {
    struct sns_topic *topic = batch->topic;
    bool together = share(&topic->limiter) > LIMITED_LEAST;
    struct outcome later = room_put_off(topic);
    for (int index = 0; index < batch->count; index++) {
        if (index > 0 && !together) {
            later = room_put_off(topic);
        }
        publisher_settle(topic, &batch->entries[index], &later);
    }
    publisher_recycle(topic->publisher, batch);
}

// However few they are: each of them keeps its claim, and there are not many claims. (Where there is no other
// topic, they keep nobody out.)
static bool has_to_be_short(const struct sns_topic *topic) {
    return !topic->publisher->one_topic && limiter_rate(&topic->limiter) > 0;
}

bool room_has_too_many(struct sns_topic *topic) {
    return limiter_rate(&topic->limiter) > 0 &&
           (topic->events >= HELD_SHARES * share(&topic->limiter) ||
            (has_to_be_short(topic) && wait_for_one_more_us(topic, clock_monotonic_us()) > HELD_US));
}

// What was throttled is tried for so long as well: the pace may be far from what SNS takes. (Turns of ordered
// events are short anyway.)
bool room_keeps_for_long(struct sns_topic *topic, const struct batch *batch, int64_t now) {
    return topic->groups == NULL && has_to_be_short(topic) &&
           (limiter_wait_us(&topic->limiter, batch->count, now) > HELD_US ||
            (batch->throttled_at > 0 && now - batch->throttled_at > HELD_US));
}

// The last ones in the queue go back, so that their claims are not kept by a slow topic.
void room_shed(struct sns_topic *topic) {
    struct batch_queue queue = topic->queue;
    int left = (int)(limiter_rate(&topic->limiter) * HELD_US / 1000000);
    topic->queue = (struct batch_queue){0};
    while (queue.first != NULL) {
        struct batch *batch = batch_pop(&queue);
        left -= batch->count;
        if (topic->groups != NULL || left >= 0) {
            batch_push(&topic->queue, batch);
        } else {
            room_put_off_batch(batch);
        }
    }
}

// Of a limited topic, what its pace allows to hold; in steps, so that claims do not get tiny. INT_MAX: as
// many as you like.
static int room_of(const struct limiter *limiter, int events) {
    if (limiter_rate(limiter) <= 0) {
        return INT_MAX;
    }
    int left = share(limiter) - events;
    return left >= share(limiter) / 2 ? left : 0;
}

// What is claimed of a topic in trouble waits in the database, so that it keeps out nobody; in an outage,
// when that would be all there is, nothing but the probe is claimed.
static int room_of_topic(const struct sns_topic *topic, int64_t now) {
    enum breaker_state state = breaker_state(&topic->breaker, now);
    if (state == BREAKER_CLOSED) {
        return room_of(&topic->limiter, topic->events);
    }
    if (!topic->outage) {
        return INT_MAX;
    }
    return state == BREAKER_HALF_OPEN && topic->events < PROBE_EVENTS ? PROBE_EVENTS - topic->events : 0;
}

static int room_of_topics(const struct publisher *publisher) {
    int64_t now = clock_monotonic_us();
    int room = publisher->topics == NULL ? INT_MAX : 0;
    for (const struct sns_topic *topic = publisher->topics; topic != NULL && room < INT_MAX;
         topic = topic->next) {
        int one = room_of_topic(topic, now);
        room = one > INT_MAX - room ? INT_MAX : room + one;
    }
    return room;
}

// Without credentials nothing is claimed: it waits best where it is.
static int room_left(const struct publisher *publisher) {
    if (credentials_now(publisher->credentials) == NULL) {
        return 0;
    }
    int all = room_of(&publisher->limiter, publisher->events);
    int topics = all > 0 && publisher->one_topic ? room_of_topics(publisher) : all;
    return topics < all ? topics : all;
}

int room_for(void *self, bool one_topic) {
    struct publisher *publisher = self;
    publisher->one_topic = one_topic;
    int left = publisher->was_full ? 0 : room_left(publisher);
    publisher->was_cramped = left == 0;
    return left;
}

void room_check(struct publisher *publisher) {
    bool drained = publisher->was_full && publisher->bytes < BYTES_LOW;
    publisher->was_full = publisher->was_full && !drained;
    if (drained || (publisher->was_cramped && !publisher->was_full && room_left(publisher) > 0)) {
        publisher->was_cramped = false;
        publisher->listener.drained(publisher->listener.context);
    }
}

static int64_t breaker_rest(const struct breaker *breaker, int64_t now) {
    return breaker_state(breaker, now) == BREAKER_PROBING ? PROBE_ANSWER_US : breaker_left(breaker, now);
}

// In an outage, claiming more would only write to the database.
int64_t room_resting_us(void *self) {
    const struct publisher *publisher = self;
    int64_t now = clock_monotonic_us();
    if (credentials_now(publisher->credentials) == NULL) {
        return NOBODY_US;
    }
    int64_t all = breaker_rest(&publisher->breaker, now);
    int64_t shortest = publisher->topics != NULL ? INT64_MAX : 0;
    for (const struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        int64_t left = topic->outage ? breaker_rest(&topic->breaker, now) : 0;
        shortest = left < shortest ? left : shortest;
    }
    return all > shortest ? all : shortest;
}
