// SPDX-License-Identifier: Apache-2.0
// The consumer on a good day: what it asks of the queue, how many messages it holds, and what becomes of
// them.
#include "sqs/harness.h"

static void assert_contains(const char *text, const char *part) {
    if (strstr(text, part) == NULL) {
        fail_msg("%s is not in %s", part, text);
    }
}

static void it_asks_for_what_it_needs(void **state) {
    (void)state;
    harness_new("orders");
    harness_start();
    harness_await(harness_is_waiting, 1);
    loop_settle(harness->base);
    assert_int_equal(harness->requests[ATTRIBUTES], 1);
    assert_int_equal(harness->requests[RECEIVE], 1);
    assert_contains(harness->bodies[ATTRIBUTES], "\"QueueArn\",\"RedrivePolicy\"");
    const char *body = harness->bodies[RECEIVE];
    assert_contains(body, "\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":20,\"VisibilityTimeout\":30,");
    assert_contains(body, "\"MessageSystemAttributeNames\":[\"All\"],\"MessageAttributeNames\":[\"All\"]");
    assert_contains(body, harness->queue_url);
    assert_null(strstr(body, "ReceiveRequestAttemptId"));
    assert_string_equal(harness->consumer_name, "orders");
    harness_free();
}

static void its_name_can_be_set(void **state) {
    static char name[] = "billing";

    (void)state;
    harness_new("orders");
    harness->settings.consumer = name;
    harness_start();
    assert_string_equal(harness->consumer_name, "billing");
    harness_free();
}

static void what_is_handled_is_deleted_in_batches(void **state) {
    (void)state;
    harness_new("orders");
    harness->done_at_once = true;
    harness->receive_count = 3;
    harness_start();
    harness_put(25);
    harness_await(harness_has_deleted, 25);
    assert_in_range(harness->requests[DELETE_BATCH], 3, 6);
    assert_int_equal(harness->requests[HIDE_BATCH], 0);
    assert_string_equal(harness->offers[0].body, "b0");
    assert_int_equal(harness->offers[0].receive_count, 3);
    assert_false(harness->offers[0].fifo);
    harness_free();
}

static void several_receives_while_messages_flow_and_one_while_none_do(void **state) {
    (void)state;
    harness_new("orders");
    harness_start();
    harness_await(harness_is_waiting, 1);
    loop_settle(harness->base);
    assert_int_equal(harness->waiting_count, 1);
    harness_put(1);
    harness_await(harness_is_waiting, 4);
    loop_settle(harness->base);
    assert_int_equal(harness->waiting_count, 4);
    harness_nothing();
    harness_await(harness_is_waiting, 1);
    loop_settle(harness->base);
    assert_int_equal(harness->waiting_count, 1);
    harness_free();
}

// Without a wait, or where the server ignores it.
// A receive waits for messages by design; what else goes unanswered for as long is given up.
static void a_receive_that_waits_outlives_the_request_timeout(void **state) {
    (void)state;
    harness_new("orders");
    harness->settings.receives = 1;
    harness->settings.request_timeout = HARNESS_SECOND_US / 4;
    harness_override(DELETE_BATCH, 2, "200 OK", NULL);
    harness_start();
    harness_put(1);
    harness_await(harness_has_offers, 1);
    harness_await(harness_is_waiting, 1);
    harness_settle(0, INTAKE_DONE, 0);
    harness_await(harness_has_deleted, 1);
    assert_int_equal(harness->requests[RECEIVE], 2);
    harness_free();
}

static void an_empty_queue_is_not_asked_without_pause(void **state) {
    (void)state;
    harness_new("orders");
    harness_override(RECEIVE, 5, "200 OK", "{}");
    int64_t begin = clock_monotonic_us();
    harness_start();
    harness_await(harness_is_waiting, 1);
    assert_true(clock_monotonic_us() - begin >= 450000);
    assert_int_equal(harness->requests[RECEIVE], 6);
    harness_free();
}

// Once there is no room for ten, one receive at a time asks for what there is room for.
static void no_more_are_held_than_allowed(void **state) {
    (void)state;
    harness_new("orders");
    harness->settings.concurrency = 25;
    harness_start();
    harness_put(60);
    harness_await(harness_has_offers, 25);
    loop_settle(harness->base);
    assert_int_equal(harness->offer_count, 25);
    assert_int_equal(harness->waiting_count, 0);
    assert_int_equal(harness->requests[RECEIVE], 3);
    assert_contains(harness->bodies[RECEIVE], "\"MaxNumberOfMessages\":5,");
    for (int index = 0; index < 12; index++) {
        harness_settle(index, INTAKE_DONE, 0);
    }
    harness_await(harness_has_offers, 37);
    loop_settle(harness->base);
    assert_int_equal(harness->offer_count, 37);
    assert_int_equal(harness->requests[RECEIVE], 5);
    assert_contains(harness->bodies[RECEIVE], "\"MaxNumberOfMessages\":2,");
    harness_free();
}

