// SPDX-License-Identifier: Apache-2.0
#include "sns/publisher.h"

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/client.h"
#include "message/message.h"
#include "sns/answer.h"
#include "sns/form.h"
#include "sns/rest.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BYTES_FULL = 16 << 20,       // of forms under way: above this no more events are taken
    FORM_LIMIT = 16 << 20,       // of one form; 1 MiB of messages percent-encoded is 3 MiB
    FORM_KEEP = 64 << 10,        // a larger buffer is not kept for reuse
    AUTHORIZATION_HEADER = 1024, // bytes of a header line
    TOKEN_HEADER = AWS_SESSION_TOKEN_MAX + 64,
};

static const char content_type[] = "application/x-www-form-urlencoded; charset=utf-8";

// One request: being filled, waiting for a connection, or under way.
struct batch {
    struct batch *next;
    struct batch *made_before; // in the list of all
    struct sns_topic *topic;
    struct buffer form;
    size_t size; // what SNS counts
    int count;
    struct delivery deliveries[SNS_BATCH_MAX];
};

struct batch_queue {
    struct batch *first;
    struct batch *last;
};

// What the publisher keeps of a topic.
struct sns_topic {
    struct sns_topic *next;
    struct publisher *publisher;
    const struct topic *topic;
    struct aws_endpoint endpoint;
    struct batch *open;       // NULL when no batch is being filled
    struct batch_queue queue; // sealed, waiting; of a FIFO topic
    int in_flight;            // of a FIFO topic: at most one, so that order is kept
    struct rest rest;
};

struct publisher {
    struct sink_listener listener;
    const struct settings *settings;
    struct http_client *http;
    struct aws_credentials credentials;
    struct sigv4_signer *signer;
    struct sns_answer_parser *parser;
    struct message message;
    struct sns_topic *topics;
    struct batch_queue queue; // sealed, waiting; standard topics
    struct batch *spare;
    struct batch *made_last; // of all batches, wherever they are now
    size_t bytes;            // of all forms
    int64_t in_flight;
    bool was_full;
};

static void push(struct batch_queue *queue, struct batch *batch) {
    batch->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = batch;
    } else {
        queue->first = batch;
    }
    queue->last = batch;
}

static struct batch *pop(struct batch_queue *queue) {
    struct batch *batch = queue->first;
    queue->first = batch->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    return batch;
}

static struct batch *new_batch(struct publisher *publisher, struct sns_topic *topic) {
    struct batch *batch = publisher->spare;
    if (batch != NULL) {
        publisher->spare = batch->next;
    } else {
        batch = memory_allocate(1, sizeof *batch);
        buffer_init(&batch->form, FORM_LIMIT);
        batch->made_before = publisher->made_last;
        publisher->made_last = batch;
    }
    batch->topic = topic;
    batch->count = 0;
    batch->size = 0;
    sns_form_begin(&batch->form, topic->topic->arn);
    publisher->bytes += batch->form.length;
    return batch;
}

static void recycle(struct publisher *publisher, struct batch *batch) {
    publisher->bytes -= batch->form.length;
    buffer_clear(&batch->form);
    if (batch->form.capacity > FORM_KEEP) {
        buffer_free(&batch->form);
    }
    batch->next = publisher->spare;
    publisher->spare = batch;
}

static void settle(struct publisher *publisher, struct delivery delivery, const struct outcome *outcome) {
    publisher->listener.settled(publisher->listener.context, delivery, outcome);
}

static void settle_all(struct publisher *publisher, struct batch *batch, const struct outcome *outcome) {
    for (int index = 0; index < batch->count; index++) {
        settle(publisher, batch->deliveries[index], outcome);
    }
}

// What waits for a topic that has just failed is not sent into the same failure.
static void settle_waiting(struct publisher *publisher, struct batch_queue *queue,
                           const struct sns_topic *topic, const struct outcome *outcome) {
    struct batch_queue kept = {0};
    while (queue->first != NULL) {
        struct batch *batch = pop(queue);
        if (batch->topic == topic) {
            settle_all(publisher, batch, outcome);
            recycle(publisher, batch);
        } else {
            push(&kept, batch);
        }
    }
    *queue = kept;
}

// A throttled sender is told that it is at fault, but the event is not.
static bool is_fault_of_event(const struct sns_entry *entry) {
    return entry->sender_fault && strstr(entry->code, "hrottl") == NULL;
}

