// SPDX-License-Identifier: Apache-2.0
// A batch that SNS refuses for what is in it: halves are tried until the culprits are alone, and everything
// else is sent.
#include "sns/publisher.h"
#include "support/loop.h"
#include "support/publisher_harness.h"

#include <limits.h>
#include <stdlib.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define INVALID HARNESS_ERROR("Sender", "InvalidParameter")

// Ten events, of which the bits of `culprits` are refused, with one request under way at a time.
static struct harness *publish_ten(unsigned culprits, const char *text, bool is_fifo) {
    struct harness *harness = harness_new();

    harness->answer = harness_refuse_culprits;
    harness->status = "400 Bad Request";
    harness->text = text;
    harness->settings.max_in_flight = 1;
    for (int row = 0; row < 10; row++) {
        harness->rows[row].is_culprit = (culprits >> row & 1) != 0;
    }
    harness_start(harness);
    harness_offer_many(harness, is_fifo ? &harness->fifo : &harness->standard, 10);
    harness_flush(harness);
    harness_await_settled(harness, 10);
    return harness;
}

static void assert_culprits(const struct harness *harness, unsigned culprits, enum outcome_kind kind,
                            const char *reason) {
    for (int row = 0; row < 10; row++) {
        bool is_culprit = (culprits >> row & 1) != 0;
        harness_assert_settled(harness, row, row + 1, is_culprit ? kind : OUTCOME_SENT, reason);
    }
    assert_int_equal(harness->sink.resting_us(harness->sink.self), 0); // no topic's fault
    assert_int_equal(harness->recovered, 0);
}

// How many requests it takes: one, and where there is a culprit among several events, those of the halves.
static int requests_for(unsigned culprits, int first, int count) {
    bool has_culprit = (culprits >> first & ((1U << count) - 1)) != 0;
    int half = count / 2;

    return has_culprit && count > 1
               ? 1 + requests_for(culprits, first, half) + requests_for(culprits, first + half, count - half)
               : 1;
}

static void finds_one_culprit_among_ten(void **state) {
    (void)state;
    for (int row = 0; row < 10; row++) {
        struct harness *harness = publish_ten(1U << row, INVALID, false);
        assert_culprits(harness, 1U << row, OUTCOME_PARK, "SNS: InvalidParameter: because");
        assert_int_equal(http_server_counts(harness->server)->requests, requests_for(1U << row, 0, 10));
        harness_free(harness);
    }
}

static void halves_go_in_order(void **state) {
    struct harness *harness = publish_ten(1U << 3, INVALID, false);

    (void)state;
    harness_assert_request(harness, 0, ROWS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    harness_assert_request(harness, 1, ROWS(0, 1, 2, 3, 4));
    harness_assert_request(harness, 2, ROWS(0, 1));
    harness_assert_request(harness, 3, ROWS(2, 3, 4));
    harness_assert_request(harness, 4, ROWS(2));
    harness_assert_request(harness, 5, ROWS(3, 4));
    harness_assert_request(harness, 6, ROWS(3));
    harness_assert_request(harness, 7, ROWS(4));
    harness_assert_request(harness, 8, ROWS(5, 6, 7, 8, 9));
    assert_int_equal(http_server_counts(harness->server)->requests, 9);
    harness_free(harness);
}

static void finds_any_two_culprits(void **state) {
    (void)state;
    for (int one = 0; one < 10; one++) {
        for (int other = one + 1; other < 10; other++) {
            unsigned culprits = 1U << one | 1U << other;
            struct harness *harness = publish_ten(culprits, INVALID, false);
            assert_culprits(harness, culprits, OUTCOME_PARK, "SNS: InvalidParameter: because");
            assert_int_equal(http_server_counts(harness->server)->requests, requests_for(culprits, 0, 10));
            harness_free(harness);
        }
    }
}

static void parks_all_when_all_are_culprits(void **state) {
    struct harness *harness = publish_ten(0x3FF, INVALID, false);

    (void)state;
    assert_culprits(harness, 0x3FF, OUTCOME_PARK, "SNS: InvalidParameter: because");
    assert_int_equal(http_server_counts(harness->server)->requests, 19);
    harness_free(harness);
}

static void finds_culprits_among_ordered_events(void **state) {
    (void)state;
    static const unsigned choices[] = {1U << 0, 1U << 9, 1U << 2 | 1U << 7, 0x3FF};
    for (size_t index = 0; index < sizeof choices / sizeof choices[0]; index++) {
        struct harness *harness = publish_ten(choices[index], INVALID, true);
        assert_culprits(harness, choices[index], OUTCOME_PARK, "SNS: InvalidParameter: because");
        harness_free(harness);
    }
}

// A request that is too large gets smaller by halving; an unknown refusal is an attempt, not the end.
static void settles_the_culprit_by_its_class(void **state) {
    (void)state;
    struct harness *harness = publish_ten(1U << 4, HARNESS_ERROR("Sender", "BatchRequestTooLong"), false);
    assert_culprits(harness, 1U << 4, OUTCOME_PARK, "SNS: BatchRequestTooLong: because");
    harness_free(harness);
    harness = publish_ten(1U << 4, HARNESS_ERROR("Sender", "NewCode"), false);
    assert_culprits(harness, 1U << 4, OUTCOME_REFUSED, "SNS: NewCode: because");
    harness_free(harness);
}

// SNS names the culprits itself: nothing is bisected, nothing is sent twice.
static void believes_sns_that_names_the_culprits(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = harness_fail_culprits;
    harness->failed = HARNESS_FAILED("InvalidParameter", "true");
    harness->rows[2].is_culprit = harness->rows[9].is_culprit = true;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    assert_culprits(harness, 1U << 2 | 1U << 9, OUTCOME_PARK, "SNS: InvalidParameter: because");
    assert_int_equal(http_server_counts(harness->server)->requests, 1);
    harness_free(harness);
}

// A culprit in one batch does not hold up the others.
static void lets_other_batches_pass(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = harness_refuse_culprits;
    harness->status = "400 Bad Request";
    harness->text = INVALID;
    harness->rows[15].is_culprit = harness->rows[77].is_culprit = true;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 100);
    harness_await_settled(harness, 100);
    assert_int_equal(harness->sent, 98);
    harness_assert_settled(harness, 15, 16, OUTCOME_PARK, "InvalidParameter");
    harness_assert_settled(harness, 77, 78, OUTCOME_PARK, "InvalidParameter");
    assert_int_equal(harness->sink.room(harness->sink.self, true), INT_MAX);
    harness_free(harness);
}