// Of ten messages that almost fill the memory there is, some have to end before others come; and only as many
// come as fit in.
static void hold_no_more_bytes_than_allowed(const char *queue_name) {
    harness_new(queue_name);
    harness->body_bytes = 3 << 20;
    harness_start();
    harness_put(15);
    harness_await(harness_has_offers, 10);
    loop_settle(harness->base);
    assert_int_equal(harness->offer_count, 10);
    assert_int_equal(harness->requests[RECEIVE], 1);
    for (int index = 0; index < 3; index++) {
        harness_settle(index, INTAKE_DONE, 0);
    }
    harness_await(harness_has_offers, 13);
    loop_settle(harness->base);
    assert_int_equal(harness->offer_count, 13);
    assert_int_equal(harness->requests[RECEIVE], 2);
    assert_contains(harness->bodies[RECEIVE], "\"MaxNumberOfMessages\":3,");
    for (int index = 3; index < 13; index++) {
        harness_settle(index, index % 2 == 0 ? INTAKE_LET_GO : INTAKE_FAILED, 0);
    }
    harness_await(harness_has_offers, 15);
    harness_free();
}

static void no_more_bytes_are_held_than_allowed(void **state) {
    (void)state;
    hold_no_more_bytes_than_allowed("orders");
    hold_no_more_bytes_than_allowed("orders.fifo");
}

static void a_slow_message_does_not_keep_others_from_coming(void **state) {
    (void)state;
    harness_new("orders");
    harness->settings.concurrency = 10;
    harness_start();
    harness_put(1);
    harness_await(harness_has_offers, 1);
    harness_await(harness_is_waiting, 1);
    assert_contains(harness->bodies[RECEIVE], "\"MaxNumberOfMessages\":9,");
    loop_settle(harness->base);
    assert_int_equal(harness->waiting_count, 1); // no more, as that one may bring all that there is room for
    harness_put(30);
    harness_await(harness_has_offers, 10);
    loop_settle(harness->base);
    assert_int_equal(harness->offer_count, 10);
    harness_settle(5, INTAKE_DONE, 0);
    harness_await(harness_has_offers, 11);
    assert_contains(harness->bodies[RECEIVE], "\"MaxNumberOfMessages\":1,");
    harness_free();
}

static void fewer_than_ten_may_be_all(void **state) {
    (void)state;
    harness_new("orders");
    harness->settings.concurrency = 3;
    harness_start();
    harness_await(harness_is_waiting, 1);
    assert_contains(harness->bodies[RECEIVE], "\"MaxNumberOfMessages\":3,");
    harness_free();
}

static void nothing_is_received_while_the_intake_rests(void **state) {
    (void)state;
    harness_new("orders");
    harness->done_at_once = true;
    harness_start();
    harness_await(harness_is_waiting, 1);
    harness->resting = true;
    harness_put(1);
    harness_await(harness_has_deleted, 1);
    loop_settle(harness->base);
    assert_int_equal(harness->waiting_count, 0);
    harness->resting = false;
    harness->listener.recovered(harness->listener.context);
    harness_await(harness_is_waiting, 4);
    harness_free();
}

static void nothing_is_received_before_the_handlers_are_ready(void **state) {
    (void)state;
    harness_new("orders");
    harness->ready_late = true;
    harness_start();
    while (harness->requests[ATTRIBUTES] == 0) {
        event_base_loop(harness->base, EVLOOP_ONCE);
    }
    loop_settle(harness->base);
    assert_int_equal(harness->requests[RECEIVE], 0);
    harness->listener.ready(harness->listener.context);
    harness_await(harness_is_waiting, 1);
    harness_free();
}

static void what_fails_comes_again_later(void **state) {
    (void)state;
    harness_new("orders");
    harness->receive_count = 2;
    harness_start();
    harness_put(3);
    harness_await(harness_has_offers, 3);
    harness_settle(0, INTAKE_FAILED, 0);
    harness_settle(1, INTAKE_FAILED, 90 * (int64_t)HARNESS_SECOND_US);
    harness_settle(2, INTAKE_LET_GO, 0);
    harness_await(harness_has_hidden, 3);
    assert_int_equal(harness->requests[HIDE_BATCH], 1);
    assert_in_range(harness->messages[0].hidden_s, 10, 20);
    assert_int_equal(harness->messages[1].hidden_s, 90);
    assert_int_equal(harness->messages[2].hidden_s, 0);
    loop_settle(harness->base);
    assert_int_equal(harness->requests[DELETE_BATCH], 0);
    assert_int_equal(harness->requests[HIDE_BATCH], 1);
    harness_free();
}