static void settle_entry(struct publisher *publisher, struct delivery delivery,
                         const struct sns_entry *entry) {
    char reason[SNS_CODE_SIZE + SNS_MESSAGE_SIZE + 16];
    struct outcome outcome = {.retry_after_us = publisher->settings->retry_base};
    switch (entry->outcome) {
    case SNS_SENT:
        outcome = (struct outcome){.sent = true, .message_id = slice_of_text(entry->message_id)};
        break;
    case SNS_FAILED:
        snprintf(reason, sizeof reason, "SNS: %s: %s", entry->code, entry->message);
        outcome.counts = is_fault_of_event(entry);
        outcome.reason = reason;
        break;
    case SNS_UNKNOWN:
        outcome.reason = "SNS did not say whether it accepted this event";
        break;
    }
    settle(publisher, delivery, &outcome);
}

// The request as a whole was not accepted: every event of it is tried again after the topic has rested.
static void settle_refused(struct publisher *publisher, struct batch *batch, const char *code,
                           const char *message) {
    char reason[ERROR_TEXT_SIZE];
    struct sns_topic *topic = batch->topic;
    snprintf(reason, sizeof reason, "SNS: %s: %s", code, message);
    if (rest_begin(&topic->rest, clock_monotonic_us(), reason)) {
        log_warn("publishing failed, the topic rests", LOG_TEXT("topic", topic->topic->arn),
                 LOG_TEXT("reason", reason),
                 LOG_INT("rest_ms", rest_left(&topic->rest, clock_monotonic_us()) / 1000));
    }
    const struct outcome outcome = {.retry_after_us = rest_left(&topic->rest, clock_monotonic_us()),
                                    .reason = reason};
    settle_all(publisher, batch, &outcome);
    if (topic->open != NULL) {
        push(&topic->queue, topic->open); // its later events must not overtake either
        topic->open = NULL;
    }
    settle_waiting(publisher, &publisher->queue, topic, &outcome);
    settle_waiting(publisher, &topic->queue, topic, &outcome);
}

static void settle_answered(struct publisher *publisher, struct batch *batch,
                            const struct sns_answer *answer) {
    if (rest_end(&batch->topic->rest)) {
        log_info("publishing works again", LOG_TEXT("topic", batch->topic->topic->arn));
    }
    for (int index = 0; index < batch->count; index++) {
        settle_entry(publisher, batch->deliveries[index], &answer->entries[index]);
    }
}

static void start_waiting(struct publisher *publisher);

static void on_answer(void *context, const struct http_answer *http) {
    struct batch *batch = context;
    struct publisher *publisher = batch->topic->publisher;
    publisher->in_flight--;
    batch->topic->in_flight--;
    if (http->status == 0) {
        settle_refused(publisher, batch, "no answer", http->failure);
    } else {
        struct sns_answer answer;
        sns_answer_parse(publisher->parser, http->status, http->body.data, http->body.length,
                         (size_t)batch->count, &answer);
        if (answer.parsed) {
            settle_answered(publisher, batch, &answer);
        } else {
            settle_refused(publisher, batch, answer.code, answer.message);
        }
    }
    recycle(publisher, batch);
    start_waiting(publisher);
}

static bool sign(struct publisher *publisher, const struct batch *batch, struct sigv4_signature *signature,
                 struct error *error) {
    const struct sns_topic *topic = batch->topic;
    const struct sigv4_header headers[] = {{"content-type", content_type}, {"host", topic->endpoint.host}};
    const struct sigv4_request request = {.method = "POST",
                                          .path = topic->endpoint.path,
                                          .query = "",
                                          .region = topic->topic->parts.region,
                                          .service = "sns",
                                          .headers = headers,
                                          .header_count = sizeof headers / sizeof headers[0],
                                          .payload = batch->form.data,
                                          .payload_length = batch->form.length};
    return sigv4_sign(publisher->signer, &publisher->credentials, &request, clock_unix_us(), signature,
                      error);
}

static void send_batch(struct publisher *publisher, struct batch *batch) {
    struct sigv4_signature signature;
    struct error error = {0};
    publisher->in_flight++;
    batch->topic->in_flight++;
    if (batch->form.overflow || !sign(publisher, batch, &signature, &error)) {
        const struct http_answer refused = {.failure = batch->form.overflow ? "the request is too large"
                                                                            : error.text};
        on_answer(batch, &refused);
        return;
    }
    char type[sizeof content_type + 16];
    char date[CLOCK_BASIC_SIZE + 16];
    char authorization[AUTHORIZATION_HEADER];
    char token[TOKEN_HEADER];
    snprintf(type, sizeof type, "Content-Type: %s", content_type);
    snprintf(date, sizeof date, "X-Amz-Date: %s", signature.date);
    snprintf(authorization, sizeof authorization, "Authorization: %s", signature.authorization);
    snprintf(token, sizeof token, "X-Amz-Security-Token: %s", publisher->credentials.session_token);
    const struct http_request request = {
        .url = batch->topic->endpoint.url,
        // "Expect:" keeps libcurl from waiting for "100 Continue" before a large body.
        .headers = {type, date, authorization,
                    "Expect:", publisher->credentials.session_token[0] != '\0' ? token : NULL},
        .body = {batch->form.data, batch->form.length},
        .done = on_answer,
        .context = batch};
    http_post(publisher->http, &request);
    memory_wipe(token, sizeof token);
}

