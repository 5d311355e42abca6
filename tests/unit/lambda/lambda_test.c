// SPDX-License-Identifier: Apache-2.0
// The runtime of AWS Lambda against a scripted runtime API: each invocation is answered with what is to come
// again, and the deadline is kept.
#include "lambda/lambda_harness.h"
#include "support/loop.h"

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

enum { LONG_MS = 60000, SHORT_MS = 400 };

#define NONE "{\"batchItemFailures\":[]}"
#define FAILED(id) "{\"itemIdentifier\":\"" id "\"}"

static struct lambda_harness *started(void) {
    struct lambda_harness *harness = lambda_open();
    assert_true(lambda_start(harness, NULL));
    return harness;
}

static struct lambda_harness *ready(void) {
    struct lambda_harness *harness = started();
    lambda_ready(harness);
    return harness;
}

static void takes_no_invocation_before_the_handlers_are_ready(void **state) {
    struct lambda_harness *harness = started();

    (void)state;
    loop_settle(harness->base);
    assert_int_equal(harness->nexts, 0);
    lambda_ready(harness);
    assert_int_equal(harness->nexts, 1);
    lambda_close(harness);
}

static void answers_with_what_has_failed(void **state) {
    struct lambda_harness *harness = ready();
    char value[64];

    (void)state;
    lambda_invoke(harness, lambda_event("abcd", false), LONG_MS);
    lambda_await_offered(harness, 4);
    lambda_settle(harness, 3, INTAKE_FAILED);
    lambda_settle(harness, 0, INTAKE_DONE);
    lambda_settle(harness, 1, INTAKE_LET_GO);
    loop_settle(harness->base);
    assert_int_equal(harness->post_count, 0); // one is not settled yet
    lambda_settle(harness, 2, INTAKE_DONE);
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response",
                  "{\"batchItemFailures\":[" FAILED("b") "," FAILED("d") "]}");
    http_server_header(harness->posts[0], "Content-Type", value, sizeof value);
    assert_string_equal(value, "application/json");
    http_server_header(harness->posts[0], "Lambda-Runtime-Function-Error-Type", value, sizeof value);
    assert_string_equal(value, "");
    assert_int_equal(http_server_counts(harness->server)->accepted, 1);
    lambda_close(harness);
}

static void answers_one_invocation_after_the_other(void **state) {
    struct lambda_harness *harness = ready();

    (void)state;
    harness->settles_at_once = true;
    lambda_invoke(harness, lambda_event("a", false), LONG_MS);
    lambda_await_nexts(harness, 2);
    lambda_invoke(harness, lambda_event("", false), LONG_MS);
    lambda_await_nexts(harness, 3);
    lambda_invoke(harness, lambda_event("bc", true), LONG_MS);
    lambda_await_nexts(harness, 4);
    lambda_posted(harness, 0, "invocation/request-1/response", NONE);
    lambda_posted(harness, 1, "invocation/request-2/response", NONE);
    lambda_posted(harness, 2, "invocation/request-3/response", NONE);
    assert_false(harness->offered[0].fifo);
    assert_true(harness->offered[2].fifo);
    assert_string_equal(harness->offered[2].id, "c");
    assert_string_equal(harness->offered[2].group, "c");
    assert_int_equal(harness->drops, 0);
    lambda_close(harness);
}

static void refuses_another_event_and_goes_on(void **state) {
    struct lambda_harness *harness = ready();
    char value[64];

    (void)state;
    harness->settles_at_once = true;
    lambda_invoke(harness, "{\"detail-type\":\"Scheduled Event\"}", LONG_MS);
    lambda_await_nexts(harness, 2);
    lambda_posted(
        harness, 0, "invocation/request-1/error",
        "{\"errorMessage\":\"the event has no list Records; this function handles the messages of an SQS "
        "queue: let nothing but an event source mapping of a queue invoke it\",\"errorType\":"
        "\"Runtime.BadEvent\",\"stackTrace\":[]}");
    http_server_header(harness->posts[0], "Lambda-Runtime-Function-Error-Type", value, sizeof value);
    assert_string_equal(value, "Runtime.BadEvent");
    lambda_invoke(harness, lambda_event("a", false), LONG_MS);
    lambda_await_posts(harness, 2);
    lambda_posted(harness, 1, "invocation/request-2/response", NONE);
    lambda_close(harness);
}

// Six MiB is what Lambda allows.
static void takes_the_largest_event(void **state) {
    enum { BODY = 6 << 20 };
    struct lambda_harness *harness = ready();
    char *answer = malloc(BODY + 1024);
    int length =
        snprintf(answer, 1024,
                 "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: large\r\nContent-Length: %d\r\n\r\n"
                 "{\"Records\":[{\"messageId\":\"a\",\"eventSource\":\"aws:sqs\",\"eventSourceARN\":\"q\","
                 "\"body\":\"",
                 BODY);
    size_t head = (size_t)(strstr(answer, "\r\n\r\n") + 4 - answer);

    (void)state;
    memset(answer + length, 'x', BODY + head - (size_t)length - 4);
    memcpy(answer + BODY + head - 4, "\"}]}", 5);
    harness->settles_at_once = true;
    lambda_invoke_raw(harness, answer);
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/large/response", NONE);
    lambda_close(harness);
    free(answer);
}

