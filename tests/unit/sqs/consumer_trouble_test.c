// SPDX-License-Identifier: Apache-2.0
// The consumer on a bad day: what it cannot start with, what it waits out, and what it makes of answers that
// are lost, late, or say no.
#include "base/log.h"
#include "sqs/harness.h"

static const char busy[] = "503 Service Unavailable";

static void assert_ends_with(enum error_code code, const char *part) {
    struct error error;
    assert_false(harness_result(&error));
    assert_int_equal(error.code, code);
    if (strstr(error.text, part) == NULL) {
        fail_msg("%s", error.text);
    }
    harness_free();
}

static void a_queue_that_is_not_there_is_told(void **state) {
    (void)state;
    harness_new("orders");
    harness_override(ATTRIBUTES, 1, "400 Bad Request", HARNESS_ERROR("QueueDoesNotExist"));
    harness_start();
    assert_ends_with(ERROR_PUBLISH, "GetQueueAttributes is refused for queue http://127.0.0.1:");
}

static void a_queue_that_may_not_be_used_is_told(void **state) {
    (void)state;
    harness_new("orders");
    harness_override(RECEIVE, 1, "403 Forbidden", HARNESS_ERROR("AccessDeniedException"));
    harness_start();
    assert_ends_with(ERROR_PUBLISH,
                     "AccessDeniedException: sorry; the role or user needs sqs:ReceiveMessage");
}

static void handlers_that_are_not_there_are_told(void **state) {
    const struct error error = {.code = ERROR_SCHEMA, .text = "there is no function shop.reserve"};

    (void)state;
    harness_new("orders");
    harness->ready_late = true;
    harness_start();
    harness->listener.broken(harness->listener.context, &error);
    assert_ends_with(ERROR_SCHEMA, "there is no function shop.reserve");
}

static void assert_does_not_start(enum error_code code, const char *part) {
    struct error error = {0};
    assert_null(sqs_consumer_new(harness->base, &harness->settings, &error));
    assert_int_equal(error.code, code);
    if (strstr(error.text, part) == NULL) {
        fail_msg("%s", error.text);
    }
    harness_free();
}

static void settings_that_are_wrong_are_told(void **state) {
    static char none[] = "", no_url[] = "orders", elsewhere[] = "http://localhost:4566/000000000000/orders",
                disabled_endpoint[] = "", other[] = "Eu West";

    (void)state;
    harness_new("orders");
    harness->settings.queue_url = no_url;
    assert_does_not_start(ERROR_USAGE, "the queue URL is \"orders\"");

    harness_new("orders");
    harness->settings.aws_region = none;
    assert_does_not_start(ERROR_CREDENTIALS, "set AWS_REGION");

    harness_new("orders");
    harness->settings.aws_region = other;
    assert_does_not_start(ERROR_USAGE, "Eu West");

    harness_new("orders");
    harness->settings.queue_url = elsewhere;
    harness->settings.aws_endpoint_url = disabled_endpoint;
    assert_does_not_start(ERROR_USAGE, "set AWS_ENDPOINT_URL_SQS=http://localhost:4566");

    harness_new("orders");
    harness->settings.aws_access_key_id = none;
    harness->settings.aws_secret_access_key = none;
    harness->settings.aws_ec2_metadata_disabled = 1;
    assert_does_not_start(ERROR_CREDENTIALS, "no AWS credentials");
}

static void what_passes_at_the_start_is_waited_for(void **state) {
    (void)state;
    harness_new("orders");
    harness_override(ATTRIBUTES, 3, busy, "busy");
    harness_override(RECEIVE, 3, "400 Bad Request", HARNESS_ERROR("OverLimit"));
    harness_start();
    harness_await(harness_is_waiting, 1);
    assert_int_equal(harness->requests[ATTRIBUTES], 4);
    assert_int_equal(harness->requests[RECEIVE], 4);
    harness_free();
}

static void an_answer_that_is_none_is_waited_out(void **state) {
    static const char *const bodies[] = {"null", "{}", "{\"Attributes\":{\"QueueArn\":\"\"}}"};

    (void)state;
    for (size_t index = 0; index < sizeof bodies / sizeof bodies[0]; index++) {
        harness_new("orders");
        harness_override(ATTRIBUTES, 1, "200 OK", bodies[index]);
        harness_start();
        harness_await(harness_is_waiting, 1);
        assert_int_equal(harness->requests[ATTRIBUTES], 2);
        harness_free();
    }
}

