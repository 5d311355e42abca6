// SPDX-License-Identifier: Apache-2.0
// Sending: picks the batches that may go now, signs and posts them. Topics take turns, so that a slow one
// holds up nobody.
#include "base/clock.h"
#include "base/memory.h"
#include "sns/state.h"

#include <stdio.h>

enum {
    AUTHORIZATION_HEADER = 1024, // bytes of a header line
    TOKEN_HEADER = AWS_SESSION_TOKEN_MAX + 64,
    LOOK_US = 1000000, // a pace is looked at again after this, as it rises with time
};

#define CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"

static void on_answer(void *context, const struct http_answer *answer) {
    struct batch *batch = context;
    struct publisher *publisher = batch->topic->publisher;
    publisher->in_flight--;
    figures_answer(publisher, batch);
    batch->sent_at = 0;
    judge_answer(publisher, batch, answer);
    send_waiting(publisher);
}

static bool sign(struct publisher *publisher, struct batch *batch, const struct aws_credentials *credentials,
                 struct sigv4_signature *signature, struct error *error) {
    const struct sns_topic *topic = batch->topic;
    const struct sigv4_header headers[] = {{"content-type", CONTENT_TYPE}, {"host", topic->endpoint.host}};
    const struct sigv4_request request = {.method = "POST",
                                          .path = topic->endpoint.path,
                                          .query = "",
                                          .region = topic->topic->parts.region,
                                          .service = "sns",
                                          .headers = headers,
                                          .header_count = sizeof headers / sizeof headers[0],
                                          .payload = batch->form.data,
                                          .payload_length = batch->form.length};
    batch->signed_offset_us = publisher->skew.offset_us;
    batch->signed_with = credentials_version(publisher->credentials);
    return sigv4_sign(publisher->signer, credentials, &request, clock_unix_us() + batch->signed_offset_us,
                      signature, error);
}

static void post(struct publisher *publisher, struct batch *batch,
                 const struct aws_credentials *credentials) {
    struct sigv4_signature signature;
    struct error error = {0};
    if (batch->form.overflow) { // more than any setting allows: something is missing in it
        judge_answer(publisher, batch, &(struct http_answer){.failure = "the request is too large"});
        return;
    }
    if (!sign(publisher, batch, credentials, &signature, &error)) {
        judge_credentials(publisher, batch, error.text);
        return;
    }
    char date[CLOCK_BASIC_SIZE + 16];
    char authorization[AUTHORIZATION_HEADER];
    char token[TOKEN_HEADER];
    int token_length = 0;
    snprintf(date, sizeof date, "X-Amz-Date: %s", signature.date);
    snprintf(authorization, sizeof authorization, "Authorization: %s", signature.authorization);
    if (credentials->session_token[0] != '\0') {
        token_length = snprintf(token, sizeof token, "X-Amz-Security-Token: %s", credentials->session_token);
    }
    const struct http_request request = {
        .url = batch->topic->endpoint.url,
        .headers = {"Content-Type: " CONTENT_TYPE, date, authorization, token_length > 0 ? token : NULL},
        .body = {batch->form.data, batch->form.length},
        .done = on_answer,
        .context = batch};
    publisher->in_flight++;
    figures_request(publisher, batch);
    batch->sent_at = clock_monotonic_us();
    http_send(publisher->http, &request);
    memory_wipe(token, (size_t)token_length);
}

void send_activate(struct sns_topic *topic) {
    if (!topic->active) {
        topic->active = true;
        topic->next_active = topic->publisher->active;
        topic->publisher->active = topic;
    }
}

// What has waited long enough goes before what is new. Returns when the next one has.
static int64_t undelay(struct sns_topic *topic, int64_t now) {
    struct batch_queue later = {0};
    int64_t next = INT64_MAX;
    while (topic->delayed.first != NULL) {
        struct batch *batch = batch_pop(&topic->delayed);
        if (batch->retry_at <= now) {
            batch_push_front(&topic->queue, batch);
        } else {
            next = batch->retry_at < next ? batch->retry_at : next;
            batch_push(&later, batch);
        }
    }
    topic->delayed = later;
    return next;
}

// A batch of a FIFO topic: the first events of as many groups.
static struct batch *collect(struct publisher *publisher, struct sns_topic *topic) {
    struct batch *batch = publisher_batch(publisher, topic);
    size_t most = (size_t)publisher->settings->max_message_bytes;
    const struct held *next;
    while (batch->count < SNS_BATCH_MAX && (next = groups_peek(topic->groups)) != NULL &&
           (batch->count == 0 || batch->size + next->entry.size <= most)) {
        struct held *held = groups_take(topic->groups);
        size_t before = batch->form.length;
        batch_take(batch, &held->entry, (struct slice){held->encoded.data, held->encoded.length});
        publisher->bytes += batch->form.length - before;
        publisher->bytes -= held->encoded.length;
        held_free(held);
    }
    return batch;
}

