// SPDX-License-Identifier: Apache-2.0
// The runtime of AWS Lambda when it cannot start, when the runtime API fails, and when it is told to stop.
#include "lambda/lambda_harness.h"
#include "support/loop.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { LONG_MS = 60000 };

#define FAILED(id) "{\"itemIdentifier\":\"" id "\"}"

static struct lambda_harness *ready(void) {
    struct lambda_harness *harness = lambda_open();
    assert_true(lambda_start(harness, NULL));
    lambda_ready(harness);
    return harness;
}

// Handling one message.
static struct lambda_harness *handling(void) {
    struct lambda_harness *harness = ready();
    lambda_invoke(harness, lambda_event("a", false), LONG_MS);
    lambda_await_offered(harness, 1);
    harness->offered[0].begun = true;
    return harness;
}

static void assert_ends_with(struct lambda_harness *harness, enum error_code code, const char *text) {
    struct error error;
    lambda_await_over(harness);
    assert_int_equal(lambda_result(harness->lambda, &error), code == ERROR_NONE);
    assert_int_equal(error.code, code);
    if (strstr(error.text, text) == NULL) {
        fail_msg("%s", error.text);
    }
}

static void needs_the_runtime_api(void **state) {
    static char none[] = "", word[] = "localhost", port[] = "localhost:0", path[] = "127.0.0.1:9001/x",
                user[] = "u@h:1", far[] = "h:65536", large[] = ":1", bracket[] = "[::1]:9001";
    static const struct {
        char *address;
        const char *reason; // NULL: it is one
    } cases[] = {
        {none, "AWS_LAMBDA_RUNTIME_API is not set: lambda runs inside AWS Lambda, which sets it; elsewhere "
               "try outbox-relay consume"},
        {word, "AWS_LAMBDA_RUNTIME_API is \"localhost\"; it must be a host and a port"},
        {port, "is \"localhost:0\""},
        {path, "is \"127.0.0.1:9001/x\""},
        {user, "is \"u@h:1\""},
        {far, "is \"h:65536\""},
        {large, "is \":1\""},
        {bracket, NULL}};

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct lambda_harness *harness = lambda_open();
        struct error error = {.code = ERROR_NONE, .text = ""};
        harness->settings.aws_lambda_runtime_api = cases[index].address;
        assert_int_equal(lambda_start(harness, &error), cases[index].reason == NULL);
        assert_int_equal(error.code, cases[index].reason == NULL ? ERROR_NONE : ERROR_USAGE);
        assert_non_null(strstr(error.text, cases[index].reason == NULL ? "" : cases[index].reason));
        lambda_close(harness);
    }
}

static void tells_what_is_configured_wrongly(void **state) {
    struct lambda_harness *harness = lambda_open();
    char value[64];

    (void)state;
    harness->intake_fails = "--on is \"x\"";
    assert_true(lambda_start(harness, NULL));
    assert_ends_with(harness, ERROR_USAGE, "--on is \"x\"");
    assert_int_equal(harness->nexts, 0);
    lambda_posted(harness, 0, "init/error",
                  "{\"errorMessage\":\"--on is "
                  "\\\"x\\\"\",\"errorType\":\"Runtime.BadConfiguration\",\"stackTrace\":[]}");
    http_server_header(harness->posts[0], "Lambda-Runtime-Function-Error-Type", value, sizeof value);
    assert_string_equal(value, "Runtime.BadConfiguration");
    lambda_close(harness);
}

static void wants_a_handler(void **state) {
    static char none[] = "";
    struct lambda_harness *harness = lambda_open();

    (void)state;
    harness->settings.on = none;
    assert_true(lambda_start(harness, NULL));
    assert_ends_with(harness, ERROR_USAGE, "OUTBOX_ON is not set");
    assert_int_equal(harness->post_count, 1);
    lambda_close(harness);
}

static void break_intake(const struct lambda_harness *harness) {
    struct error error;
    error_set(&error, ERROR_SCHEMA, "there is no function shop.reserve");
    harness->listener.broken(harness->listener.context, &error);
}

static void tells_what_is_missing(void **state) {
    struct lambda_harness *harness = lambda_open();

    (void)state;
    assert_true(lambda_start(harness, NULL));
    loop_settle(harness->base);
    break_intake(harness);
    assert_ends_with(harness, ERROR_SCHEMA, "there is no function shop.reserve");
    lambda_posted(
        harness, 0, "init/error",
        "{\"errorMessage\":\"there is no function shop.reserve\",\"errorType\":\"Runtime.BadConfiguration\","
        "\"stackTrace\":[]}");
    lambda_close(harness);
}

