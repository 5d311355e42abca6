// SPDX-License-Identifier: Apache-2.0
// A topic of the SNS sink that fails: it rests, what waits for it is given back, other topics go on, and one
// probe shows that it works again.
#include "aws/retry.h"
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

static struct harness *start_with(const char *status, const char *text) {
    struct harness *harness = harness_new();

    harness->answer = harness_answer_with;
    harness->status = status;
    harness->text = text;
    harness_start(harness);
    return harness;
}

#define NOT_FOUND HARNESS_ERROR("Sender", "NotFound")
#define EXPIRED HARNESS_ERROR("Sender", "ExpiredToken")

// A topic has failed so, with ten events, and its rest is over.
static struct harness *start_rested(const char *status, const char *text) {
    struct harness *harness = harness_new();

    harness->settings.retry_base = 1000;
    harness->answer = harness_answer_with;
    harness->status = status;
    harness->text = text;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_await_rest(harness);
    return harness;
}

static int requests(const struct harness *harness) {
    return http_server_counts(harness->server)->requests;
}

// One request is under way, four batches wait and one is being filled: none of them is sent. Events that are
// held in order are let go, to be read in order again.
static void sends_nothing_more_into_a_failure(void **state) {
    (void)state;
    for (int is_fifo = 0; is_fifo < 2; is_fifo++) {
        struct harness *harness = harness_new();
        struct topic *topic = is_fifo ? &harness->fifo : &harness->standard;
        harness->answer = NULL;
        harness->settings.max_in_flight = 1;
        harness->status = "404 Not Found";
        harness->text = NOT_FOUND;
        harness_start(harness);
        harness_offer_many(harness, topic, is_fifo ? 10 : 55);
        if (is_fifo) {
            harness_flush(harness);
            harness_offer_many(harness, topic, 45);
        }
        harness_await_requests(harness, 1);
        harness_answer_with(harness, harness_request(harness, 0));
        harness_await_settled(harness, 55);
        harness_flush(harness);
        loop_settle(harness->base);
        assert_int_equal(requests(harness), 1);
        harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, "NotFound");
        harness_assert_settled(harness, 10, 55, is_fifo ? OUTCOME_LET_GO : OUTCOME_WAIT, "NotFound");
        harness_free(harness);
    }
}

static void settles_at_once_while_the_topic_rests(void **state) {
    struct harness *harness = start_with("503 Busy", "busy");

    (void)state;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    int64_t rest = harness->sink.resting_us(harness->sink.self);
    assert_in_range(rest, HARNESS_LONG_US / 3, HARNESS_LONG_US);
    assert_in_range(harness->rows[0].retry_after_us, rest, HARNESS_LONG_US);
    assert_false(harness->sink.admits(harness->sink.self, &harness->standard));
    assert_int_equal(harness->sink.room(harness->sink.self, true), 0);
    harness_offer_many(harness, &harness->standard, 5);
    assert_int_equal(harness->settled, 15);
    harness_assert_settled(harness, 10, 15, OUTCOME_WAIT, "HTTP 503");
    harness_flush(harness);
    loop_settle(harness->base);
    assert_int_equal(requests(harness), 3);
    harness_free(harness);
}

// Requests that fail together are one failure: the rest is not lengthened by each of them.
static void rests_once_for_many_failures(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = harness_hang_up;
    harness->settings.retry_base = HARNESS_LONG_US / 6;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 40);
    harness_await_settled(harness, 40);
    assert_int_equal(harness_count(harness, 0, 40, OUTCOME_RETRY), 10);
    assert_int_equal(harness_count(harness, 0, 40, OUTCOME_WAIT), 30);
    for (int row = 0; row < 40; row++) {
        if (harness->rows[row].kind == OUTCOME_RETRY) {
            assert_in_range(harness->rows[row].retry_after_us, HARNESS_LONG_US / 12, HARNESS_LONG_US / 6);
        }
    }
    assert_in_range(harness->sink.resting_us(harness->sink.self), 1, HARNESS_LONG_US / 6);
    harness_free(harness);
}

static void lets_other_topics_go_on(void **state) {
    struct harness *harness = start_with("404 Not Found", NOT_FOUND);

    (void)state;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 20);
    harness_assert_settled(harness, 10, 20, OUTCOME_SENT, NULL);
    assert_int_equal(harness->recovered, 0);                           // it never failed
    assert_int_equal(harness->sink.resting_us(harness->sink.self), 0); // one topic is well
    assert_int_equal(harness->sink.room(harness->sink.self, true), INT_MAX);
    assert_false(harness->sink.admits(harness->sink.self, &harness->standard));
    assert_true(harness->sink.admits(harness->sink.self, &harness->other));
    harness_offer_many(harness, &harness->standard, 1);
    assert_int_equal(harness->settled, 21);
    harness_assert_settled(harness, 20, 21, OUTCOME_WAIT, "NotFound");
    harness_free(harness);
}

