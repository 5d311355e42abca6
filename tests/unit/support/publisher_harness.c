// SPDX-License-Identifier: Apache-2.0
#include "support/publisher_harness.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "sns/publisher.h"
#include "support/loop.h"
#include "support/settings_fill.h"

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
    harness_answer *answer = harness->answer;
    if (harness->script != NULL && *harness->script != NULL) {
        answer = *harness->script++;
    }
    if (answer != NULL) {
        answer(harness, request);
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
    static char source[] = "/outbox", no_file[] = "/dev/null";
    struct harness *harness = memory_allocate(1, sizeof *harness);
    harness->base = event_base_new();
    harness->server = http_server_new(harness->base, on_request, harness);
    harness->answer = harness_accept;
    harness->claim = harness;
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
                                          .aws_profile = none,
                                          .aws_config_file = no_file,
                                          .aws_shared_credentials_file = no_file,
                                          .aws_access_key_id = key_id,
                                          .aws_secret_access_key = secret,
                                          .aws_session_token = none};
    settings_fill(&harness->settings);
    make_topic(&harness->standard, standard);
    make_topic(&harness->other, other);
    make_topic(&harness->fifo, fifo);
    return harness;
}

static bool has_reason(enum outcome_kind kind) {
    return kind != OUTCOME_SENT && kind != OUTCOME_LET_GO;
}

// Each event is settled once, for the claim it was offered for, and with the receipt that harness_accept gave
// for it.
static void on_settled(void *context, struct delivery delivery, const struct outcome *outcome) {
    struct harness *harness = context;
    if (delivery.claim == &harness->left) {
        harness->settled_late++;
        harness->late_kind = outcome->kind;
        return;
    }
    struct settlement *row = &harness->rows[delivery.row];
    char receipt[32];
    assert_in_range(delivery.row, 0, harness->offered - 1);
    assert_ptr_equal(delivery.claim, row->claim);
    assert_int_equal(row->times, 0);
    row->times++;
    row->kind = outcome->kind;
    row->retry_after_us = outcome->retry_after_us;
    snprintf(row->reason, sizeof row->reason, "%s", has_reason(outcome->kind) ? outcome->reason : "");
    harness->settled++;
    if (outcome->kind == OUTCOME_SENT) {
        harness->sent++;
        int length = snprintf(receipt, sizeof receipt, "receipt-%d", delivery.row);
        assert_int_equal(outcome->message_id.length, length);
        assert_memory_equal(outcome->message_id.data, receipt, (size_t)length);
    }
    assert_true((row->reason[0] != '\0') == has_reason(outcome->kind));
    assert_true(outcome->retry_after_us > 0 || outcome->kind != OUTCOME_RETRY);
}

static void on_drained(void *context) {
    struct harness *harness = context;
    harness->drained++;
}

static void on_probing(void *context, int events) {
    struct harness *harness = context;
    harness->probing = events;
}

static void on_recovered(void *context) {
    struct harness *harness = context;
    harness->recovered++;
}

static void on_broken(void *context, const struct error *error) {
    struct harness *harness = context;
    if (harness->reason_to_end == NULL || strstr(error->text, harness->reason_to_end) == NULL) {
        fail_msg("%s", error->text);
    }
    harness->broken++;
}

static struct delivery on_left(void *context, struct delivery delivery, const char *reason,
                               int64_t ends_in_us) {
    struct harness *harness = context;
    const struct outcome later = {.kind = OUTCOME_RETRY, .retry_after_us = ends_in_us, .reason = reason};
    on_settled(harness, delivery, &later);
    harness->left++;
    return (struct delivery){&harness->left, delivery.row};
}

static bool may_send(void *context, struct delivery delivery) {
    struct harness *harness = context;
    return harness->may_send == NULL || harness->may_send(harness, delivery.row);
}