// What no handler has begun is let go, what has not ended is answered as failed, before the deadline.
static void keeps_the_deadline(void **state) {
    struct lambda_harness *harness = ready();

    (void)state;
    lambda_invoke(harness, lambda_event("abc", false), SHORT_MS);
    lambda_await_offered(harness, 3);
    harness->offered[1].begun = true;
    lambda_settle(harness, 2, INTAKE_DONE);
    lambda_await_nexts(harness, 2);
    assert_int_equal(harness->drops, 1);
    assert_true(harness->offered[0].settled);
    lambda_posted(harness, 0, "invocation/request-1/response",
                  "{\"batchItemFailures\":[" FAILED("a") "," FAILED("b") "]}");
    lambda_close(harness); // with a handler that still runs
}

static void answers_at_once_when_all_is_let_go(void **state) {
    struct lambda_harness *harness = ready();

    (void)state;
    lambda_invoke(harness, lambda_event("ab", true), SHORT_MS);
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response",
                  "{\"batchItemFailures\":[" FAILED("a") "," FAILED("b") "]}");
    lambda_close(harness);
}

// The same message is delivered again while its handler of the first invocation still runs.
static void tells_late_results_from_those_of_the_next_invocation(void **state) {
    struct lambda_harness *harness = ready();

    (void)state;
    lambda_invoke(harness, lambda_event("a", false), SHORT_MS);
    lambda_await_offered(harness, 1);
    harness->offered[0].begun = true;
    lambda_await_nexts(harness, 2);
    lambda_invoke(harness, lambda_event("a", false), LONG_MS);
    lambda_await_offered(harness, 2);
    lambda_settle(harness, 0, INTAKE_DONE);
    loop_settle(harness->base);
    assert_int_equal(harness->post_count, 1);
    lambda_settle(harness, 1, INTAKE_FAILED);
    lambda_await_nexts(harness, 3);
    lambda_posted(harness, 1, "invocation/request-2/response", "{\"batchItemFailures\":[" FAILED("a") "]}");
    lambda_close(harness);
}

static void forgets_late_batches_in_any_order(void **state) {
    enum { BATCHES = 3 };
    struct lambda_harness *harness = ready();

    (void)state;
    for (int count = 1; count <= BATCHES; count++) {
        lambda_invoke(harness, lambda_event("ab", false), 100);
        lambda_await_offered(harness, 2 * count);
        harness->offered[2 * count - 1].begun = harness->offered[2 * count - 2].begun = true;
        lambda_await_nexts(harness, count + 1);
    }
    static const int order[] = {2, 5, 3, 0, 4};
    for (size_t index = 0; index < sizeof order / sizeof order[0]; index++) {
        lambda_settle(harness, order[index], INTAKE_DONE);
    }
    loop_settle(harness->base);
    assert_int_equal(harness->post_count, BATCHES);
    assert_int_equal(harness->drops, BATCHES); // each kept its own deadline
    lambda_close(harness);                     // with the first batch, of which one is left
}

// The wall clock is wrong, or the header is missing: all is handled.
static void handles_without_a_deadline(void **state) {
    struct lambda_harness *harness = ready();

    (void)state;
    lambda_invoke(harness, lambda_event("a", false), -5000);
    lambda_await_offered(harness, 1);
    loop_settle(harness->base);
    lambda_settle(harness, 0, INTAKE_DONE);
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response", NONE);
    assert_int_equal(harness->drops, 0);
    lambda_close(harness);
}

static void hands_the_trace_id_on(void **state) {
    struct lambda_harness *harness = ready();

    (void)state;
    assert_string_equal(getenv("_X_AMZN_TRACE_ID"), "");
    harness->settles_at_once = true;
    lambda_invoke(harness, lambda_event("a", false), LONG_MS);
    lambda_await_nexts(harness, 2);
    assert_string_equal(getenv("_X_AMZN_TRACE_ID"), "Root=1-1");
    lambda_invoke_raw(harness,
                      "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: second\r\nContent-Length: 14"
                      "\r\n\r\n{\"Records\":[]}");
    lambda_await_nexts(harness, 3);
    assert_string_equal(getenv("_X_AMZN_TRACE_ID"), "");
    lambda_posted(harness, 1, "invocation/second/response", NONE);
    lambda_close(harness);
}

static void names_the_consumer(void **state) {
    static char function[] = "orders-function", consumer[] = "orders", none[] = "";
    static const struct {
        char *consumer, *function;
        const char *expected;
    } cases[] = {{consumer, function, "orders"}, {none, function, "orders-function"}, {none, none, "lambda"}};

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct lambda_harness *harness = lambda_open();
        harness->settings.consumer = cases[index].consumer;
        harness->settings.aws_lambda_function_name = cases[index].function;
        assert_true(lambda_start(harness, NULL));
        assert_string_equal(harness->consumer, cases[index].expected);
        lambda_close(harness);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_no_invocation_before_the_handlers_are_ready),
        cmocka_unit_test(answers_with_what_has_failed),
        cmocka_unit_test(answers_one_invocation_after_the_other),
        cmocka_unit_test(refuses_another_event_and_goes_on),
        cmocka_unit_test(takes_the_largest_event),
        cmocka_unit_test(keeps_the_deadline),
        cmocka_unit_test(answers_at_once_when_all_is_let_go),
        cmocka_unit_test(tells_late_results_from_those_of_the_next_invocation),
        cmocka_unit_test(forgets_late_batches_in_any_order),
        cmocka_unit_test(handles_without_a_deadline),
        cmocka_unit_test(hands_the_trace_id_on),
        cmocka_unit_test(names_the_consumer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
