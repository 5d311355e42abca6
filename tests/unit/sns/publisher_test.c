// SPDX-License-Identifier: Apache-2.0
// The SNS sink while all goes well: how events become batches and batches requests, and the bounds it keeps.
// What happens when something fails is in publisher_failure_test.c.
#include "message/message.h"
#include "sns/publisher.h"
#include "support/loop.h"
#include "support/publisher_harness.h"

#include <limits.h>
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

// The entries of each request, in order of arrival, must be these; 0 ends the list.
static void assert_batches(const struct harness *harness, const int *counts) {
    const struct http_received *request = http_server_requests(harness->server);

    for (; *counts != 0; counts++, request = request->next) {
        struct form form;
        assert_non_null(request);
        harness_read_form(request, &form);
        assert_int_equal(form_entry_count(&form), *counts);
        form_free(&form);
    }
    assert_null(request);
}

static void sends_tens_at_once_and_the_rest_when_flushed(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness_start(harness);
    assert_true(harness->sink.needs_topic);
    harness_offer_many(harness, &harness->standard, 25);
    harness_await_settled(harness, 20);
    assert_batches(harness, (const int[]){10, 10, 0});
    harness_flush(harness);
    harness_await_settled(harness, 25);
    assert_batches(harness, (const int[]){10, 10, 5, 0});
    harness_flush(harness); // nothing is left
    loop_settle(harness->base);
    assert_int_equal(http_server_counts(harness->server)->requests, 3);
    assert_int_equal(harness->sent, 25);
    assert_int_equal(harness->sink.resting_us(harness->sink.self), 0);
    harness_free(harness);
}

static void gives_back_memory_and_goes_on(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness_start(harness);
    harness->sink.trim(harness->sink.self);
    harness_offer_many(harness, &harness->standard, 25);
    harness->sink.trim(harness->sink.self); // two batches are under way, one is open
    harness_flush(harness);
    harness_await_settled(harness, 25);
    harness->sink.trim(harness->sink.self);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 35);
    assert_int_equal(http_server_counts(harness->server)->requests, 4);
    assert_int_equal(harness->sent, 35);
    harness_free(harness);
}

static void writes_entries_as_sns_wants_them(void **state) {
    struct harness *harness = harness_new();
    struct form form;
    struct message message;
    char id[8];

    (void)state;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_read_form(http_server_requests(harness->server), &form);
    assert_string_equal(form_value(&form, "TopicArn")->value, harness->standard.arn);
    message_init(&message);
    for (int index = 0; index < 10; index++) {
        const struct outbox_event event = harness_event(index, "{}");
        message_compose(&message, FORMAT_DOMAIN_EVENT, "/outbox", &event);
        snprintf(id, sizeof id, "%d", index);
        assert_string_equal(form_entry_value(&form, index, "Id"), id);
        assert_string_equal(form_entry_value(&form, index, "Message"), buffer_text(&message.body));
        assert_string_equal(form_attribute(&form, index, "event-type"), "order.created");
        assert_null(form_entry_value(&form, index, "MessageGroupId"));
        assert_null(form_entry_value(&form, index, "MessageDeduplicationId"));
    }
    message_free(&message);
    form_free(&form);
    harness_free(harness);
}

static size_t size_of_message(const char *data) {
    const struct outbox_event event = harness_event(0, data);
    struct message message;

    message_init(&message);
    message_compose(&message, FORMAT_DOMAIN_EVENT, "/outbox", &event);
    size_t size = message.size;
    message_free(&message);
    return size;
}

// Six messages of the same size: three fit exactly, and with one byte less only two do.
static void bounds_the_bytes_of_a_batch(void **state) {
    static const int batches[2][4] = {{3, 3, 0}, {2, 2, 2, 0}};

    (void)state;
    for (int less = 0; less < 2; less++) {
        struct harness *harness = harness_new();
        harness->settings.max_in_flight = 1; // so that requests arrive in the order they were made
        harness->settings.max_message_bytes = (int64_t)(3 * size_of_message("{}")) - less;
        harness_start(harness);
        harness_offer_many(harness, &harness->standard, 6);
        harness_flush(harness);
        harness_await_settled(harness, 6);
        assert_int_equal(harness->sent, 6);
        assert_batches(harness, batches[less]);
        harness_free(harness);
    }
}