// What waits for another topic behind the same connections is not settled with the one that failed.
static void keeps_what_waits_for_other_topics(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = NULL;
    harness->settings.max_in_flight = 1;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 20);
    harness_offer_many(harness, &harness->other, 20);
    harness_offer_many(harness, &harness->fifo, 20);
    harness_flush(harness);
    harness_await_requests(harness, 1);
    harness->answer = harness_accept;
    harness->status = "404 Not Found";
    harness->text = NOT_FOUND;
    harness_answer_with(harness, harness_request(harness, 0));
    harness_await_settled(harness, 60);
    harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, "NotFound");
    harness_assert_settled(harness, 10, 20, OUTCOME_WAIT, "NotFound");
    harness_assert_settled(harness, 20, 60, OUTCOME_SENT, NULL);
    harness_free(harness);
}

// In a half-open topic a batch may be waiting, and no more: the rest would only wait behind the probe.
static void probes_with_one_request_and_closes(void **state) {
    struct harness *harness = start_rested("404 Not Found", NOT_FOUND);

    (void)state;
    assert_true(harness->sink.admits(harness->sink.self, &harness->standard));
    harness->answer = NULL;
    harness_offer_many(harness, &harness->standard, 25);
    harness_await_requests(harness, 2);
    harness_assert_request(harness, 1, ROWS(10, 11, 12, 13, 14, 15, 16, 17, 18, 19));
    harness_assert_settled(harness, 20, 35, OUTCOME_WAIT, "NotFound");
    assert_false(harness->sink.admits(harness->sink.self, &harness->standard)); // the probe is on its way
    assert_int_equal(harness->sink.room(harness->sink.self, true), INT_MAX);    // what is claimed of it waits
    assert_int_equal(harness->sink.resting_us(harness->sink.self), 0);
    assert_int_equal(harness->recovered, 0);
    harness_accept(harness, harness_request(harness, 1));
    harness_await_settled(harness, 35);
    harness_assert_settled(harness, 10, 20, OUTCOME_SENT, NULL);
    assert_int_equal(harness->recovered, 1);
    assert_true(harness->sink.admits(harness->sink.self, &harness->standard));
    assert_int_equal(harness->sink.room(harness->sink.self, true), INT_MAX);
    assert_int_equal(harness->sink.resting_us(harness->sink.self), 0);
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->standard, 30);
    harness_await_settled(harness, 65);
    harness_assert_settled(harness, 35, 65, OUTCOME_SENT, NULL);
    assert_int_equal(harness->recovered, 1); // told once
    harness_free(harness);
}

// A refusal of an event, or of the pace, shows as well that the topic works.
static void closes_when_the_probe_refuses_an_event(void **state) {
    struct harness *harness = start_rested("404 Not Found", NOT_FOUND);

    (void)state;
    harness->status = "400 Bad Request";
    harness->text = HARNESS_ERROR("Sender", "InvalidParameter");
    harness_offer(harness, &harness->standard, "{}");
    harness_flush(harness);
    harness_await_settled(harness, 11);
    harness_assert_settled(harness, 10, 11, OUTCOME_PARK, "InvalidParameter");
    assert_int_equal(harness->recovered, 1);
    assert_true(harness->sink.admits(harness->sink.self, &harness->standard));
    harness_free(harness);
}

static void works_again_after_a_rest(void **state) {
    enum { BASE_US = 1000, FAILURES = 4, TRIES = RETRY_ATTEMPTS + FAILURES - 1 };
    struct harness *harness = harness_new();

    (void)state;
    harness->settings.retry_base = BASE_US;
    harness->answer = harness_answer_with;
    harness->status = "503 Busy";
    harness->text = "busy";
    harness_start(harness);
    for (int failure = 1; failure <= FAILURES; failure++) {
        harness_offer_many(harness, &harness->standard, 10);
        harness_await_settled(harness, 10 * failure);
        harness_await_rest(harness);
    }
    harness_assert_settled(harness, 0, 10 * FAILURES, OUTCOME_RETRY, "HTTP 503");
    assert_int_equal(requests(harness), TRIES); // a probe is not tried again at once
    assert_in_range(harness->rows[10 * FAILURES - 1].retry_after_us, 4 * BASE_US - 500,
                    8 * BASE_US); // longer
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10 * FAILURES + 10);
    assert_int_equal(harness->sent, 10);
    harness->answer = harness_answer_with; // and the next failure is a first one again
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10 * FAILURES + 20);
    assert_int_equal(requests(harness), TRIES + 1 + RETRY_ATTEMPTS);
    assert_in_range(harness->rows[10 * FAILURES + 19].retry_after_us, 1, BASE_US);
    harness_free(harness);
}

