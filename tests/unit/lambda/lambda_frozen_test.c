// SPDX-License-Identifier: Apache-2.0
// The runtime of AWS Lambda in long times that pass at once: the process is frozen between invocations, and
// handlers may not be ready for long.
#include "lambda/lambda_harness.h"
#include "support/loop.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { LONG_MS = 60000, SHORT_MS = 200, HOUR_S = 3600, PATIENCE_S = 5 };

#define NONE "{\"batchItemFailures\":[]}"
#define FAILED(id) "{\"itemIdentifier\":\"" id "\"}"

// Defined here it takes the place of the C library's, for the libraries as well.
static time_t ahead_s;

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc has reserved ones
int clock_gettime(clockid_t id, struct timespec *ret) {
    int result = (int)syscall(SYS_clock_gettime, id, ret);
    ret->tv_sec += ahead_s;
    return result;
}

static struct lambda_harness *started(void) {
    struct lambda_harness *harness = lambda_open();
    assert_true(lambda_start(harness, NULL));
    loop_settle(harness->base);
    return harness;
}

static void does_not_mind_being_frozen(void **state) {
    struct lambda_harness *harness = started();

    (void)state;
    harness->settles_at_once = true;
    lambda_ready(harness);
    for (int count = 1; count <= 3; count++) {
        ahead_s += HOUR_S;
        loop_settle(harness->base);
        assert_int_equal(harness->nexts, count);
        lambda_invoke(harness, lambda_event("ab", false), LONG_MS);
        lambda_await_nexts(harness, count + 1);
        assert_string_equal(harness->posts[count - 1]->body, NONE);
    }
    assert_false(harness->over);
    assert_int_equal(harness->drops, 0);
    lambda_close(harness);
}

// The database is away at the start.
static void takes_invocations_though_handlers_are_not_ready(void **state) {
    struct lambda_harness *harness = started();

    (void)state;
    ahead_s += PATIENCE_S - 1;
    loop_settle(harness->base);
    assert_int_equal(harness->nexts, 0);
    ahead_s += 2;
    lambda_await_nexts(harness, 1);
    lambda_invoke(harness, lambda_event("ab", false), SHORT_MS);
    lambda_await_nexts(harness, 2); // the deadline has come before the database
    assert_int_equal(harness->offered_count, 0);
    lambda_posted(harness, 0, "invocation/request-1/response",
                  "{\"batchItemFailures\":[" FAILED("a") "," FAILED("b") "]}");
    lambda_invoke(harness, lambda_event("a", false), LONG_MS);
    loop_settle(harness->base);
    assert_int_equal(harness->offered_count, 0);
    harness->settles_at_once = true;
    harness->listener.ready(harness->listener.context);
    lambda_await_nexts(harness, 3);
    lambda_posted(harness, 1, "invocation/request-2/response", NONE);
    lambda_close(harness);
}

static void break_intake(const struct lambda_harness *harness) {
    struct error error;
    error_set(&error, ERROR_SCHEMA, "there is no function shop.reserve");
    harness->listener.broken(harness->listener.context, &error);
}

// What is missing shows when invocations are taken already.
static void tells_late_what_is_missing(void **state) {
    struct lambda_harness *harness = started();
    struct error error;

    (void)state;
    ahead_s += PATIENCE_S + 1;
    lambda_await_nexts(harness, 1);
    lambda_invoke(harness, lambda_event("a", false), LONG_MS);
    loop_settle(harness->base);
    break_intake(harness);
    lambda_await_over(harness);
    lambda_posted(harness, 0, "invocation/request-1/error",
                  "{\"errorMessage\":\"there is no function shop.reserve\",\"errorType\":"
                  "\"Runtime.BadConfiguration\",\"stackTrace\":[]}");
    assert_false(lambda_result(harness->lambda, &error));
    assert_int_equal(error.code, ERROR_SCHEMA);
    lambda_close(harness);

    harness = started(); // and none is at hand
    ahead_s += PATIENCE_S + 1;
    lambda_await_nexts(harness, 1);
    break_intake(harness);
    assert_false(lambda_result(harness->lambda, &error));
    assert_int_equal(error.code, ERROR_SCHEMA);
    lambda_close(harness);
}

// Two seconds are enough for new connections, and no reason to pay for more.
static void gives_an_outage_up_that_goes_on(void **state) {
    enum { PATIENCE_WITH_OUTAGE = 20 };
    struct lambda_harness *harness = started();

    (void)state;
    lambda_ready(harness);
    lambda_invoke(harness, lambda_event("ab", false), INT32_MAX);
    lambda_await_offered(harness, 2);
    lambda_outage(harness, 0);
    lambda_settle(harness, 1, INTAKE_DONE);
    for (int looks = 1; looks < PATIENCE_WITH_OUTAGE; looks++) {
        ahead_s++;
        loop_settle(harness->base);
        assert_int_equal(harness->post_count, 0);
    }
    ahead_s++;
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response", "{\"batchItemFailures\":[" FAILED("a") "]}");
    lambda_recover(harness); // too late for this one
    loop_settle(harness->base);
    assert_int_equal(harness->offered_count, 2);
    lambda_close(harness);
}

// Nothing is left of the outage of an earlier invocation.
static void does_not_mind_being_frozen_after_an_outage(void **state) {
    struct lambda_harness *harness = started();

    (void)state;
    lambda_ready(harness);
    lambda_invoke(harness, lambda_event("a", false), SHORT_MS / 4);
    lambda_await_offered(harness, 1);
    lambda_outage(harness, 0);
    lambda_await_nexts(harness, 2);
    harness->resting = false;
    ahead_s += HOUR_S;
    loop_settle(harness->base);
    lambda_invoke(harness, lambda_event("a", false), LONG_MS);
    lambda_await_offered(harness, 2);
    lambda_outage(harness, 1);
    lambda_recover(harness);
    ahead_s++; // it takes its time now, and is not given up for the outage that is over
    loop_settle(harness->base);
    lambda_outage(harness, 2);
    lambda_recover(harness);
    assert_int_equal(harness->offered_count, 4);
    lambda_settle(harness, 3, INTAKE_DONE);
    lambda_await_nexts(harness, 3);
    lambda_posted(harness, 1, "invocation/request-2/response", NONE);
    lambda_close(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_not_mind_being_frozen),
        cmocka_unit_test(takes_invocations_though_handlers_are_not_ready),
        cmocka_unit_test(tells_late_what_is_missing),
        cmocka_unit_test(gives_an_outage_up_that_goes_on),
        cmocka_unit_test(does_not_mind_being_frozen_after_an_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