static void refuses_what_is_too_large_alone(void **state) {
    struct harness *harness = harness_new();
    char data[64] = "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"";

    (void)state;
    harness->settings.max_message_bytes = (int64_t)size_of_message(data);
    harness_start(harness);
    harness_offer(harness, &harness->standard, "{}");
    harness_offer(harness, &harness->standard, data);
    assert_int_equal(harness->settled, 0);
    char *end = strrchr(data, '"');
    snprintf(end, sizeof data - (size_t)(end - data), "x\"");
    harness_offer(harness, &harness->standard, data);
    assert_int_equal(harness->settled, 1); // at once, and for good: it will never fit
    harness_assert_settled(harness, 2, 3, OUTCOME_PARK, "OUTBOX_MAX_MESSAGE_BYTES");
    harness_flush(harness);
    harness_await_settled(harness, 3);
    assert_int_equal(harness->sent, 2);
    assert_batches(harness, (const int[]){1, 1, 0});
    harness_free(harness);
}

static void keeps_topics_apart(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness_start(harness);
    for (int index = 0; index < 6; index++) {
        harness_offer(harness, index % 2 == 0 ? &harness->standard : &harness->other, "{}");
    }
    harness_flush(harness);
    harness_await_settled(harness, 6);
    const struct http_received *request = http_server_requests(harness->server);
    for (int count = 0; count < 2; count++, request = request->next) {
        struct form form;
        harness_read_form(request, &form);
        assert_int_equal(form_entry_count(&form), 3);
        bool is_other = strcmp(form_value(&form, "TopicArn")->value, harness->other.arn) == 0;
        for (int index = 0; index < 3; index++) {
            assert_int_equal(harness_row_of(&form, index) % 2, is_other);
        }
        form_free(&form);
    }
    harness_free(harness);
}

static bool all_held(void *context) {
    const struct harness *harness = context;
    return http_server_counts(harness->server)->waiting >= harness->goal;
}

// Answers the requests one by one, waiting each time until as many as possible are under way.
static void answer_one_by_one(struct harness *harness, int requests, int at_once) {
    struct http_received *request = NULL;

    for (int left = requests; left > 0; left--) {
        harness->goal = left < at_once ? left : at_once;
        assert_true(loop_until(harness->base, all_held, harness));
        loop_settle(harness->base);
        request = request == NULL ? http_server_requests(harness->server) : request->next;
        harness_accept(harness, request);
    }
}

static void bounds_the_requests_under_way(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = NULL;
    harness->settings.max_in_flight = 3;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 95);
    harness_flush(harness);
    answer_one_by_one(harness, 10, 3);
    harness_await_settled(harness, 95);
    assert_int_equal(harness->sent, 95);
    assert_int_equal(http_server_counts(harness->server)->most_waiting, 3);
    assert_int_equal(http_server_counts(harness->server)->accepted, 3);
    harness_free(harness);
}

// Different groups have no order among each other, so their batches need not wait for each other.
static void sends_fifo_groups_side_by_side(void **state) {
    struct harness *harness = harness_new();
    int row = 0;

    (void)state;
    harness->answer = NULL;
    harness_start(harness);
    harness_offer_many(harness, &harness->fifo, 35);
    loop_settle(harness->base);
    assert_int_equal(http_server_counts(harness->server)->requests, 0); // before the claim is complete
    harness_flush(harness);
    answer_one_by_one(harness, 4, 4);
    harness_await_settled(harness, 35);
    assert_int_equal(harness->sent, 35);
    assert_int_equal(http_server_counts(harness->server)->most_waiting, 4);
    for (const struct http_received *request = http_server_requests(harness->server); request != NULL;
         request = request->next) {
        struct form form;
        harness_read_form(request, &form);
        row += form_entry_count(&form);
        for (int index = 0; index < form_entry_count(&form); index++) {
            char group_id[24];
            snprintf(group_id, sizeof group_id, "order-%04d", harness_row_of(&form, index));
            assert_string_equal(form_entry_value(&form, index, "MessageGroupId"), group_id);
            assert_string_equal(form_entry_value(&form, index, "MessageDeduplicationId"),
                                form_attribute(&form, index, "event-id"));
        }
        form_free(&form);
    }
    assert_int_equal(row, 35);
    harness_free(harness);
}

// One FIFO topic that waits for its answer does not hold up the other topics.
static void lets_others_pass_a_fifo_topic(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = NULL;
    harness_start(harness);
    for (int index = 0; index < 20; index++) {
        harness_offer_group(harness, &harness->fifo, 1);
    }
    harness_flush(harness);
    harness_await_requests(harness, 1);
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->standard, 20);
    harness_await_settled(harness, 20);
    harness_accept(harness, http_server_requests(harness->server));
    harness_await_settled(harness, 40);
    assert_int_equal(harness->sent, 40);
    harness_free(harness);
}