// Whoever we are, we are it for all topics.
static void opens_everything_for_bad_credentials(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->settings.max_in_flight = 1;
    harness->answer = NULL;
    harness->status = "403 Forbidden";
    harness->text = EXPIRED;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 20);
    harness_offer_many(harness, &harness->other, 20);
    harness_offer_many(harness, &harness->fifo, 20);
    harness_await_requests(harness, 1);
    harness_answer_with(harness, harness_request(harness, 0));
    harness_await_settled(harness, 60);
    harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, "SNS: ExpiredToken: because");
    harness_assert_settled(harness, 10, 40, OUTCOME_WAIT, "SNS: ExpiredToken: because");
    harness_assert_settled(harness, 40, 60, OUTCOME_LET_GO, NULL);
    harness_flush(harness);
    loop_settle(harness->base);
    assert_int_equal(requests(harness), 1);
    assert_true(harness->sink.resting_us(harness->sink.self) > 0);
    struct topic *topics[] = {&harness->standard, &harness->other, &harness->fifo};
    for (int index = 0; index < 3; index++) {
        assert_false(harness->sink.admits(harness->sink.self, topics[index]));
        harness_offer_many(harness, topics[index], 1);
        harness_assert_settled(harness, 60 + index, 61 + index, OUTCOME_WAIT, "ExpiredToken");
    }
    harness_free(harness);
}

static void recovers_from_bad_credentials_with_one_probe(void **state) {
    struct harness *harness = start_rested("403 Forbidden", EXPIRED);

    (void)state;
    assert_true(harness->sink.admits(harness->sink.self, &harness->standard));
    assert_true(harness->sink.admits(harness->sink.self, &harness->other));
    harness->answer = NULL;
    harness_offer_many(harness, &harness->standard, 10);
    harness_offer_many(harness, &harness->other, 10); // waits, for the probe is on its way
    harness_await_requests(harness, 2);
    harness_assert_settled(harness, 20, 30, OUTCOME_WAIT, "ExpiredToken");
    assert_false(harness->sink.admits(harness->sink.self, &harness->other));
    harness->answer = harness_accept;
    harness_accept(harness, harness_request(harness, 1));
    harness_await_settled(harness, 30);
    harness_assert_settled(harness, 10, 20, OUTCOME_SENT, NULL);
    assert_int_equal(harness->recovered, 1);
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 40);
    harness_assert_settled(harness, 30, 40, OUTCOME_SENT, NULL);
    harness_free(harness);
}

// Whether the credentials are good shows in any answer to them, also of a topic that fails for itself.
static void a_failing_topic_shows_that_credentials_work(void **state) {
    struct harness *harness = start_rested("403 Forbidden", EXPIRED);

    (void)state;
    harness->status = "404 Not Found";
    harness->text = NOT_FOUND;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 20);
    harness_assert_settled(harness, 10, 20, OUTCOME_RETRY, "NotFound");
    assert_int_equal(harness->recovered, 1);
    assert_true(harness->sink.admits(harness->sink.self, &harness->other));
    harness_free(harness);
}

// The probe of the credentials has told nothing about them, so another topic may be the next one.
static void a_topic_without_an_answer_does_not_keep_the_probe_of_credentials(void **state) {
    struct harness *harness = start_rested("403 Forbidden", EXPIRED);

    (void)state;
    harness->status = "500 Internal Server Error";
    harness->text = HARNESS_ERROR("Receiver", "InternalError");
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 20);
    harness_await_rest(harness);
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 30);
    harness_assert_settled(harness, 20, 30, OUTCOME_SENT, NULL);
    harness_free(harness);
}

// The probe of the topic has told nothing about the topic.
static void bad_credentials_do_not_keep_the_probe_of_a_topic(void **state) {
    struct harness *harness = start_rested("404 Not Found", NOT_FOUND);

    (void)state;
    harness->status = "403 Forbidden";
    harness->text = EXPIRED;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 20);
    harness_await_rest(harness);
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 30);
    harness_assert_settled(harness, 20, 30, OUTCOME_SENT, NULL);
    harness_free(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_nothing_more_into_a_failure),
        cmocka_unit_test(settles_at_once_while_the_topic_rests),
        cmocka_unit_test(rests_once_for_many_failures),
        cmocka_unit_test(lets_other_topics_go_on),
        cmocka_unit_test(keeps_what_waits_for_other_topics),
        cmocka_unit_test(probes_with_one_request_and_closes),
        cmocka_unit_test(closes_when_the_probe_refuses_an_event),
        cmocka_unit_test(works_again_after_a_rest),
        cmocka_unit_test(opens_everything_for_bad_credentials),
        cmocka_unit_test(recovers_from_bad_credentials_with_one_probe),
        cmocka_unit_test(a_failing_topic_shows_that_credentials_work),
        cmocka_unit_test(a_topic_without_an_answer_does_not_keep_the_probe_of_credentials),
        cmocka_unit_test(bad_credentials_do_not_keep_the_probe_of_a_topic),
    };
    setenv("no_proxy", "*", 1);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