void harness_start(struct harness *harness) {
    const struct sink_listener listener = {.context = harness,
                                           .settled = on_settled,
                                           .drained = on_drained,
                                           .recovered = on_recovered,
                                           .probing = on_probing,
                                           .broken = on_broken,
                                           .left = on_left,
                                           .may_send = may_send};
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

static void offer(struct harness *harness, struct topic *topic, const struct outbox_event *event) {
    const struct delivery delivery = {harness->claim, harness->offered++};
    harness->rows[delivery.row].claim = harness->claim;
    harness->sink.offer(harness->sink.self, event, topic, delivery);
}

void harness_offer(struct harness *harness, struct topic *topic, const char *data) {
    assert_true(harness->offered < HARNESS_ROWS);
    const struct outbox_event event = harness_event(harness->offered, data);
    offer(harness, topic, &event);
}

void harness_offer_group(struct harness *harness, struct topic *topic, int group) {
    char aggregate_id[32];
    assert_true(harness->offered < HARNESS_ROWS);
    struct outbox_event event = harness_event(harness->offered, "{}");
    snprintf(aggregate_id, sizeof aggregate_id, "order-%04d", group);
    event.aggregate_id = slice_of_text(aggregate_id);
    offer(harness, topic, &event);
}

void harness_flush(struct harness *harness) {
    harness->sink.flush(harness->sink.self, harness->claim);
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

static bool does_not_rest(void *context) {
    struct harness *harness = context;
    return harness->sink.admits(harness->sink.self, &harness->standard);
}

static void on_tick(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    (void)context;
}

void harness_await_rest(struct harness *harness) {
    static const struct timeval tick = {.tv_usec = 500};
    struct event *ticks = event_new(harness->base, -1, EV_PERSIST, on_tick, NULL);
    event_add(ticks, &tick);
    assert_true(loop_until(harness->base, does_not_rest, harness));
    event_free(ticks);
}

void harness_assert_settled(const struct harness *harness, int first, int end, enum outcome_kind kind,
                            const char *reason) {
    for (int index = first; index < end; index++) {
        const struct settlement *row = &harness->rows[index];
        assert_int_equal(row->times, 1);
        assert_int_equal(row->kind, kind);
        if (has_reason(kind) && strstr(row->reason, reason) == NULL) {
            fail_msg("row %d has the reason \"%s\", not \"%s\"", index, row->reason, reason);
        }
    }
}

int harness_count(const struct harness *harness, int first, int end, enum outcome_kind kind) {
    int count = 0;
    for (int row = first; row < end; row++) {
        count += harness->rows[row].times == 1 && harness->rows[row].kind == kind;
    }
    return count;
}

struct http_received *harness_request(const struct harness *harness, int index) {
    struct http_received *request = http_server_requests(harness->server);
    for (; request != NULL && index > 0; index--) {
        request = request->next;
    }
    assert_non_null(request);
    return request;
}

void harness_assert_request(const struct harness *harness, int index, const int *rows) {
    struct form form;
    int count = 0;
    harness_read_form(harness_request(harness, index), &form);
    for (; rows[count] >= 0; count++) {
        assert_true(count < form_entry_count(&form));
        assert_int_equal(harness_row_of(&form, count), rows[count]);
    }
    assert_int_equal(form_entry_count(&form), count);
    form_free(&form);
}

void harness_read_form(const struct http_received *request, struct form *form) {
    assert_true(form_read(form, (struct slice){request->body, request->body_length}));
}

int harness_row_of(const struct form *form, int index) {
    const char *event_id = form_attribute(form, index, "event-id");
    assert_non_null(event_id);
    return (int)strtol(event_id + 32, NULL, 16);
}

// Names the entries of culprits in Failed, if there is a text for that, and the others in Successful.
static void reply_by_entry(struct http_received *request, const struct harness *harness, const char *failed) {
    struct buffer answer;
    struct buffer failures;
    struct form form;
    harness_read_form(request, &form);
    buffer_init(&answer, 1 << 16);
    buffer_init(&failures, 1 << 16);
    buffer_append_text(&answer, "<PublishBatchResponse><PublishBatchResult><Successful>");
    for (int index = 0; index < form_entry_count(&form); index++) {
        int row = harness_row_of(&form, index);
        if (failed != NULL && harness->rows[row].is_culprit) {
            buffer_append_format(&failures, "<member><Id>%d</Id>%s</member>", index, failed);
        } else {
            buffer_append_format(&answer, "<member><Id>%d</Id><MessageId>receipt-%d</MessageId></member>",
                                 index, row);
        }
    }
    buffer_append_text(&answer, "</Successful><Failed>");
    buffer_append(&answer, failures.data, failures.length);
    buffer_append_text(&answer, "</Failed></PublishBatchResult></PublishBatchResponse>");
    http_server_reply(request, "200 OK", buffer_text(&answer));
    buffer_free(&failures);
    buffer_free(&answer);
    form_free(&form);
}

void harness_accept(struct harness *harness, struct http_received *request) {
    reply_by_entry(request, harness, NULL);
}

void harness_fail_culprits(struct harness *harness, struct http_received *request) {
    reply_by_entry(request, harness, harness->failed);
}

void harness_refuse_culprits(struct harness *harness, struct http_received *request) {
    bool has_culprit = false;
    struct form form;
    harness_read_form(request, &form);
    for (int index = 0; index < form_entry_count(&form); index++) {
        has_culprit = has_culprit || harness->rows[harness_row_of(&form, index)].is_culprit;
    }
    form_free(&form);
    if (has_culprit) {
        harness_answer_with(harness, request);
    } else {
        harness_accept(harness, request);
    }
}

void harness_answer_with(struct harness *harness, struct http_received *request) {
    http_server_reply(request, harness->status, harness->text);
}

void harness_hang_up(struct harness *harness, struct http_received *request) {
    (void)harness;
    http_server_reply_raw(request, "", 0, true);
}