// The TopicArn is in every request: the fault is the topic's, whatever the code.
static void does_not_bisect_for_the_topic(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = harness_answer_with;
    harness->status = "400 Bad Request";
    harness->text = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>Invalid "
                    "parameter: TopicArn</Message></Error></ErrorResponse>";
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, "TopicArn");
    assert_int_equal(http_server_counts(harness->server)->requests, 1);
    harness_free(harness);
}

// A failure in the middle of the search: what is not settled waits or is tried again, nothing gets lost.
static void survives_a_failure_while_it_searches(void **state) {
    static harness_answer *const script[] = {harness_refuse_culprits, harness_refuse_culprits,
                                             harness_hang_up, NULL};
    struct harness *harness = harness_new();

    (void)state;
    harness->script = script;
    harness->answer = harness_refuse_culprits;
    harness->status = "400 Bad Request";
    harness->text = INVALID;
    harness->settings.max_in_flight = 1;
    harness->rows[3].is_culprit = true;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    assert_culprits(harness, 1U << 3, OUTCOME_PARK, "InvalidParameter");
    harness_free(harness);
}

static void gives_up_halves_that_wait_when_dropped(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = NULL;
    harness->status = "400 Bad Request";
    harness->text = INVALID;
    harness->settings.max_in_flight = 1;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_requests(harness, 1);
    harness_answer_with(harness, harness_request(harness, 0));
    harness_await_requests(harness, 2);
    harness->sink.drop(harness->sink.self, harness->claim);
    assert_int_equal(harness->settled, 5);
    harness_assert_settled(harness, 5, 10, OUTCOME_LET_GO, NULL);
    harness_accept(harness, harness_request(harness, 1));
    harness_await_settled(harness, 10);
    harness_assert_settled(harness, 0, 5, OUTCOME_SENT, NULL);
    harness_free(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_one_culprit_among_ten),
        cmocka_unit_test(halves_go_in_order),
        cmocka_unit_test(finds_any_two_culprits),
        cmocka_unit_test(parks_all_when_all_are_culprits),
        cmocka_unit_test(finds_culprits_among_ordered_events),
        cmocka_unit_test(settles_the_culprit_by_its_class),
        cmocka_unit_test(believes_sns_that_names_the_culprits),
        cmocka_unit_test(lets_other_batches_pass),
        cmocka_unit_test(does_not_bisect_for_the_topic),
        cmocka_unit_test(survives_a_failure_while_it_searches),
        cmocka_unit_test(gives_up_halves_that_wait_when_dropped),
    };
    setenv("no_proxy", "*", 1);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
