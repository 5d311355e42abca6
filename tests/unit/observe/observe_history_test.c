// SPDX-License-Identifier: Apache-2.0
// Tests of observe/history.h.
#include "observe/history.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define SECOND 1000000LL
#define START (1769863800 * SECOND) // 2026-01-31T12:50:00Z

static struct history history;

static int begin_as(enum metric_owner owner) {
    metrics_free();
    history_begin(&history, owner, 100 * SECOND);
    return 0;
}
static int begin(void **state) {
    (void)state;
    return begin_as(METRIC_OF_RUN);
}
static int end(void **state) {
    (void)state;
    metrics_free();
    return 0;
}

static void take(int seconds) {
    history_take(&history, (100 + seconds) * SECOND, START + seconds * SECOND);
}

static void assert_json(const char *expected) {
    struct buffer out;
    buffer_init(&out, 65536);
    history_append_json(&history, &out);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void an_empty_history_has_no_samples(void **state) {
    (void)state;
    assert_json("{\"interval_seconds\":5,\"samples\":[]}");
}

static void rates_are_differences_by_the_time_passed(void **state) {
    (void)state;
    metric_add(metric_series(METRIC_PUBLISHED, "a", NULL), 30);
    metric_add(metric_series(METRIC_PUBLISHED, "b", NULL), 20);
    metric_add(metric_series(METRIC_RETRIED, "a", NULL), 4);
    metric_add(metric_series(METRIC_PARKED, "a", NULL), 1);
    metric_set(metric_series(METRIC_PENDING_EVENTS, "a", NULL), 7);
    take(5);
    metric_add(metric_series(METRIC_PUBLISHED, "a", NULL), 30);
    take(15); // a late one
    assert_json("{\"interval_seconds\":5,\"samples\":[[1769863805.000,7,10.000,null,null,1.000],"
                "[1769863815.000,7,3.000,null,null,0.000]]}");
}

static void what_was_counted_before_it_began_is_not_in_it(void **state) {
    (void)state;
    metric_add(metric_series(METRIC_PUBLISHED, "a", NULL), 1000);
    metric_record(METRIC_DELIVERY_DELAY, SECOND);
    history_begin(&history, METRIC_OF_RUN, 100 * SECOND);
    take(5);
    assert_json("{\"interval_seconds\":5,\"samples\":[[1769863805.000,0,0.000,null,null,0.000]]}");
}

// between is where in a bucket of the family a quantile of observations is that are all in it, in seconds.
static double between(enum metric_name name, int bucket, double quantile) {
    const int64_t *bounds = metric_families[name].bounds;
    double lower = bucket > 0 ? (double)bounds[bucket - 1] : 0;
    return (lower + quantile * ((double)bounds[bucket] - lower)) / 1e6;
}

static void assert_delays(int index, enum metric_name name, int bucket) {
    const struct history_sample *sample = history_get(&history, index);
    assert_float_equal(sample->delay_p50, between(name, bucket, 0.5), 1e-9);
    assert_float_equal(sample->delay_p95, between(name, bucket, 0.95), 1e-9);
}

static void delays_are_those_of_the_interval(void **state) {
    (void)state;
    const int64_t *bounds = metric_families[METRIC_DELIVERY_DELAY].bounds;
    for (int count = 0; count < 100; count++) {
        metric_record(METRIC_DELIVERY_DELAY, bounds[6]);
    }
    take(5);
    for (int count = 0; count < 10; count++) {
        metric_record(METRIC_DELIVERY_DELAY, bounds[2]);
    }
    take(10);
    take(15);
    assert_delays(0, METRIC_DELIVERY_DELAY, 6);
    assert_delays(1, METRIC_DELIVERY_DELAY, 2);
    assert_true(history_get(&history, 2)->delay_p50 < 0);
    assert_true(history_get(&history, 2)->delay_p95 < 0);
}

static void delays_are_written_in_seconds(void **state) {
    (void)state;
    take(5);
    history.samples[0].delay_p50 = 0.00175;
    history.samples[0].delay_p95 = 288;
    assert_json("{\"interval_seconds\":5,\"samples\":[[1769863805.000,0,0.000,0.001750,288.000000,0.000]]}");
}

static void a_consumer_has_its_own_figures(void **state) {
    (void)state;
    (void)begin_as(METRIC_OF_CONSUME);
    metric_count(METRIC_DELETED, 50);
    metric_count(METRIC_RETURNED, 5);
    metric_add(metric_series(METRIC_REFUSED, "signature", NULL), 5);
    metric_gauge(METRIC_HELD_MESSAGES, 3);
    metric_record(METRIC_MESSAGE_AGE, 1);
    metric_count(METRIC_PUBLISHED, 1000); // not its own
    take(5);
    assert_int_equal(history_get(&history, 0)->pending, 3);
    assert_float_equal(history_get(&history, 0)->sent, 10, 1e-9);
    assert_float_equal(history_get(&history, 0)->failures, 2, 1e-9);
    assert_delays(0, METRIC_MESSAGE_AGE, 0);
}

static void the_oldest_samples_go(void **state) {
    (void)state;
    for (int count = 1; count <= HISTORY_SAMPLES + 3; count++) {
        metric_gauge(METRIC_PENDING_EVENTS, count);
        take(5 * count);
    }
    assert_int_equal(history.count, HISTORY_SAMPLES);
    assert_int_equal(history_get(&history, 0)->pending, 4);
    assert_int_equal(history_get(&history, HISTORY_SAMPLES - 1)->pending, HISTORY_SAMPLES + 3);
}

static void a_clock_that_stands_still_adds_nothing(void **state) {
    (void)state;
    take(5);
    take(5);
    take(4);
    assert_int_equal(history.count, 1);
}

static void quantiles_are_linear_inside_a_bucket(void **state) {
    (void)state;
    const int64_t bounds[] = {10, 20, 40};
    const int64_t none[] = {0, 0, 0, 0};
    const int64_t even[] = {10, 10, 0, 0};
    const int64_t gap[] = {1, 0, 1, 0};
    const int64_t above[] = {0, 0, 1, 9};
    assert_float_equal(history_quantile(0.5, none, bounds, 4), -1, 1e-9);
    assert_float_equal(history_quantile(0.5, even, bounds, 4), 10, 1e-9);
    assert_float_equal(history_quantile(0.95, even, bounds, 4), 19, 1e-9);
    assert_float_equal(history_quantile(0, even, bounds, 4), 0, 1e-9);
    assert_float_equal(history_quantile(0.75, gap, bounds, 4), 30, 1e-9);
    assert_float_equal(history_quantile(1, gap, bounds, 4), 40, 1e-9);
    assert_float_equal(history_quantile(0.95, above, bounds, 4), 40, 1e-9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_history_has_no_samples, begin, end),
        cmocka_unit_test_setup_teardown(rates_are_differences_by_the_time_passed, begin, end),
        cmocka_unit_test_setup_teardown(what_was_counted_before_it_began_is_not_in_it, begin, end),
        cmocka_unit_test_setup_teardown(delays_are_those_of_the_interval, begin, end),
        cmocka_unit_test_setup_teardown(delays_are_written_in_seconds, begin, end),
        cmocka_unit_test_setup_teardown(a_consumer_has_its_own_figures, begin, end),
        cmocka_unit_test_setup_teardown(the_oldest_samples_go, begin, end),
        cmocka_unit_test_setup_teardown(a_clock_that_stands_still_adds_nothing, begin, end),
        cmocka_unit_test(quantiles_are_linear_inside_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