static bool may_send_all(const struct publisher *publisher, const struct batch *batch) {
    bool may = true;
    for (int index = 0; may && index < batch->count; index++) {
        const struct batch_entry *entry = &batch->entries[index];
        may = !entry->late && (entry->group == NULL || publisher->listener.may_send == NULL ||
                               publisher->listener.may_send(publisher->listener.context, entry->delivery));
    }
    return may;
}

static bool has_batch(const struct sns_topic *topic) {
    return topic->queue.first != NULL || (topic->groups != NULL && groups_peek(topic->groups) != NULL);
}

static void send_next(struct publisher *publisher, struct sns_topic *topic,
                      const struct aws_credentials *credentials, int64_t now) {
    static const struct outcome let_go = {.kind = OUTCOME_LET_GO};
    struct batch *batch = topic->queue.first != NULL ? batch_pop(&topic->queue) : collect(publisher, topic);
    if (!may_send_all(publisher, batch)) {
        publisher_settle_batch(publisher, batch, &let_go);
        return;
    }
    if (breaker_state(&publisher->breaker, now) == BREAKER_HALF_OPEN) {
        breaker_probe(&publisher->breaker);
    }
    if (breaker_state(&topic->breaker, now) == BREAKER_HALF_OPEN) {
        breaker_probe(&topic->breaker);
    }
    limiter_take(&topic->limiter, batch->count);
    limiter_take(&publisher->limiter, batch->count);
    post(publisher, batch, credentials);
}

static bool is_closed_enough(const struct publisher *publisher, const struct sns_topic *topic, int64_t now) {
    enum breaker_state all = breaker_state(&publisher->breaker, now);
    enum breaker_state one = breaker_state(&topic->breaker, now);
    return (all == BREAKER_CLOSED || all == BREAKER_HALF_OPEN) &&
           (one == BREAKER_CLOSED || one == BREAKER_HALF_OPEN);
}

// (Of a FIFO topic it is not known how many can go together, but they are no more than it holds.)
static int count_next(const struct sns_topic *topic) {
    if (topic->queue.first != NULL) {
        return topic->queue.first->count;
    }
    int held = groups_held(topic->groups);
    return held < SNS_BATCH_MAX ? held : SNS_BATCH_MAX;
}

// One batch. Returns when to try again: 0 when it has been sent or put off, INT64_MAX when something else
// will call.
static int64_t try_topic(struct publisher *publisher, struct sns_topic *topic, int64_t now) {
    const struct aws_credentials *credentials = credentials_now(publisher->credentials);
    int64_t next = undelay(topic, now);
    if (!has_batch(topic) || credentials == NULL || !is_closed_enough(publisher, topic, now) ||
        publisher->in_flight >= publisher->settings->max_in_flight) {
        return next;
    }
    int count = count_next(topic);
    if (topic->queue.first != NULL && room_keeps_for_long(topic, topic->queue.first, now)) {
        room_put_off_batch(batch_pop(&topic->queue));
        return 0;
    }
    int64_t own = limiter_wait_us(&topic->limiter, count, now);
    int64_t all = limiter_wait_us(&publisher->limiter, count, now);
    int64_t wait = own > all ? own : all;
    if (wait > 0) {
        wait = wait < LOOK_US ? wait : LOOK_US;
        return now + wait < next ? now + wait : next;
    }
    send_next(publisher, topic, credentials, now);
    return 0;
}

// Topics that have nothing left leave the list.
static int64_t try_all(struct publisher *publisher, int64_t now) {
    struct sns_topic **link = &publisher->active;
    int64_t next = INT64_MAX;
    while (*link != NULL) {
        struct sns_topic *topic = *link;
        int64_t at = try_topic(publisher, topic, now);
        next = at < next ? at : next;
        if (at == INT64_MAX && !has_batch(topic)) {
            topic->active = false;
            *link = topic->next_active;
        } else {
            link = &topic->next_active;
        }
    }
    return next;
}

void send_waiting(struct publisher *publisher) {
    int64_t now = clock_monotonic_us();
    int64_t next;
    publisher_renew(publisher);
    while ((next = try_all(publisher, now)) == 0) {
    }
    if (next != INT64_MAX) {
        const struct timeval wait = {.tv_sec = (next - now) / 1000000, .tv_usec = (next - now) % 1000000};
        evtimer_add(publisher->timer, &wait);
    }
    room_check(publisher);
}