static void an_answer_that_is_none_is_no_empty_queue(void **state) {
    struct error error;

    (void)state;
    harness_new("orders");
    harness->settings.until_empty = 1;
    harness->done_at_once = true;
    harness_override(RECEIVE, 1, "200 OK", "null");
    harness_start();
    harness_put(1);
    harness_await(harness_has_deleted, 1);
    harness_await(harness_is_waiting, 1);
    harness_nothing();
    assert_true(harness_result(&error));
    harness_free();
}

// Once it has received, nothing ends it; and while SQS refuses, one request asks.
static void later_every_refusal_is_waited_out(void **state) {
    static const char *const codes[] = {HARNESS_ERROR("AccessDeniedException"),
                                        HARNESS_ERROR("QueueDoesNotExist"),
                                        HARNESS_ERROR("InvalidClientTokenId")};

    (void)state;
    for (size_t index = 0; index < sizeof codes / sizeof codes[0]; index++) {
        harness_new("orders");
        harness->done_at_once = true;
        harness_start();
        harness_put(1);
        harness_await(harness_is_waiting, 4);
        harness_override(RECEIVE, 2, "400 Bad Request", codes[index]);
        harness_nothing();
        harness_put(1);
        harness_await(harness_has_deleted, 2);
        assert_int_equal(harness->requests[RECEIVE] > 7, true);
        harness_free();
    }
}

static void what_is_not_deleted_is_deleted_again(void **state) {
    (void)state;
    harness_new("orders");
    harness_start();
    harness->messages[1] = (struct message){.failure = "InternalError"};
    harness->messages[2] = (struct message){.failure = "InvalidParameterValue", .fault_is_sender = true};
    harness->messages[3] = (struct message){.failure = "RequestThrottled", .fault_is_sender = true};
    harness_put(4);
    harness_await(harness_has_offers, 4);
    for (int index = 0; index < 4; index++) {
        harness_settle(index, INTAKE_DONE, 0);
    }
    harness_await(harness_has_deleted, 3);
    loop_settle(harness->base);
    assert_int_equal(harness->requests[DELETE_BATCH] >= 2, true);
    assert_false(harness->messages[2].deleted); // its handle has expired: it comes again by itself
    harness_free();
}

static void a_batch_that_fails_is_sent_again(void **state) {
    (void)state;
    harness_new("orders");
    harness_override(DELETE_BATCH, 4, busy, "busy");
    harness_override(HIDE_BATCH, 1, "200 OK", "{}"); // says nothing of any entry
    harness_start();
    harness_put(2);
    harness_await(harness_has_offers, 2);
    harness_settle(0, INTAKE_DONE, 0);
    harness_settle(1, INTAKE_LET_GO, 0);
    harness_await(harness_has_deleted, 1);
    harness_await(harness_has_hidden, 1);
    assert_int_equal(harness->requests[DELETE_BATCH], 5);
    assert_int_equal(harness->requests[HIDE_BATCH], 2);
    harness_free();
}

static bool is_extending(void *context) {
    (void)context;
    return harness->requests[HIDE_BATCH] >= 1;
}

// The extension is never answered, and its attempts end after a moment. Only then is the message deleted.
static void nothing_overtakes_an_extension(void **state) {
    (void)state;
    harness_new("orders");
    harness->settings.visibility_timeout = 2 * HARNESS_SECOND_US;
    harness_override(HIDE_BATCH, 3, "200 OK", NULL);
    harness_start();
    harness_put(1);
    harness_await(harness_has_offers, 1);
    harness->goal = 1;
    assert_true(loop_until(harness->base, is_extending, harness));
    harness_settle(0, INTAKE_DONE, 0);
    loop_settle(harness->base);
    assert_int_equal(harness->requests[DELETE_BATCH], 0);
    harness_await(harness_has_deleted, 1);
    harness_free();
}

// What could not be kept hidden may be with somebody else: it is not begun, and nothing is asked about it.
static void what_has_come_into_view_is_let_go(void **state) {
    struct error error;

    (void)state;
    harness_new("orders");
    harness->settings.visibility_timeout = 2 * HARNESS_SECOND_US;
    harness_override(HIDE_BATCH, 1000, "200 OK", NULL);
    harness_start();
    harness_put(2);
    harness_await(harness_has_offers, 2);
    int64_t begin = clock_monotonic_us();
    harness->offers[0].begun = true;
    harness_await(harness_has_dropped, 1);
    assert_in_range(clock_monotonic_us() - begin, 1000000, 5000000);
    assert_true(harness->offers[1].settled);
    harness_settle(0, INTAKE_DONE, 0);
    harness_await(harness_has_deleted, 1);
    assert_true(harness->messages[0].deleted); // worth a try
    sqs_consumer_stop(harness->consumer);
    harness_nothing();
    assert_true(harness_result(&error));
    assert_int_equal(harness->messages[1].hidden, 0);
    harness_free();
}

