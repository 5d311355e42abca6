// SPDX-License-Identifier: Apache-2.0
#include "support/publisher_harness.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "sns/publisher.h"
#include "support/loop.h"

#include <stdio.h>
#include <stdlib.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define ARN "arn:aws:sns:eu-west-1:123456789012:"

static char none[] = "";

static void on_request(void *context, struct http_received *request) {
    struct harness *harness = context;
    if (harness->answer != NULL) {
        harness->answer(harness, request);
    }
}

static void make_topic(struct topic *topic, char *arn) {
    *topic = (struct topic){.arn = arn, .format = FORMAT_DOMAIN_EVENT};
    assert_true(aws_topic_arn_parse(&topic->parts, arn, NULL));
}

struct harness *harness_new(void) {
    static char standard[] = ARN "orders", other[] = ARN "users", fifo[] = ARN "orders.fifo";
    static char region[] = "eu-west-1", key_id[] = "AKIDEXAMPLE",
                secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLE";
    static char source[] = "/outbox";
    struct harness *harness = memory_allocate(1, sizeof *harness);
    harness->base = event_base_new();
    harness->server = http_server_new(harness->base, on_request, harness);
    harness->answer = harness_accept;
    snprintf(harness->endpoint, sizeof harness->endpoint, "http://127.0.0.1:%d",
             http_server_port(harness->server));
    harness->settings = (struct settings){.database_url = none,
                                          .topic_arn = none,
                                          .topic_arn_prefix = none,
                                          .source = source,
                                          .max_in_flight = 4,
                                          .request_timeout = HARNESS_LONG_US,
                                          .retry_base = HARNESS_LONG_US,
                                          .retry_max = HARNESS_LONG_US,
                                          .max_message_bytes = 262144,
                                          .aws_region = region,
                                          .aws_endpoint_url = none,
                                          .aws_endpoint_url_sns = harness->endpoint,
                                          .aws_ca_bundle = none,
                                          .aws_access_key_id = key_id,
                                          .aws_secret_access_key = secret,
                                          .aws_session_token = none};
    make_topic(&harness->standard, standard);
    make_topic(&harness->other, other);
    make_topic(&harness->fifo, fifo);
    return harness;
}

// Each event is settled once, and with the receipt that harness_accept gave for it.
static void on_settled(void *context, struct delivery delivery, const struct outcome *outcome) {
    struct harness *harness = delivery.claim;
    struct settlement *row = &harness->rows[delivery.row];
    char receipt[32];
    assert_ptr_equal(context, harness);
    assert_int_equal(row->times, 0);
    row->times++;
    row->sent = outcome->sent;
    row->counts = outcome->counts;
    row->retry_after_us = outcome->retry_after_us;
    snprintf(row->reason, sizeof row->reason, "%s", outcome->reason != NULL ? outcome->reason : "");
    harness->settled++;
    if (outcome->sent) {
        harness->sent++;
        int length = snprintf(receipt, sizeof receipt, "receipt-%d", delivery.row);
        assert_int_equal(outcome->message_id.length, length);
        assert_memory_equal(outcome->message_id.data, receipt, (size_t)length);
    } else {
        assert_true(row->reason[0] != '\0');
        assert_true(outcome->retry_after_us > 0);
    }
}

static void on_drained(void *context) {
    struct harness *harness = context;
    harness->drained++;
}

void harness_start(struct harness *harness) {
    const struct sink_listener listener = {.context = harness, .settled = on_settled, .drained = on_drained};
    struct error error = {0};
    if (!sns_publisher_new(&harness->sink, harness->base, &harness->settings, &listener, &error)) {
        fail_msg("%s", error.text);
    }
}

void harness_free(struct harness *harness) {
    struct topic *topics[] = {&harness->standard, &harness->other, &harness->fifo};
    if (harness->sink.self != NULL) {
        harness->sink.free(harness->sink.self);
    }
    for (size_t index = 0; index < sizeof topics / sizeof topics[0]; index++) {
        sns_publisher_free_topic(topics[index]->sink_state);
    }
    if (harness->server != NULL) {
        http_server_free(harness->server);
    }
    event_base_free(harness->base);
    free(harness);
}

struct outbox_event harness_event(int row, const char *data) {
    static char aggregate_id[32];
    snprintf(aggregate_id, sizeof aggregate_id, "order-%04d", row);
    return (struct outbox_event){.id = 1000 + row,
                                 .event_id = {[14] = (unsigned char)(row >> 8), [15] = (unsigned char)row},
                                 .event_type = slice_of_text("order.created"),
                                 .event_version = slice_of_text("1.0"),
                                 .aggregate_id = slice_of_text(aggregate_id),
                                 .data = slice_of_text(data),
                                 .metadata = slice_of_text("{}")};
}

void harness_offer(struct harness *harness, struct topic *topic, const char *data) {
    assert_true(harness->offered < HARNESS_ROWS);
    const struct outbox_event event = harness_event(harness->offered, data);
    const struct delivery delivery = {harness, harness->offered++};
    harness->sink.offer(harness->sink.self, &event, topic, delivery);
}

void harness_offer_many(struct harness *harness, struct topic *topic, int count) {
    for (int index = 0; index < count; index++) {
        harness_offer(harness, topic, "{}");
    }
}

static bool enough_settled(void *context) {
    const struct harness *harness = context;
    return harness->settled >= harness->goal;
}

static bool enough_requests(void *context) {
    const struct harness *harness = context;
    return http_server_counts(harness->server)->requests >= harness->goal;
}

void harness_await_settled(struct harness *harness, int count) {
    harness->goal = count;
    assert_true(loop_until(harness->base, enough_settled, harness));
    loop_settle(harness->base);
    assert_int_equal(harness->settled, count);
}

void harness_await_requests(struct harness *harness, int count) {
    harness->goal = count;
    assert_true(loop_until(harness->base, enough_requests, harness));
    loop_settle(harness->base);
    assert_int_equal(http_server_counts(harness->server)->requests, count);
}

void harness_read_form(const struct http_received *request, struct form *form) {
    assert_true(form_read(form, (struct slice){request->body, request->body_length}));
}

int harness_row_of(const struct form *form, int index) {
    const char *event_id = form_attribute(form, index, "event-id");
    assert_non_null(event_id);
    return (int)strtol(event_id + 32, NULL, 16);
}

void harness_accept(struct harness *harness, struct http_received *request) {
    struct buffer answer;
    struct form form;
    (void)harness;
    harness_read_form(request, &form);
    buffer_init(&answer, 1 << 16);
    buffer_append_text(&answer, "<PublishBatchResponse><PublishBatchResult><Successful>");
    for (int index = 0; index < form_entry_count(&form); index++) {
        buffer_append_format(&answer, "<member><Id>%d</Id><MessageId>receipt-%d</MessageId></member>", index,
                             harness_row_of(&form, index));
    }
    buffer_append_text(&answer, "</Successful><Failed/></PublishBatchResult></PublishBatchResponse>");
    http_server_reply(request, "200 OK", buffer_text(&answer));
    buffer_free(&answer);
    form_free(&form);
}

void harness_answer_with(struct harness *harness, struct http_received *request) {
    http_server_reply(request, harness->status, harness->text);
}

void harness_hang_up(struct harness *harness, struct http_received *request) {
    (void)harness;
    http_server_reply_raw(request, "", 0, true);
}