static bool has_free_connection(const struct publisher *publisher) {
    return publisher->in_flight < publisher->settings->max_in_flight;
}

static size_t bytes_to_start(const struct publisher *publisher) {
    return publisher->was_full ? BYTES_FULL / 2 : BYTES_FULL;
}

static void start_waiting(struct publisher *publisher) {
    while (publisher->queue.first != NULL && has_free_connection(publisher)) {
        send_batch(publisher, pop(&publisher->queue));
    }
    for (struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        if (topic->queue.first != NULL && topic->in_flight == 0 && has_free_connection(publisher)) {
            send_batch(publisher, pop(&topic->queue));
        }
    }
    if (publisher->was_full && publisher->bytes < bytes_to_start(publisher)) {
        publisher->was_full = false;
        publisher->listener.drained(publisher->listener.context);
    }
}

static void seal(struct publisher *publisher, struct sns_topic *topic) {
    struct batch *batch = topic->open;
    topic->open = NULL;
    push(topic->topic->parts.is_fifo ? &topic->queue : &publisher->queue, batch);
    start_waiting(publisher);
}

static struct sns_topic *topic_state(struct publisher *publisher, struct topic *topic, struct error *error) {
    if (topic->sink_state != NULL) {
        return topic->sink_state;
    }
    struct aws_endpoint endpoint;
    if (!aws_endpoint_resolve(&endpoint, publisher->settings, "sns", topic->parts.region, error)) {
        return NULL;
    }
    struct sns_topic *state = memory_allocate(1, sizeof *state);
    state->publisher = publisher;
    state->topic = topic;
    state->endpoint = endpoint;
    rest_init(&state->rest, publisher->settings->retry_base, publisher->settings->retry_max);
    state->next = publisher->topics;
    publisher->topics = state;
    topic->sink_state = state;
    return state;
}

void sns_publisher_free_topic(void *sink_state) {
    struct sns_topic *topic = sink_state;
    free(topic);
}

// Adds the composed message to the topic's open batch, after sealing that if it has no room.
static void pack(struct publisher *publisher, struct sns_topic *topic, const struct outbox_event *event,
                 struct delivery delivery) {
    const struct message *message = &publisher->message;
    char group_id[SNS_GROUP_ID_MAX + 1];
    bool grouped = topic->topic->parts.is_fifo || topic->topic->message_group;
    if (grouped) {
        sns_group_id(event->aggregate_id, group_id);
    }
    if (topic->open != NULL &&
        topic->open->size + message->size > (size_t)publisher->settings->max_message_bytes) {
        seal(publisher, topic);
    }
    if (topic->open == NULL) {
        topic->open = new_batch(publisher, topic);
    }
    struct batch *batch = topic->open;
    size_t before = batch->form.length;
    sns_form_add(&batch->form, batch->count, message, grouped ? group_id : NULL,
                 topic->topic->parts.is_fifo ? message->event_id : NULL);
    publisher->bytes += batch->form.length - before;
    batch->size += message->size;
    batch->deliveries[batch->count++] = delivery;
    if (batch->count == SNS_BATCH_MAX) {
        seal(publisher, topic);
    }
}

static void offer(void *self, const struct outbox_event *event, struct topic *topic,
                  struct delivery delivery) {
    struct publisher *publisher = self;
    struct error error = {0};
    struct outcome outcome = {.retry_after_us = publisher->settings->retry_max, .reason = error.text};
    struct sns_topic *state = topic_state(publisher, topic, &error);
    if (state == NULL) {
        settle(publisher, delivery, &outcome);
        return;
    }
    int64_t rest = rest_left(&state->rest, clock_monotonic_us());
    if (rest > 0) {
        outcome = (struct outcome){.retry_after_us = rest, .reason = state->rest.reason};
        settle(publisher, delivery, &outcome);
        return;
    }
    message_compose(&publisher->message, topic->format, publisher->settings->source, event);
    if (publisher->message.size > (size_t)publisher->settings->max_message_bytes) {
        error_set(
            &error, ERROR_PUBLISH,
            "the message has %zu bytes with its attributes, allowed are %lld (OUTBOX_MAX_MESSAGE_BYTES)",
            publisher->message.size, (long long)publisher->settings->max_message_bytes);
        outcome.counts = true;
        settle(publisher, delivery, &outcome);
        return;
    }
    pack(publisher, state, event, delivery);
}