// Somebody else may have it: what has not begun is let go.
static void a_message_that_is_not_ours_any_more_is_extended_no_more(void **state) {
    (void)state;
    harness_new("orders");
    harness->settings.visibility_timeout = 2 * HARNESS_SECOND_US;
    harness->messages[0] = (struct message){.failure = "MessageNotInflight", .fault_is_sender = true};
    harness_start();
    harness_put(3);
    harness_await(harness_has_offers, 3);
    harness->offers[0].begun = true;
    harness->offers[1].begun = true;
    harness_await(harness_has_dropped, 1);
    assert_true(harness->offers[2].settled);
    harness_await(harness_has_hidden, 4); // extended, two of them; given back, one; extended again, one
    assert_int_equal(harness->messages[0].hidden, 0);
    assert_int_equal(harness->messages[1].hidden, 2);
    assert_int_equal(harness->messages[2].hidden, 2);
    assert_int_equal(harness->messages[2].hidden_s, 0);
    assert_int_equal(harness->drops, 1);
    harness_settle(0, INTAKE_FAILED, 0);
    harness_settle(1, INTAKE_LET_GO, 0);
    harness_await(harness_has_hidden, 5);
    loop_settle(harness->base);
    assert_int_equal(harness->messages[0].hidden, 0);
    harness_free();
}

static void a_message_that_is_not_ours_any_more_may_be_let_go_itself(void **state) {
    struct error error;

    (void)state;
    harness_new("orders");
    harness->settings.visibility_timeout = 2 * HARNESS_SECOND_US;
    harness->messages[0] = (struct message){.failure = "MessageNotInflight", .fault_is_sender = true};
    harness_start();
    harness_put(1);
    harness_await(harness_has_offers, 1);
    harness_await(harness_has_dropped, 1);
    assert_true(harness->offers[0].settled);
    sqs_consumer_stop(harness->consumer);
    harness_nothing();
    assert_true(harness_result(&error));
    assert_int_equal(harness->requests[HIDE_BATCH], 1);
    harness_free();
}

static void attempt_of(char attempt[64], const char *body) {
    const char *found = strstr(body, "\"ReceiveRequestAttemptId\":\"");
    assert_non_null(found);
    snprintf(attempt, 64, "%.32s", found + strlen("\"ReceiveRequestAttemptId\":\""));
}

static bool has_failed(void *context) {
    (void)context;
    return harness->requests[RECEIVE] >= 2;
}

// Of a FIFO queue: the messages of a lost answer come again only to who repeats the attempt.
static void a_lost_receive_is_repeated_as_the_same_attempt(void **state) {
    char lost[64], again[64];

    (void)state;
    harness_new("orders.fifo");
    harness_start();
    harness_await(harness_is_waiting, 1);
    harness_override(RECEIVE, 3, busy, "busy"); // a call makes three attempts
    harness_nothing();
    assert_true(loop_until(harness->base, has_failed, harness));
    attempt_of(lost, harness->bodies[RECEIVE]);
    harness_await(harness_is_waiting, 1);
    assert_int_equal(harness->requests[RECEIVE], 5);
    attempt_of(again, harness->bodies[RECEIVE]);
    assert_string_equal(again, lost);
    harness_put(1);
    harness_await(harness_has_offers, 1);
    assert_true(harness->offers[0].fifo);
    harness_await(harness_is_waiting, 1);
    attempt_of(again, harness->bodies[RECEIVE]);
    assert_string_not_equal(again, lost); // as that has had its answer
    harness_free();
}

static bool has_repeated(void *context) {
    (void)context;
    return harness->requests[RECEIVE] >= 4 && harness->waiting_count == 1;
}