// With a visibility timeout of two seconds, the shortest: an extension each second, whether the message is
// being handled or waits.
static void what_is_held_is_kept_hidden(void **state) {
    (void)state;
    harness_new("orders");
    harness->settings.visibility_timeout = 2 * HARNESS_SECOND_US;
    harness_start();
    harness_put(2);
    harness_await(harness_has_offers, 2);
    int64_t begin = clock_monotonic_us();
    harness->offers[0].begun = true;
    harness_await(harness_has_hidden, 4);
    assert_in_range(clock_monotonic_us() - begin, 1000000, 5000000);
    assert_int_equal(harness->messages[0].hidden, 2);
    assert_int_equal(harness->messages[1].hidden, 2);
    assert_int_equal(harness->messages[0].hidden_s, 2);
    assert_int_equal(harness->requests[HIDE_BATCH], 2);
    assert_int_equal(harness->drops, 0);
    harness_settle(0, INTAKE_DONE, 0);
    harness_settle(1, INTAKE_FAILED, 0);
    harness_await(harness_has_deleted, 1);
    harness_await(harness_has_hidden, 5);
    assert_in_range(harness->messages[1].hidden_s, 5, 10);
    harness_free();
}

static void it_ends_when_the_queue_is_empty(void **state) {
    struct error error;

    (void)state;
    harness_new("orders");
    harness->settings.until_empty = 1;
    harness_start();
    harness_put(2);
    harness_await(harness_has_offers, 2);
    assert_contains(harness->bodies[RECEIVE], "\"WaitTimeSeconds\":1,");
    harness_settle(0, INTAKE_DONE, 0);
    harness_await(harness_is_waiting, 4);
    harness_nothing();
    harness_await(harness_is_waiting, 1); // one is in hand, so it asks again
    harness_settle(1, INTAKE_DONE, 0);
    harness_await(harness_has_deleted, 2);
    harness_nothing();
    assert_true(harness_result(&error));
    harness_free();
}

static void it_stops_in_good_order(void **state) {
    struct error error;

    (void)state;
    harness_new("orders");
    harness_start();
    harness_put(3);
    harness_await(harness_has_offers, 3);
    harness_await(harness_is_waiting, 4);
    harness->offers[0].begun = true;
    harness->offers[1].begun = true;
    sqs_consumer_stop(harness->consumer);
    assert_int_equal(harness->drops, 1);
    harness_put(1); // one of the receives under way brings something
    loop_settle(harness->base);
    assert_int_equal(harness->requests[HIDE_BATCH], 0); // the others would get it again
    harness_nothing();
    harness_await(harness_has_hidden, 2);
    assert_int_equal(harness->messages[2].hidden_s, 0);
    assert_int_equal(harness->messages[3].hidden_s, 0);
    assert_int_equal(harness->offer_count, 3);
    harness_settle(0, INTAKE_DONE, 0);
    harness_await(harness_has_deleted, 1);
    loop_settle(harness->base);
    assert_false(harness_has_ended(NULL));
    harness_settle(1, INTAKE_FAILED, 0);
    assert_true(harness_result(&error));
    assert_in_range(harness->messages[1].hidden_s, 5, 10);
    assert_int_equal(harness->waiting_count, 0);
    assert_int_equal(harness->requests[RECEIVE], 5);
    harness_free();
}

static void what_takes_too_long_is_given_back(void **state) {
    struct error error;

    (void)state;
    harness_new("orders");
    harness->settings.shutdown_timeout = 50000;
    harness_start();
    harness_put(2);
    harness_await(harness_has_offers, 2);
    harness_await(harness_is_waiting, 4);
    harness->offers[0].begun = true;
    harness->offers[1].begun = true;
    sqs_consumer_stop(harness->consumer);
    harness_nothing();
    harness_await(harness_has_hidden, 2);
    harness_settle(0, INTAKE_DONE, 0); // too late
    assert_false(harness_result(&error));
    assert_int_equal(error.code, ERROR_TIMEOUT);
    assert_non_null(strstr(error.text, "OUTBOX_SHUTDOWN_TIMEOUT"));
    assert_int_equal(harness->messages[0].hidden_s, 0);
    assert_int_equal(harness->messages[1].hidden_s, 0);
    assert_int_equal(harness->requests[DELETE_BATCH], 0);
    harness_free();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_asks_for_what_it_needs),
        cmocka_unit_test(its_name_can_be_set),
        cmocka_unit_test(what_is_handled_is_deleted_in_batches),
        cmocka_unit_test(several_receives_while_messages_flow_and_one_while_none_do),
        cmocka_unit_test(a_receive_that_waits_outlives_the_request_timeout),
        cmocka_unit_test(an_empty_queue_is_not_asked_without_pause),
        cmocka_unit_test(no_more_are_held_than_allowed),
        cmocka_unit_test(no_more_bytes_are_held_than_allowed),
        cmocka_unit_test(a_slow_message_does_not_keep_others_from_coming),
        cmocka_unit_test(fewer_than_ten_may_be_all),
        cmocka_unit_test(nothing_is_received_while_the_intake_rests),
        cmocka_unit_test(nothing_is_received_before_the_handlers_are_ready),
        cmocka_unit_test(what_fails_comes_again_later),
        cmocka_unit_test(what_is_held_is_kept_hidden),
        cmocka_unit_test(it_ends_when_the_queue_is_empty),
        cmocka_unit_test(it_stops_in_good_order),
        cmocka_unit_test(what_takes_too_long_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