static void flush(void *self) {
    struct publisher *publisher = self;
    for (struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        if (topic->open != NULL) {
            seal(publisher, topic);
        }
    }
}

static bool full(void *self) {
    struct publisher *publisher = self;
    if (publisher->bytes >= BYTES_FULL) {
        publisher->was_full = true;
        flush(publisher);
    }
    return publisher->was_full;
}

static void let_go_queue(struct publisher *publisher, struct batch_queue *queue) {
    static const struct outcome let_go = {.let_go = true};
    while (queue->first != NULL) {
        struct batch *batch = pop(queue);
        settle_all(publisher, batch, &let_go);
        recycle(publisher, batch);
    }
}

static void drop(void *self) {
    struct publisher *publisher = self;
    for (struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        if (topic->open != NULL) {
            push(&topic->queue, topic->open);
            topic->open = NULL;
        }
        let_go_queue(publisher, &topic->queue);
    }
    let_go_queue(publisher, &publisher->queue);
}

// When every topic rests, claiming more would only write retry times to the database.
static int64_t resting_us(void *self) {
    const struct publisher *publisher = self;
    int64_t now = clock_monotonic_us();
    int64_t shortest = publisher->topics != NULL ? INT64_MAX : 0;
    for (const struct sns_topic *topic = publisher->topics; topic != NULL; topic = topic->next) {
        int64_t left = rest_left(&topic->rest, now);
        shortest = left < shortest ? left : shortest;
    }
    return shortest;
}

static void free_batches(struct publisher *publisher) {
    while (publisher->made_last != NULL) {
        struct batch *batch = publisher->made_last;
        publisher->made_last = batch->made_before;
        buffer_free(&batch->form);
        free(batch);
    }
}

static void free_publisher(void *self) {
    struct publisher *publisher = self;
    http_client_free(publisher->http);
    free_batches(publisher);
    sns_answer_parser_free(publisher->parser);
    sigv4_signer_free(publisher->signer);
    aws_credentials_wipe(&publisher->credentials);
    message_free(&publisher->message);
    free(publisher);
}

// The settings that every topic shares are checked at the start, not at the first event.
static bool check_settings(const struct settings *settings, struct error *error) {
    struct aws_endpoint endpoint;
    struct aws_topic_arn arn;
    char region[AWS_REGION_SIZE];
    char prefixed[AWS_TOPIC_ARN_SIZE];
    const char *known = settings->topic_arn[0] != '\0' ? settings->topic_arn : settings->topic_arn_prefix;
    return (settings->topic_arn[0] == '\0' || aws_topic_arn_parse(&arn, settings->topic_arn, error)) &&
           (settings->topic_arn_prefix[0] == '\0' ||
            aws_topic_arn_from_prefix(settings->topic_arn_prefix, "event.type", prefixed, sizeof prefixed,
                                      error)) &&
           ((known[0] == '\0' && settings->aws_region[0] == '\0') ||
            (aws_region_resolve(region, settings, known, error) &&
             aws_endpoint_resolve(&endpoint, settings, "sns", region, error)));
}

bool sns_publisher_new(struct sink *ret, struct event_base *base, const struct settings *settings,
                       const struct sink_listener *listener, struct error *error) {
    struct publisher *publisher = memory_allocate(1, sizeof *publisher);
    const struct http_options options = {.ca_bundle = settings->aws_ca_bundle,
                                         .timeout_us = settings->request_timeout,
                                         .connections = (int)settings->max_in_flight};
    publisher->listener = *listener;
    publisher->settings = settings;
    message_init(&publisher->message);
    bool ready = check_settings(settings, error) &&
                 aws_credentials_from_settings(&publisher->credentials, settings, error) &&
                 (publisher->signer = sigv4_signer_create(error)) != NULL &&
                 (publisher->parser = sns_answer_parser_create(error)) != NULL &&
                 (publisher->http = http_client_new(base, &options, error)) != NULL;
    if (!ready) {
        free_publisher(publisher);
        return false;
    }
    *ret = (struct sink){.self = publisher,
                         .needs_topic = true,
                         .full = full,
                         .offer = offer,
                         .flush = flush,
                         .drop = drop,
                         .resting_us = resting_us,
                         .free = free_publisher};
    return true;
}
