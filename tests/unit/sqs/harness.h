// SPDX-License-Identifier: Apache-2.0
// A consumer between a scripted queue and an intake that the test plays: the functions of consumer/intake.h
// are defined here, so a program that includes this is linked without the real ones. One at a time.
#pragma once

#include "base/clock.h"
#include "base/memory.h"
#include "consumer/intake.h"
#include "sqs/consumer.h"
#include "support/http_server.h"
#include "support/loop.h"
#include "support/settings_fill.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum {
    HARNESS_MESSAGES = 400,
    HARNESS_REQUESTS = 1000,
    HARNESS_BODY = 20000,
    HARNESS_LONG_US = 60000000,
    HARNESS_SECOND_US = 1000000,
    HARNESS_NEVER = -1,
};

enum action { RECEIVE, DELETE_BATCH, HIDE_BATCH, ATTRIBUTES, ACTIONS };

static const char *const harness_actions[] = {[RECEIVE] = "AmazonSQS.ReceiveMessage",
                                              [DELETE_BATCH] = "AmazonSQS.DeleteMessageBatch",
                                              [HIDE_BATCH] = "AmazonSQS.ChangeMessageVisibilityBatch",
                                              [ATTRIBUTES] = "AmazonSQS.GetQueueAttributes"};

// What the queue answers next to one kind of request, so many times, instead of doing it. A NULL status hangs
// up, a NULL body is no answer at all.
struct override {
    int times;
    const char *status;
    const char *body;
};

struct message {
    bool deleted;
    int hidden;       // how often its visibility was changed
    int64_t hidden_s; // to what, last
    int64_t hidden_at;
    const char *failure;  // what the next request about it says of it; NULL: done
    bool fault_is_sender; // of that failure
};

struct offer {
    void *message; // the consumer's
    bool begun;
    bool settled;
    char body[32];
    bool fifo;
    int receive_count;
};

struct harness {
    struct event_base *base;
    struct http_server *server;
    struct settings settings; // to be changed before harness_start
    struct sqs_consumer *consumer;
    struct error error;
    char url[64];
    char queue_url[128];
    // the queue
    struct override overrides[ACTIONS];
    int requests[ACTIONS];
    char bodies[ACTIONS][HARNESS_BODY]; // of the last request of each kind
    struct message messages[HARNESS_MESSAGES];
    int message_count; // that have been in the queue
    int message_next;  // to be received
    int receive_count; // what messages say about that
    int body_bytes;    // of a message, at least
    struct http_received *waiting[64];
    int waiting_count;
    // the intake
    struct intake_listener listener;
    struct intake_counts counts;
    char consumer_name[100];
    struct offer offers[HARNESS_MESSAGES];
    int offer_count;
    int drops;
    bool resting;
    bool ready_late;   // the test calls harness_ready
    bool done_at_once; // each message is settled as done within its offer
    bool ended;
    int goal;
};

static struct harness *harness; // the one there is

// The intake:

struct intake *intake_new(struct event_base *base, const struct settings *settings, const char *consumer,
                          const struct intake_listener *listener, struct error *error) {
    (void)base;
    (void)settings;
    (void)error;
    harness->listener = *listener;
    snprintf(harness->consumer_name, sizeof harness->consumer_name, "%s", consumer);
    if (!harness->ready_late) {
        listener->ready(listener->context);
    }
    return (struct intake *)harness;
}

void intake_free(struct intake *intake) {
    (void)intake;
}

static inline void harness_settle(int index, enum intake_kind kind, int64_t retry_after_us) {
    struct offer *offer = &harness->offers[index];
    const struct intake_result result = {
        .kind = kind, .retry_after_us = retry_after_us, .reason = kind == INTAKE_FAILED ? "no" : ""};
    assert_false(offer->settled);
    offer->settled = true;
    harness->listener.settled(harness->listener.context, offer->message, &result);
}

void intake_offer(struct intake *intake, const struct incoming *incoming, void *message) {
    (void)intake;
    assert_true(harness->offer_count < HARNESS_MESSAGES);
    struct offer *offer = &harness->offers[harness->offer_count++];
    *offer =
        (struct offer){.message = message, .fifo = incoming->fifo, .receive_count = incoming->receive_count};
    snprintf(offer->body, sizeof offer->body, "%.*s", (int)incoming->body.length, incoming->body.data);
    harness->counts.received++;
    if (harness->done_at_once) {
        harness_settle(harness->offer_count - 1, INTAKE_DONE, 0);
    }
}

void intake_drop(struct intake *intake) {
    (void)intake;
    harness->drops++;
    for (int index = 0; index < harness->offer_count; index++) {
        if (!harness->offers[index].begun && !harness->offers[index].settled) {
            harness_settle(index, INTAKE_LET_GO, 0);
        }
    }
}

