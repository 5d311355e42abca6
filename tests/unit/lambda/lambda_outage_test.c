// SPDX-License-Identifier: Apache-2.0
// The runtime of AWS Lambda in an outage, as when connections have died while the process was frozen: what
// fails by it is tried again within the invocation, in order.
#include "lambda/lambda_harness.h"
#include "support/loop.h"

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

// With all messages of an invocation offered.
static struct lambda_harness *offered(const char *letters, bool fifo, int64_t left_ms) {
    struct lambda_harness *harness = lambda_open();
    assert_true(lambda_start(harness, NULL));
    lambda_ready(harness);
    lambda_invoke(harness, lambda_event(letters, fifo), left_ms);
    lambda_await_offered(harness, (int)strlen(letters));
    return harness;
}

static void tries_again_what_failed_by_an_outage(void **state) {
    struct lambda_harness *harness = offered("abcd", false, LONG_MS);

    (void)state;
    lambda_outage(harness, 2);
    lambda_outage(harness, 0);
    lambda_settle(harness, 3, INTAKE_FAILED); // for a reason of its own
    loop_settle(harness->base);
    assert_int_equal(harness->post_count, 0);
    lambda_recover(harness);
    assert_int_equal(harness->offered_count, 6);
    assert_string_equal(harness->offered[4].id, "a");
    assert_string_equal(harness->offered[5].id, "c");
    lambda_settle(harness, 4, INTAKE_DONE);
    lambda_settle(harness, 5, INTAKE_DONE);
    loop_settle(harness->base);
    assert_int_equal(harness->post_count, 0); // b is still under way
    lambda_settle(harness, 1, INTAKE_DONE);
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response", "{\"batchItemFailures\":[" FAILED("d") "]}");
    lambda_close(harness);
}

// Those that were let go behind it are tried again behind it, and so are others, for whatever that was; those
// behind one that failed by itself are not.
static void keeps_the_order_of_a_group(void **state) {
    struct lambda_harness *harness = offered("1a2b3", true, LONG_MS);

    (void)state;
    lambda_settle(harness, 1, INTAKE_DONE);
    lambda_outage(harness, 0);
    lambda_settle(harness, 2, INTAKE_LET_GO);
    lambda_settle(harness, 4, INTAKE_LET_GO);
    lambda_settle(harness, 3, INTAKE_LET_GO); // not because of 1
    lambda_recover(harness);
    assert_int_equal(harness->offered_count, 9);
    assert_string_equal(harness->offered[5].id, "1");
    assert_string_equal(harness->offered[6].id, "2");
    assert_string_equal(harness->offered[7].id, "b");
    assert_string_equal(harness->offered[8].id, "3");
    lambda_settle(harness, 5, INTAKE_DONE);
    lambda_settle(harness, 6, INTAKE_FAILED);
    lambda_settle(harness, 7, INTAKE_FAILED);
    lambda_settle(harness, 8, INTAKE_LET_GO); // behind one that failed by itself
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response",
                  "{\"batchItemFailures\":[" FAILED("2") "," FAILED("b") "," FAILED("3") "]}");
    lambda_close(harness);
}

// The handler of an earlier invocation goes on after the deadline, and fails when those of the next stand
// behind it.
static void tries_again_what_a_late_failure_lets_go(void **state) {
    struct lambda_harness *harness = offered("1", true, SHORT_MS / 4);

    (void)state;
    harness->offered[0].begun = true;
    lambda_await_nexts(harness, 2);
    lambda_invoke(harness, lambda_event("23", true), LONG_MS);
    lambda_await_offered(harness, 3);
    lambda_settle(harness, 0, INTAKE_FAILED);
    lambda_settle(harness, 1, INTAKE_LET_GO);
    lambda_settle(harness, 2, INTAKE_LET_GO);
    lambda_await_offered(harness, 5);
    assert_string_equal(harness->offered[3].id, "2");
    assert_string_equal(harness->offered[4].id, "3");
    lambda_settle(harness, 3, INTAKE_FAILED);
    lambda_settle(harness, 4, INTAKE_LET_GO); // explained by 2
    lambda_await_nexts(harness, 3);
    lambda_posted(harness, 1, "invocation/request-2/response",
                  "{\"batchItemFailures\":[" FAILED("2") "," FAILED("3") "]}");
    lambda_close(harness);
}

