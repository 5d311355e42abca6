// SPDX-License-Identifier: Apache-2.0
// Tests of outbox/figures.h.
#include "base/clock.h"
#include "observe/metrics.h"
#include "outbox/figures.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static char arn[] = "arn:one";

static int forget(void **state) {
    (void)state;
    metrics_free();
    return 0;
}

static int64_t value(enum metric_name name, const char *label) {
    return metric_value(metric_series(name, label, NULL));
}

static void each_end_is_counted(void **state) {
    static const enum outcome_kind kinds[] = {OUTCOME_SENT,   OUTCOME_SENT, OUTCOME_RETRY, OUTCOME_REFUSED,
                                              OUTCOME_LET_GO, OUTCOME_PARK, OUTCOME_WAIT};
    struct figures figures;
    struct topic topic = {.arn = arn};
    (void)state;
    figures_init(&figures, NULL);
    const struct topic_counters *counters = figures_counters(&figures, &topic);
    assert_ptr_equal(counters, figures_counters(&figures, &topic));
    for (size_t index = 0; index < sizeof kinds / sizeof kinds[0]; index++) {
        figures_claimed(&figures);
        assert_int_equal(metric_total(METRIC_IN_FLIGHT_EVENTS), 1);
        figures_settled(&figures, counters, kinds[index], clock_unix_us());
        assert_int_equal(metric_total(METRIC_IN_FLIGHT_EVENTS), 0);
    }
    assert_int_equal(value(METRIC_PUBLISHED, "arn:one"), 2);
    assert_int_equal(value(METRIC_RETRIED, "arn:one"), 2);
    assert_int_equal(value(METRIC_PARKED, "arn:one"), 1);
    assert_int_equal(metric_total(METRIC_DELIVERY_DELAY), 2);
}

static void an_event_without_a_topic_is_in_flight_only(void **state) {
    struct figures figures;
    (void)state;
    figures_init(&figures, NULL);
    assert_null(figures_counters(&figures, NULL));
    figures_claimed(&figures);
    figures_settled(&figures, NULL, OUTCOME_WAIT, 0);
    assert_int_equal(metric_total(METRIC_IN_FLIGHT_EVENTS), 0);
    assert_int_equal(metric_total(METRIC_DELIVERY_DELAY), 0);
}

static void a_sink_that_has_a_name_is_counted_under_it(void **state) {
    struct figures figures;
    struct topic topic = {.arn = arn};
    (void)state;
    figures_init(&figures, "stdout");
    figures_claimed(&figures);
    figures_settled(&figures, figures_counters(&figures, &topic), OUTCOME_SENT, 0);
    figures_claimed(&figures);
    figures_settled(&figures, figures_counters(&figures, NULL), OUTCOME_SENT, 0);
    assert_int_equal(value(METRIC_PUBLISHED, "stdout"), 2);
    assert_int_equal(metric_total(METRIC_PUBLISHED), 2);
}

// By the database's clock, which is ahead.
static void an_event_of_the_future_has_no_delay(void **state) {
    struct figures figures;
    int64_t counts[METRIC_BOUNDS_MAX + 1];
    (void)state;
    figures_init(&figures, "stdout");
    figures_claimed(&figures);
    figures_settled(&figures, figures_counters(&figures, NULL), OUTCOME_SENT, clock_unix_us() + 60000000);
    (void)metric_buckets(METRIC_DELIVERY_DELAY, counts);
    assert_int_equal(counts[0], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, forget, forget)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_end_is_counted),
        TEST(an_event_without_a_topic_is_in_flight_only),
        TEST(a_sink_that_has_a_name_is_counted_under_it),
        TEST(an_event_of_the_future_has_no_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