bool intake_resting(const struct intake *intake) {
    (void)intake;
    return harness->resting;
}

void intake_health(const struct intake *intake, struct health *health) {
    (void)intake;
    health_add(health, "handlers", !harness->resting, "");
}

// Asked once, for the last line of the log.
const struct intake_counts *intake_counts(const struct intake *intake) {
    (void)intake;
    harness->ended = true;
    return &harness->counts;
}

// The queue:

static inline void harness_answer_receive(struct http_received *request) {
    size_t size = HARNESS_BODY + 10 * (size_t)harness->body_bytes;
    char *body = memory_allocate(size, 1);
    size_t length = (size_t)snprintf(body, size, "{\"Messages\":[");
    cJSON *input = cJSON_Parse(request->body);
    int most = (int)cJSON_GetNumberValue(cJSON_GetObjectItem(input, "MaxNumberOfMessages"));
    cJSON_Delete(input);
    assert_in_range(most, 1, 10);
    for (int count = 0; count < most && harness->message_next < harness->message_count; count++) {
        int number = harness->message_next++;
        length += (size_t)snprintf(body + length, size - length,
                                   "%s{\"MessageId\":\"m%d\",\"ReceiptHandle\":\"h%d\",\"Body\":\"b%-*d\","
                                   "\"Attributes\":{\"ApproximateReceiveCount\":\"%d\"}}",
                                   count > 0 ? "," : "", number, number, harness->body_bytes, number,
                                   harness->receive_count);
    }
    snprintf(body + length, size - length, "]}");
    http_server_reply(request, "200 OK", body);
    free(body);
}

// harness_put lets so many messages more come into the queue, for those who wait or those who will.
static inline void harness_put(int count) {
    harness->message_count += count;
    while (harness->waiting_count > 0 && harness->message_next < harness->message_count) {
        harness_answer_receive(harness->waiting[--harness->waiting_count]);
    }
}

// harness_nothing answers all who wait that there is nothing.
static inline void harness_nothing(void) {
    while (harness->waiting_count > 0) {
        http_server_reply(harness->waiting[--harness->waiting_count], "200 OK", "{}");
    }
}

static inline void harness_do_entry(enum action action, const cJSON *entry, cJSON *answer) {
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "Id"));
    const char *handle = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "ReceiptHandle"));
    struct message *message = &harness->messages[strtol(handle + 1, NULL, 10)];
    cJSON *result = cJSON_CreateObject();
    cJSON_AddStringToObject(result, "Id", id);
    if (message->failure != NULL) {
        cJSON_AddStringToObject(result, "Code", message->failure);
        cJSON_AddBoolToObject(result, "SenderFault", message->fault_is_sender);
        cJSON_AddItemToArray(cJSON_GetObjectItem(answer, "Failed"), result);
        message->failure = NULL;
        return;
    }
    if (action == DELETE_BATCH) {
        assert_false(message->deleted);
        message->deleted = true;
    } else {
        message->hidden++;
        message->hidden_s = (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(entry, "VisibilityTimeout"));
        message->hidden_at = clock_monotonic_us();
    }
    cJSON_AddItemToArray(cJSON_GetObjectItem(answer, "Successful"), result);
}

static inline void harness_do_batch(enum action action, struct http_received *request) {
    cJSON *input = cJSON_Parse(request->body);
    cJSON *answer = cJSON_CreateObject();
    const cJSON *entry;
    cJSON_AddArrayToObject(answer, "Successful");
    cJSON_AddArrayToObject(answer, "Failed");
    assert_in_range(cJSON_GetArraySize(cJSON_GetObjectItem(input, "Entries")), 1, 10);
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(input, "Entries")) {
        harness_do_entry(action, entry, answer);
    }
    char *text = cJSON_PrintUnformatted(answer);
    http_server_reply(request, "200 OK", text);
    cJSON_free(text);
    cJSON_Delete(answer);
    cJSON_Delete(input);
}

static inline void harness_do(enum action action, struct http_received *request) {
    switch (action) {
    case ATTRIBUTES:
        http_server_reply(request, "200 OK",
                          "{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:eu-west-1:123456789012:orders\","
                          "\"RedrivePolicy\":\"{}\"}}");
        break;
    case RECEIVE:
        if (harness->message_next < harness->message_count) {
            harness_answer_receive(request);
        } else {
            harness->waiting[harness->waiting_count++] = request;
        }
        break;
    default:
        harness_do_batch(action, request);
        break;
    }
}

