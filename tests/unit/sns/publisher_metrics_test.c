// SPDX-License-Identifier: Apache-2.0
// What the SNS sink counts: requests, what fails of them and under which code, throttling, topics at rest.
#include "observe/metrics.h"
#include "support/loop.h"
#include "support/publisher_harness.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define NOT_FOUND HARNESS_ERROR("Sender", "NotFound")

static struct harness *start(void) {
    struct harness *harness = harness_new();
    metrics_free();
    harness->answer = harness_accept;
    harness_start(harness);
    return harness;
}

static int64_t value(enum metric_name name, const char *label) {
    return metric_value(metric_series(name, label, NULL));
}

static void requests_are_counted(void **state) {
    struct harness *harness = start();
    int64_t counts[METRIC_BOUNDS_MAX + 1];
    (void)state;
    harness->answer = NULL;
    harness_offer_many(harness, &harness->standard, 13);
    harness_flush(harness);
    harness_await_requests(harness, 2);
    assert_int_equal(metric_total(METRIC_IN_FLIGHT_REQUESTS), 2);
    assert_int_equal(metric_total(METRIC_PUBLISH_DURATION), 0);
    harness_accept(harness, harness_request(harness, 0));
    harness_accept(harness, harness_request(harness, 1));
    harness_await_settled(harness, 13);
    assert_int_equal(metric_total(METRIC_IN_FLIGHT_REQUESTS), 0);
    assert_int_equal(metric_total(METRIC_PUBLISH_DURATION), 2);
    assert_int_equal(metric_buckets(METRIC_BATCH_EVENTS, counts), 11);
    assert_int_equal(counts[2], 1); // one of three
    assert_int_equal(counts[9], 1); // one of ten
    assert_int_equal(metric_total(METRIC_SNS_ERRORS), 0);
    harness_free(harness);
}

static void a_topic_has_its_series_before_anything_fails(void **state) {
    struct harness *harness = start();
    struct buffer page;
    (void)state;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    buffer_init(&page, 1 << 20);
    metrics_write(METRIC_OF_RUN, &page);
    assert_non_null(strstr(buffer_text(&page), "outbox_relay_throttled_total{topic=\"arn:"));
    assert_non_null(strstr(buffer_text(&page), "outbox_relay_topic_resting{topic=\"arn:"));
    buffer_free(&page);
    harness_free(harness);
}

static void a_topic_rests_until_a_request_succeeds(void **state) {
    struct harness *harness = start();
    (void)state;
    harness->settings.retry_base = harness->settings.retry_max = 1000; // read with the topic's first event
    harness->answer = harness_answer_with;
    harness->status = "404 Not Found";
    harness->text = NOT_FOUND;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    assert_int_equal(value(METRIC_TOPIC_RESTING, harness->standard.arn), 1);
    assert_int_equal(value(METRIC_SNS_ERRORS, "NotFound"), 1);
    harness->answer = harness_accept;
    harness_await_rest(harness);
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 20);
    assert_int_equal(value(METRIC_TOPIC_RESTING, harness->standard.arn), 1);
    assert_int_equal(value(METRIC_TOPIC_RESTING, harness->other.arn), 0);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 30);
    assert_int_equal(value(METRIC_TOPIC_RESTING, harness->standard.arn), 0);
    harness_free(harness);
}

static void without_credentials_all_topics_rest(void **state) {
    struct harness *harness = start();
    (void)state;
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 10);
    harness->answer = harness_answer_with;
    harness->status = "403 Forbidden";
    harness->text = HARNESS_ERROR("Sender", "InvalidClientTokenId");
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 20);
    assert_int_equal(value(METRIC_TOPIC_RESTING, harness->standard.arn), 1);
    assert_int_equal(value(METRIC_TOPIC_RESTING, harness->other.arn), 1);
    assert_int_equal(value(METRIC_SNS_ERRORS, "InvalidClientTokenId"), 1);
    harness_free(harness);
}

static void throttling_is_counted_by_topic(void **state) {
    struct harness *harness = start();
    harness_answer *const script[] = {harness_answer_with, NULL};
    (void)state;
    harness->script = script;
    harness->status = "400 Bad Request";
    harness->text = HARNESS_ERROR("Sender", "Throttling");
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    assert_int_equal(value(METRIC_THROTTLED, harness->standard.arn), 1);
    assert_int_equal(value(METRIC_SNS_ERRORS, "Throttling"), 1);
    harness_free(harness);
}

static void fail_with(struct harness *harness, harness_answer *answer, const char *status, const char *text) {
    harness->answer = answer;
    harness->status = status;
    harness->text = text;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    assert_int_equal(metric_total(METRIC_SNS_ERRORS), 3); // two attempts more
    harness_free(harness);
}

static void what_has_no_code_is_counted_by_what_failed(void **state) {
    (void)state;
    fail_with(start(), harness_hang_up, NULL, NULL);
    assert_int_equal(value(METRIC_SNS_ERRORS, "no_answer"), 3);
    fail_with(start(), harness_answer_with, "503 Busy", "<html>busy</html>");
    assert_int_equal(value(METRIC_SNS_ERRORS, "http_503"), 3);
}

static void entries_are_counted_one_by_one(void **state) {
    struct harness *harness = start();
    (void)state;
    harness->answer = harness_fail_culprits;
    harness->failed = HARNESS_FAILED("Made-up &quot;code&quot;", "true");
    for (int row = 0; row < 10; row++) {
        harness->rows[row].is_culprit = row < 3;
    }
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    assert_int_equal(value(METRIC_SNS_ERRORS, "other"), 3);
    assert_int_equal(metric_total(METRIC_SNS_ERRORS), 3); // no label is made of what comes from outside
    harness_free(harness);
}

static int forget(void **state) {
    (void)state;
    metrics_free();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted),
        cmocka_unit_test(a_topic_has_its_series_before_anything_fails),
        cmocka_unit_test(a_topic_rests_until_a_request_succeeds),
        cmocka_unit_test(without_credentials_all_topics_rest),
        cmocka_unit_test(throttling_is_counted_by_topic),
        cmocka_unit_test(what_has_no_code_is_counted_by_what_failed),
        cmocka_unit_test(entries_are_counted_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