// The cause goes before what the runtime API says to it.
static void ends_with_the_cause_when_nobody_can_be_told(void **state) {
    static const char *const statuses[] = {"500 Oops", "403 Forbidden", ""};

    (void)state;
    for (size_t index = 0; index < sizeof statuses / sizeof statuses[0]; index++) {
        struct lambda_harness *harness = lambda_open();
        harness->post_status = statuses[index];
        harness->intake_fails = "--on is malformed";
        assert_true(lambda_start(harness, NULL));
        assert_ends_with(harness, ERROR_USAGE, "--on is malformed");
        lambda_close(harness);
    }
}

static void ends_when_no_invocation_can_be_had(void **state) {
    static const struct {
        const char *answer;
        const char *reason;
    } cases[] = {
        {"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\ndown", "no invocation came: HTTP 500 down"},
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "no invocation came: HTTP 403"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret",
         "without the header Lambda-Runtime-Aws-Request-Id"},
        {"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a/../b\r\nContent-Length: 2\r\n\r\n{}",
         "without the header Lambda-Runtime-Aws-Request-Id"},
        {"nonsense\r\n\r\n", "no invocation came"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct lambda_harness *harness = ready();
        struct error error;
        lambda_invoke_raw(harness, cases[index].answer);
        assert_ends_with(harness, ERROR_INTERNAL, cases[index].reason);
        lambda_result(harness->lambda, &error);
        assert_null(strstr(error.text, "secret"));
        assert_int_equal(harness->post_count, 0);
        lambda_close(harness);
    }
}

static void ends_when_an_answer_cannot_be_given(void **state) {
    static const char *const statuses[] = {"500 Internal Server Error", "503 Unavailable", "302 Found", ""};

    (void)state;
    for (size_t index = 0; index < sizeof statuses / sizeof statuses[0]; index++) {
        struct lambda_harness *harness = handling();
        harness->post_status = statuses[index];
        lambda_settle(harness, 0, INTAKE_DONE);
        assert_ends_with(harness, ERROR_INTERNAL, "an answer could not be given");
        assert_int_equal(harness->nexts, 1);
        lambda_close(harness);
    }
}

static void goes_on_when_an_answer_is_refused(void **state) {
    static const char *const statuses[] = {"400 Bad Request", "403 Forbidden", "413 Payload Too Large"};

    (void)state;
    for (size_t index = 0; index < sizeof statuses / sizeof statuses[0]; index++) {
        struct lambda_harness *harness = handling();
        harness->post_status = statuses[index];
        lambda_settle(harness, 0, INTAKE_DONE);
        lambda_await_nexts(harness, 2);
        assert_false(harness->over);
        lambda_close(harness);
    }
}

static void stops_while_it_waits(void **state) {
    struct lambda_harness *harness = lambda_open();

    (void)state;
    assert_true(lambda_start(harness, NULL));
    loop_settle(harness->base);
    lambda_stop(harness->lambda); // before the handlers are ready
    lambda_close(harness);

    harness = ready();
    lambda_stop(harness->lambda);
    struct error error;
    assert_true(lambda_result(harness->lambda, &error));
    lambda_close(harness);
}

static void stops_when_the_invocation_is_answered(void **state) {
    struct lambda_harness *harness = ready();

    (void)state;
    lambda_invoke(harness, lambda_event("abc", false), LONG_MS);
    lambda_await_offered(harness, 3);
    harness->offered[0].begun = harness->offered[1].begun = true;
    lambda_stop(harness->lambda);
    assert_int_equal(harness->drops, 1);
    lambda_settle(harness, 0, INTAKE_DONE); // b takes too long
    assert_ends_with(harness, ERROR_NONE, "");
    lambda_posted(harness, 0, "invocation/request-1/response",
                  "{\"batchItemFailures\":[" FAILED("b") "," FAILED("c") "]}");
    assert_int_equal(harness->nexts, 1);
    lambda_close(harness);
}

static void stops_after_the_answer_that_is_under_way(void **state) {
    struct lambda_harness *harness = handling();

    (void)state;
    harness->post_status = NULL;
    lambda_settle(harness, 0, INTAKE_DONE);
    lambda_await_posts(harness, 1);
    lambda_stop(harness->lambda);
    loop_settle(harness->base);
    assert_false(harness->over);
    http_server_reply(harness->posts[0], "202 Accepted", "");
    assert_ends_with(harness, ERROR_NONE, "");
    assert_int_equal(harness->nexts, 1);
    lambda_close(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_the_runtime_api),
        cmocka_unit_test(tells_what_is_configured_wrongly),
        cmocka_unit_test(wants_a_handler),
        cmocka_unit_test(tells_what_is_missing),
        cmocka_unit_test(ends_with_the_cause_when_nobody_can_be_told),
        cmocka_unit_test(ends_when_no_invocation_can_be_had),
        cmocka_unit_test(ends_when_an_answer_cannot_be_given),
        cmocka_unit_test(goes_on_when_an_answer_is_refused),
        cmocka_unit_test(stops_while_it_waits),
        cmocka_unit_test(stops_when_the_invocation_is_answered),
        cmocka_unit_test(stops_after_the_answer_that_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