static inline void harness_on_request(void *context, struct http_received *request) {
    char target[128];
    int action = 0;
    (void)context;
    http_server_header(request, "X-Amz-Target", target, sizeof target);
    while (action < ACTIONS && strcmp(target, harness_actions[action]) != 0) {
        action++;
    }
    assert_int_not_equal(action, ACTIONS);
    harness->requests[action]++;
    snprintf(harness->bodies[action], HARNESS_BODY, "%s", request->body);
    struct override *override = &harness->overrides[action];
    if (override->times == 0) {
        harness_do((enum action)action, request);
        return;
    }
    override->times--;
    if (override->status == NULL) {
        http_server_reply_raw(request, "", 0, true);
    } else if (override->body != NULL) {
        http_server_reply(request, override->status, override->body);
    }
}

static inline void harness_override(enum action action, int times, const char *status, const char *body) {
    harness->overrides[action] = (struct override){times, status, body};
}

#define HARNESS_ERROR(code) "{\"__type\":\"com.amazonaws.sqs#" code "\",\"message\":\"sorry\"}"

// The consumer:

static inline void harness_new(const char *queue_name) {
    static char region[] = "eu-west-1", key_id[] = "AKIDEXAMPLE", secret[] = "secret",
                no_file[] = "/dev/null", on[] = "order.**=sql:shop.reserve\n\n**=exec:log";
    harness = memory_allocate(1, sizeof *harness);
    harness->base = event_base_new();
    harness->server = http_server_new(harness->base, harness_on_request, NULL);
    harness->receive_count = 1;
    snprintf(harness->url, sizeof harness->url, "http://127.0.0.1:%d", http_server_port(harness->server));
    snprintf(harness->queue_url, sizeof harness->queue_url, "%s/123456789012/%s", harness->url, queue_name);
    harness->settings = (struct settings){.on = on,
                                          .queue_url = harness->queue_url,
                                          .concurrency = 200,
                                          .receives = 4,
                                          .wait_time = 20 * HARNESS_SECOND_US,
                                          .visibility_timeout = 30 * HARNESS_SECOND_US,
                                          .retry_base = 10 * HARNESS_SECOND_US,
                                          .retry_max = 60 * HARNESS_SECOND_US,
                                          .request_timeout = HARNESS_LONG_US,
                                          .shutdown_timeout = HARNESS_LONG_US,
                                          .aws_region = region,
                                          .aws_endpoint_url = harness->url,
                                          .aws_access_key_id = key_id,
                                          .aws_secret_access_key = secret,
                                          .aws_config_file = no_file,
                                          .aws_shared_credentials_file = no_file};
    settings_fill(&harness->settings);
}

static inline void harness_start(void) {
    harness->consumer = sqs_consumer_new(harness->base, &harness->settings, &harness->error);
    if (harness->consumer == NULL) {
        fail_msg("%s", harness->error.text);
    }
}

static inline void harness_free(void) {
    sqs_consumer_free(harness->consumer);
    http_server_free(harness->server);
    event_base_free(harness->base);
    free(harness);
    harness = NULL;
}

// What tests wait for; `goal` is how many.

static inline bool harness_is_waiting(void *context) {
    return harness->waiting_count >= ((struct harness *)context)->goal;
}
static inline bool harness_has_offers(void *context) {
    return harness->offer_count >= ((struct harness *)context)->goal;
}
static inline bool harness_has_deleted(void *context) {
    int count = 0;
    for (int index = 0; index < harness->message_count; index++) {
        count += harness->messages[index].deleted ? 1 : 0;
    }
    return count >= ((struct harness *)context)->goal;
}
static inline bool harness_has_hidden(void *context) {
    int count = 0;
    for (int index = 0; index < harness->message_count; index++) {
        count += harness->messages[index].hidden;
    }
    return count >= ((struct harness *)context)->goal;
}
static inline bool harness_has_dropped(void *context) {
    return harness->drops >= ((struct harness *)context)->goal;
}
static inline bool harness_has_ended(void *context) {
    (void)context;
    return harness->ended;
}

static inline void harness_await(bool (*what)(void *context), int goal) {
    harness->goal = goal;
    if (!loop_until(harness->base, what, harness)) {
        fail_msg("waited in vain: %d waiting, %d offers, %d drops; requests: %d %d %d %d",
                 harness->waiting_count, harness->offer_count, harness->drops, harness->requests[RECEIVE],
                 harness->requests[DELETE_BATCH], harness->requests[HIDE_BATCH],
                 harness->requests[ATTRIBUTES]);
    }
}

static inline bool harness_result(struct error *error) {
    *error = (struct error){.code = ERROR_NONE};
    harness_await(harness_has_ended, 0);
    return sqs_consumer_result(harness->consumer, error);
}