static void groups_a_standard_topic_when_asked(void **state) {
    struct harness *harness = harness_new();
    struct form form;

    (void)state;
    harness->standard.message_group = true;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_read_form(http_server_requests(harness->server), &form);
    assert_string_equal(form_entry_value(&form, 9, "MessageGroupId"), "order-0009");
    assert_null(form_entry_value(&form, 9, "MessageDeduplicationId"));
    form_free(&form);
    harness_free(harness);
}

// Every byte of this data is three in a form, so that 22 events of 255 KiB pass the 16 MiB.
static void is_full_above_its_memory_and_drains(void **state) {
    enum { LENGTH = 255 * 1024 };
    struct harness *harness = harness_new();
    char *data = malloc(LENGTH + 1);

    (void)state;
    memset(data, '[', LENGTH);
    data[LENGTH] = '\0';
    harness->answer = NULL;
    harness->settings.max_in_flight = 2;
    harness_start(harness);
    while (!harness->sink.full(harness->sink.self)) {
        harness_offer(harness, &harness->standard, data);
    }
    assert_int_equal(harness->offered, 22);
    assert_int_equal(harness->drained, 0);
    assert_int_equal(harness->settled, 0);
    answer_one_by_one(harness, 22, 2);
    harness_await_settled(harness, 22);
    assert_int_equal(harness->sent, 22);
    assert_int_equal(harness->drained, 1);
    assert_false(harness->sink.full(harness->sink.self));
    free(data);
    harness_free(harness);
}

// Nothing of a paused topic is sent, and the others go on.
static void lets_events_of_a_paused_topic_wait(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness_start(harness);
    harness->standard.paused = true;
    harness_offer_many(harness, &harness->standard, 10);
    assert_int_equal(harness->settled, 10); // at once
    harness_assert_settled(harness, 0, 10, OUTCOME_WAIT, TOPIC_PAUSED);
    assert_false(harness->sink.admits(harness->sink.self, &harness->standard));
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 20);
    harness_assert_settled(harness, 10, 20, OUTCOME_SENT, NULL);
    harness->standard.paused = false;
    assert_true(harness->sink.admits(harness->sink.self, &harness->standard));
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 30);
    harness_assert_settled(harness, 20, 30, OUTCOME_SENT, NULL);
    assert_int_equal(http_server_counts(harness->server)->requests, 2);
    harness_free(harness);
}

static void has_room_for_any_claim_while_all_is_well(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness_start(harness);
    assert_int_equal(harness->sink.room(harness->sink.self, true), INT_MAX);
    assert_true(harness->sink.admits(harness->sink.self, &harness->standard)); // not seen yet
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    assert_int_equal(harness->sink.room(harness->sink.self, true), INT_MAX);
    assert_true(harness->sink.admits(harness->sink.self, &harness->standard));
    harness_free(harness);
}

// With batches open, queued and under way; a sanitizer sees what is not freed.
static void can_be_freed_at_any_time(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = NULL;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 75);
    harness_offer_many(harness, &harness->fifo, 25);
    harness_await_requests(harness, 4);
    harness->sink.free(harness->sink.self);
    harness->sink.self = NULL;
    loop_settle(harness->base);
    assert_int_equal(harness->settled, 0);
    harness_free(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_memory_and_goes_on),
        cmocka_unit_test(sends_tens_at_once_and_the_rest_when_flushed),
        cmocka_unit_test(writes_entries_as_sns_wants_them),
        cmocka_unit_test(bounds_the_bytes_of_a_batch),
        cmocka_unit_test(refuses_what_is_too_large_alone),
        cmocka_unit_test(keeps_topics_apart),
        cmocka_unit_test(bounds_the_requests_under_way),
        cmocka_unit_test(sends_fifo_groups_side_by_side),
        cmocka_unit_test(lets_others_pass_a_fifo_topic),
        cmocka_unit_test(groups_a_standard_topic_when_asked),
        cmocka_unit_test(is_full_above_its_memory_and_drains),
        cmocka_unit_test(lets_events_of_a_paused_topic_wait),
        cmocka_unit_test(has_room_for_any_claim_while_all_is_well),
        cmocka_unit_test(can_be_freed_at_any_time),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
