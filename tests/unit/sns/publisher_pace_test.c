// SPDX-License-Identifier: Apache-2.0
// A topic of the SNS sink that is throttled: what would have to wait for its pace does not keep its claim,
// so that other topics are not kept out, unless there is no other.
#include "base/clock.h"
#include "support/loop.h"
#include "support/publisher_harness.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { ASKED_US = 900000 };

// One request is throttled, and none to be sent for almost a second; what comes then is accepted.
static struct harness *start_throttled(void) {
    static harness_answer *const script[] = {harness_answer_with, NULL};
    struct harness *harness = harness_new();

    harness->script = script;
    harness->answer = harness_accept;
    harness->status = "400 Bad Request\r\nx-amz-retry-after: 900";
    harness->text = HARNESS_ERROR("Sender", "Throttling");
    harness_start(harness);
    return harness;
}

static void gives_back_what_would_wait_for_long(void **state) {
    struct harness *harness = start_throttled();

    (void)state;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, "SNS throttles this topic");
    assert_in_range(harness->rows[0].retry_after_us, ASKED_US / 3, ASKED_US + 100000);
    for (int row = 1; row < 10; row++) { // one after the other
        assert_true(harness->rows[row].retry_after_us > harness->rows[row - 1].retry_after_us);
    }
    assert_int_equal(http_server_counts(harness->server)->requests, 1);
    harness_free(harness);
}

// Where SNS does not say how long to wait, the pace it seems to take leads to a few attempts, and no more.
static void gives_back_what_is_throttled_again_and_again(void **state) {
    enum { ATTEMPTS_MAX = 7 };
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = harness_answer_with;
    harness->status = "400 Bad Request";
    harness->text = HARNESS_ERROR("Sender", "Throttling");
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, "SNS throttles this topic");
    assert_in_range(http_server_counts(harness->server)->requests, 1, ATTEMPTS_MAX);
    harness_free(harness);
}

static void takes_nothing_that_would_wait_for_long(void **state) {
    struct harness *harness = start_throttled();

    (void)state;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_offer_many(harness, &harness->standard, 1);
    assert_int_equal(harness->settled, 11);
    harness_assert_settled(harness, 10, 11, OUTCOME_RETRY, "SNS throttles this topic");
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 21);
    harness_assert_settled(harness, 11, 21, OUTCOME_SENT, NULL);
    harness_free(harness);
}

// Events that are put off are written to the database each time; where nobody else is kept out, that is
// spared.
static void keeps_what_waits_where_there_is_no_other_topic(void **state) {
    struct harness *harness = start_throttled();

    (void)state;
    harness->sink.room(harness->sink.self, true);
    int64_t start_us = clock_monotonic_us();
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_assert_settled(harness, 0, 10, OUTCOME_SENT, NULL);
    assert_true(clock_monotonic_us() - start_us >= ASKED_US);
    harness_free(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_would_wait_for_long),
        cmocka_unit_test(gives_back_what_is_throttled_again_and_again),
        cmocka_unit_test(takes_nothing_that_would_wait_for_long),
        cmocka_unit_test(keeps_what_waits_where_there_is_no_other_topic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
