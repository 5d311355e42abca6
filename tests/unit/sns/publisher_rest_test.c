// SPDX-License-Identifier: Apache-2.0
// A topic of the SNS sink that fails: it rests, what waits for it is given back, other topics go on, and it
// works again afterwards.
#include "sns/publisher.h"
#include "support/loop.h"
#include "support/publisher_harness.h"

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

static struct harness *start_with(const char *status, const char *text) {
    struct harness *harness = harness_new();

    harness->answer = harness_answer_with;
    harness->status = status;
    harness->text = text;
    harness_start(harness);
    return harness;
}

// All rows from `first` to before `end`: settled once, not sent, not the event's fault.
static void assert_to_be_tried_again(const struct harness *harness, int first, int end, const char *reason) {
    for (int row = first; row < end; row++) {
        assert_int_equal(harness->rows[row].times, 1);
        assert_false(harness->rows[row].sent);
        assert_false(harness->rows[row].counts);
        assert_non_null(strstr(harness->rows[row].reason, reason));
    }
}

// One request is under way, four batches wait and one is being filled: all of them share its fate, whether
// the topic is FIFO (where a later event must not overtake) or not.
static void sends_nothing_more_into_a_failure(void **state) {
    (void)state;
    for (int is_fifo = 0; is_fifo < 2; is_fifo++) {
        struct harness *harness = harness_new();
        struct topic *topic = is_fifo ? &harness->fifo : &harness->standard;
        harness->answer = NULL;
        harness->settings.max_in_flight = 1;
        harness_start(harness);
        harness_offer_many(harness, topic, 55);
        harness_await_requests(harness, 1);
        harness->status = "503 Busy";
        harness->text = "busy";
        harness_answer_with(harness, http_server_requests(harness->server));
        harness_await_settled(harness, 55);
        harness->sink.flush(harness->sink.self);
        loop_settle(harness->base);
        assert_int_equal(http_server_counts(harness->server)->requests, 1);
        assert_to_be_tried_again(harness, 0, 55, "HTTP 503");
        harness_free(harness);
    }
}

static void settles_at_once_while_the_topic_rests(void **state) {
    struct harness *harness = start_with("503 Busy", "busy");

    (void)state;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    int64_t rest = harness->sink.resting_us(harness->sink.self);
    assert_in_range(rest, 1, HARNESS_LONG_US);
    harness_offer_many(harness, &harness->standard, 5);
    assert_int_equal(harness->settled, 15);
    assert_to_be_tried_again(harness, 10, 15, "HTTP 503");
    assert_in_range(harness->rows[14].retry_after_us, 1, rest);
    harness->sink.flush(harness->sink.self);
    loop_settle(harness->base);
    assert_int_equal(http_server_counts(harness->server)->requests, 1);
    harness_free(harness);
}

// Requests that fail together are one failure: the rest is not lengthened by each of them.
static void rests_once_for_many_failures(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = harness_hang_up;
    harness->settings.retry_base = HARNESS_LONG_US / 60;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 40);
    harness_await_settled(harness, 40);
    for (int row = 0; row < 40; row++) {
        assert_in_range(harness->rows[row].retry_after_us, 1, HARNESS_LONG_US / 60);
    }
    harness_free(harness);
}

static void lets_other_topics_go_on(void **state) {
    struct harness *harness = start_with("404 Not Found", "no such topic");

    (void)state;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 20);
    assert_int_equal(harness->sent, 10);
    assert_int_equal(harness->sink.resting_us(harness->sink.self), 0); // one topic is well
    harness_offer_many(harness, &harness->standard, 1);
    assert_int_equal(harness->settled, 21);
    assert_to_be_tried_again(harness, 20, 21, "HTTP 404");
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
    harness_await_requests(harness, 1);
    harness->answer = harness_accept;
    harness->status = "503 Busy";
    harness->text = "busy";
    harness_answer_with(harness, http_server_requests(harness->server));
    harness_await_settled(harness, 60);
    assert_to_be_tried_again(harness, 0, 20, "HTTP 503");
    assert_int_equal(harness->sent, 40);
    harness_free(harness);
}

static bool is_rested(void *context) {
    const struct harness *harness = context;
    return harness->sink.resting_us(harness->sink.self) == 0;
}

static void on_tick(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    (void)context;
}

// Runs the loop until the topic may be tried again.
static void await_rest(struct harness *harness) {
    static const struct timeval tick = {.tv_usec = 500};
    struct event *ticks = event_new(harness->base, -1, EV_PERSIST, on_tick, NULL);

    event_add(ticks, &tick);
    assert_true(loop_until(harness->base, is_rested, harness));
    event_free(ticks);
}

static void works_again_after_a_rest(void **state) {
    enum { BASE_US = 1000, FAILURES = 4 };
    struct harness *harness = harness_new();

    (void)state;
    harness->settings.retry_base = BASE_US;
    harness->answer = harness_hang_up;
    harness_start(harness);
    for (int failure = 1; failure <= FAILURES; failure++) {
        harness_offer_many(harness, &harness->standard, 10);
        harness_await_settled(harness, 10 * failure);
        await_rest(harness);
    }
    assert_true(harness->rows[10 * FAILURES - 1].retry_after_us > BASE_US); // longer each time
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->standard, 30);
    harness_await_settled(harness, 10 * FAILURES + 30);
    assert_int_equal(harness->sent, 30);
    harness->answer = harness_hang_up; // and the next failure is a first one again
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10 * FAILURES + 40);
    assert_in_range(harness->rows[10 * FAILURES + 39].retry_after_us, 1, BASE_US);
    harness_free(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_nothing_more_into_a_failure),
        cmocka_unit_test(settles_at_once_while_the_topic_rests),
        cmocka_unit_test(rests_once_for_many_failures),
        cmocka_unit_test(lets_other_topics_go_on),
        cmocka_unit_test(keeps_what_waits_for_other_topics),
        cmocka_unit_test(works_again_after_a_rest),
    };
    setenv("no_proxy", "*", 1);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