static void settles_at_once_when_tried_again(void **state) {
    struct lambda_harness *harness = offered("ab", false, LONG_MS);

    (void)state;
    lambda_outage(harness, 0);
    lambda_outage(harness, 1);
    harness->settles_at_once = true;
    lambda_recover(harness);
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response", NONE);
    lambda_close(harness);
}

// One of the connections was dead while another looked well, so nobody will say that the outage is over.
static void tries_again_where_nobody_says_that_it_is_over(void **state) {
    struct lambda_harness *harness = offered("a", false, LONG_MS);

    (void)state;
    lambda_outage(harness, 0);
    harness->resting = false;
    lambda_await_offered(harness, 2);
    lambda_settle(harness, 1, INTAKE_DONE);
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response", NONE);
    lambda_close(harness);
}

// The handler cannot be reached, but not because of the database.
static void gives_up_where_nothing_rests(void **state) {
    enum { TRIES = 3 };
    struct lambda_harness *harness = offered("a", false, LONG_MS);

    (void)state;
    for (int tries = 1; tries <= TRIES; tries++) {
        lambda_await_offered(harness, tries);
        lambda_outage(harness, tries - 1);
        harness->resting = false;
    }
    lambda_await_nexts(harness, 2);
    assert_int_equal(harness->offered_count, TRIES);
    lambda_posted(harness, 0, "invocation/request-1/response", "{\"batchItemFailures\":[" FAILED("a") "]}");
    lambda_close(harness);
}

static void does_not_come_before_it_is_asked_to(void **state) {
    const struct intake_result result = {
        .kind = INTAKE_FAILED, .outage = true, .retry_after_us = 60000000, .reason = "429"};
    struct lambda_harness *harness = offered("a", false, LONG_MS);

    (void)state;
    harness->listener.settled(harness->listener.context, harness->offered[0].message, &result);
    harness->offered[0].settled = true;
    lambda_await_nexts(harness, 2);
    assert_int_equal(harness->offered_count, 1);
    lambda_posted(harness, 0, "invocation/request-1/response", "{\"batchItemFailures\":[" FAILED("a") "]}");
    lambda_close(harness);
}

static void tries_three_times(void **state) {
    enum { TRIES = 3 };
    struct lambda_harness *harness = offered("a", false, LONG_MS);

    (void)state;
    for (int tries = 1; tries < TRIES; tries++) {
        lambda_outage(harness, tries - 1);
        lambda_recover(harness);
        assert_int_equal(harness->offered_count, tries + 1);
    }
    lambda_outage(harness, TRIES - 1);
    lambda_recover(harness);
    assert_int_equal(harness->offered_count, TRIES);
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response", "{\"batchItemFailures\":[" FAILED("a") "]}");
    lambda_close(harness);
}

static void keeps_the_deadline_in_an_outage(void **state) {
    struct lambda_harness *harness = offered("abc", false, SHORT_MS);

    (void)state;
    lambda_outage(harness, 0);
    harness->offered[1].begun = true; // and b never ends, c is let go
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response",
                  "{\"batchItemFailures\":[" FAILED("a") "," FAILED("b") "," FAILED("c") "]}");
    lambda_recover(harness);
    assert_int_equal(harness->offered_count, 3);
    lambda_settle(harness, 1, INTAKE_DONE);
    lambda_close(harness);

    harness = offered("a", false, SHORT_MS); // nothing is left to wait for
    lambda_outage(harness, 0);
    lambda_await_nexts(harness, 2);
    lambda_posted(harness, 0, "invocation/request-1/response", "{\"batchItemFailures\":[" FAILED("a") "]}");
    lambda_close(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tries_again_what_failed_by_an_outage),
        cmocka_unit_test(keeps_the_order_of_a_group),
        cmocka_unit_test(tries_again_what_a_late_failure_lets_go),
        cmocka_unit_test(settles_at_once_when_tried_again),
        cmocka_unit_test(tries_again_where_nobody_says_that_it_is_over),
        cmocka_unit_test(gives_up_where_nothing_rests),
        cmocka_unit_test(does_not_come_before_it_is_asked_to),
        cmocka_unit_test(tries_three_times),
        cmocka_unit_test(keeps_the_deadline_in_an_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