// It asks for as many messages as before, so it waits until there is room for them.
static void a_lost_receive_is_repeated_with_its_number(void **state) {
    char lost[64], again[64];

    (void)state;
    harness_new("orders.fifo");
    harness->settings.concurrency = 10;
    harness_start();
    harness_await(harness_is_waiting, 1);
    harness_override(RECEIVE, 3, busy, "busy");
    harness_put(4); // leaves room for six
    harness_await(harness_has_offers, 4);
    assert_true(loop_until(harness->base, has_failed, harness));
    attempt_of(lost, harness->bodies[RECEIVE]);
    for (int index = 0; index < 4; index++) { // there is room for ten
        harness_settle(index, INTAKE_DONE, 0);
    }
    assert_true(loop_until(harness->base, has_repeated, harness));
    attempt_of(again, harness->bodies[RECEIVE]);
    assert_string_equal(again, lost);
    assert_non_null(strstr(harness->bodies[RECEIVE], "\"MaxNumberOfMessages\":6,"));
    harness_free();
}

// With a receive whose first attempt fails.
static void stop_while_a_receive_fails(const char *queue_name) {
    harness_new(queue_name);
    harness_start();
    harness_await(harness_is_waiting, 1);
    harness_override(RECEIVE, 1, busy, "busy");
    harness_nothing();
    assert_true(loop_until(harness->base, has_failed, harness));
    sqs_consumer_stop(harness->consumer);
}

// It would bring messages that nobody wants any more.
static void a_receive_that_fails_is_not_repeated_after_the_stop(void **state) {
    struct error error;

    (void)state;
    stop_while_a_receive_fails("orders");
    assert_true(harness_result(&error));
    assert_int_equal(harness->requests[RECEIVE], 2);
    harness_free();

    stop_while_a_receive_fails("orders.fifo");
    harness_await(harness_is_waiting, 1);
    harness_put(1);
    assert_true(harness_result(&error));
    assert_int_equal(harness->requests[RECEIVE], 3);
    assert_int_equal(harness->messages[0].hidden, 1);
    assert_int_equal(harness->messages[0].hidden_s, 0);
    harness_free();
}

static void what_is_no_message_is_left_alone(void **state) {
    static const char mixed[] =
        "{\"Messages\":[{\"Body\":\"x\"},7,{\"ReceiptHandle\":\"h0\",\"Body\":\"b0\"}]}";

    (void)state;
    harness_new("orders");
    harness->message_count = 1;
    harness->message_next = 1;
    harness_override(RECEIVE, 1, "200 OK", mixed);
    harness_start();
    harness_await(harness_has_offers, 1);
    loop_settle(harness->base);
    assert_int_equal(harness->offer_count, 1);
    assert_string_equal(harness->offers[0].body, "b0");
    harness_free();
}

static void it_can_be_freed_at_any_time(void **state) {
    (void)state;
    harness_new("orders");
    harness_start();
    harness_free();

    harness_new("orders.fifo");
    harness_override(DELETE_BATCH, 1000, "200 OK", NULL);
    harness_override(HIDE_BATCH, 1000, busy, "busy");
    harness_start();
    harness_put(4);
    harness_await(harness_has_offers, 4);
    harness_settle(0, INTAKE_DONE, 0);
    harness_settle(1, INTAKE_LET_GO, 0);
    harness_await(harness_is_waiting, 4);
    loop_settle(harness->base);
    harness_settle(2, INTAKE_DONE, 0);
    harness_free();
}

static int quiet(void **state) {
    (void)state;
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_that_is_not_there_is_told),
        cmocka_unit_test(a_queue_that_may_not_be_used_is_told),
        cmocka_unit_test(handlers_that_are_not_there_are_told),
        cmocka_unit_test(settings_that_are_wrong_are_told),
        cmocka_unit_test(what_passes_at_the_start_is_waited_for),
        cmocka_unit_test(an_answer_that_is_none_is_waited_out),
        cmocka_unit_test(an_answer_that_is_none_is_no_empty_queue),
        cmocka_unit_test(later_every_refusal_is_waited_out),
        cmocka_unit_test(what_is_not_deleted_is_deleted_again),
        cmocka_unit_test(a_batch_that_fails_is_sent_again),
        cmocka_unit_test(nothing_overtakes_an_extension),
        cmocka_unit_test(what_has_come_into_view_is_let_go),
        cmocka_unit_test(a_message_that_is_not_ours_any_more_is_extended_no_more),
        cmocka_unit_test(a_message_that_is_not_ours_any_more_may_be_let_go_itself),
        cmocka_unit_test(a_lost_receive_is_repeated_as_the_same_attempt),
        cmocka_unit_test(a_lost_receive_is_repeated_with_its_number),
        cmocka_unit_test(a_receive_that_fails_is_not_repeated_after_the_stop),
        cmocka_unit_test(what_is_no_message_is_left_alone),
        cmocka_unit_test(it_can_be_freed_at_any_time),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
