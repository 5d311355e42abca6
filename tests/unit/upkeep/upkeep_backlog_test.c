// SPDX-License-Identifier: Apache-2.0
// From event types to the gauges of topics.
#include "observe/metrics.h"
#include "support/settings_fill.h"
#include "upkeep/backlog.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static char orders[] = "arn:aws:sns:eu-west-1:123456789012:orders";
static char prefix[] = "arn:aws:sns:eu-west-1:123456789012";
static const char users[] = "arn:aws:sns:eu-west-1:123456789012:users";

struct fixture {
    struct settings settings;
    struct routes *routes;
    struct backlog *backlog;
};

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    settings_fill(&fixture->settings);
    fixture->routes = routes_new(&fixture->settings);
    fixture->backlog = backlog_new(&fixture->settings);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    backlog_free(fixture->backlog);
    routes_free(fixture->routes, NULL);
    metrics_free();
    test_free(fixture);
    return 0;
}

// Makes the fixture's backlog anew.
static void use(struct fixture *fixture, char *topic_arn, enum sink_kind sink) {
    fixture->settings.topic_arn = topic_arn;
    fixture->settings.sink = sink;
    backlog_free(fixture->backlog);
    fixture->backlog = backlog_new(&fixture->settings);
}

static void route_users(struct fixture *fixture) {
    routes_begin(fixture->routes);
    assert_true(routes_add(fixture->routes, "user.*", users, NULL, false, NULL));
    routes_finish(fixture->routes);
}

static void add(struct fixture *fixture, const char *type, int64_t pending, int64_t oldest_us) {
    const struct backlog_line line = {.event_type = slice_of_text(type),
                                      .pending = pending,
                                      .retrying = 1,
                                      .waiting = 2,
                                      .scheduled = 3,
                                      .parked = 4,
                                      .oldest_us = oldest_us};
    backlog_add(fixture->backlog, fixture->routes, &line);
}

static int64_t pending_of(const char *topic) {
    return metric_value(metric_series(METRIC_PENDING_EVENTS, topic, NULL));
}

static int64_t oldest_of(const char *topic) {
    return metric_value(metric_series(METRIC_OLDEST_PENDING_AGE, topic, NULL));
}

static int series_seen;

static void count_series(void *context, const char *first, const char *second, int64_t value) {
    (void)context;
    (void)first;
    (void)second;
    (void)value;
    series_seen++;
}

static int series_of(enum metric_name name) {
    series_seen = 0;
    metric_each(name, count_series, NULL);
    return series_seen;
}

static void types_of_a_topic_are_added_up(void **state) {
    struct fixture *fixture = *state;
    use(fixture, orders, SINK_SNS);
    route_users(fixture);
    backlog_begin(fixture->backlog);
    add(fixture, "order.created", 10, 5000);
    add(fixture, "order.paid", 7, 9000);
    add(fixture, "user.registered", 1, 100);
    assert_int_equal(series_of(METRIC_PENDING_EVENTS), 0); // not before it is whole
    backlog_publish(fixture->backlog, 1234);

    assert_int_equal(pending_of(orders), 17);
    assert_int_equal(oldest_of(orders), 9000);
    assert_int_equal(pending_of(users), 1);
    assert_int_equal(oldest_of(users), 100);
    assert_int_equal(metric_total(METRIC_WAITING_EVENTS), 9);
    assert_int_equal(metric_total(METRIC_SCHEDULED_EVENTS), 9);
    assert_int_equal(metric_total(METRIC_PARKED_EVENTS), 12);
    assert_int_equal(metric_total(METRIC_BACKLOG_READ_TIMESTAMP), 1234);
    assert_int_equal(backlog_pending(fixture->backlog), 18);
}

static void a_prefix_makes_topics_of_types(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.topic_arn_prefix = prefix;
    backlog_begin(fixture->backlog);
    add(fixture, "order.created", 10, 5000);
    backlog_publish(fixture->backlog, 1);
    assert_int_equal(pending_of("arn:aws:sns:eu-west-1:123456789012:order-created"), 10);
    assert_int_equal(pending_of("none"), 0);
}

static void what_has_no_topic_is_none(void **state) {
    struct fixture *fixture = *state;
    backlog_begin(fixture->backlog);
    add(fixture, "order.created", 10, 5000);
    backlog_publish(fixture->backlog, 1);
    assert_int_equal(pending_of("none"), 10);
}

static void another_sink_counts_all_under_its_name(void **state) {
    struct fixture *fixture = *state;
    use(fixture, orders, SINK_HANDLERS);
    backlog_begin(fixture->backlog);
    add(fixture, "order.created", 10, 5000);
    add(fixture, "user.registered", 1, 9000);
    backlog_publish(fixture->backlog, 1);
    assert_int_equal(series_of(METRIC_PENDING_EVENTS), 1);
    assert_int_equal(pending_of("handlers"), 11);
    assert_int_equal(oldest_of("handlers"), 9000);
}

static void topics_seen_before_become_zero(void **state) {
    struct fixture *fixture = *state;
    use(fixture, orders, SINK_SNS);
    route_users(fixture);
    metric_add(metric_series(METRIC_PUBLISHED, "published", NULL), 1);
    backlog_begin(fixture->backlog);
    add(fixture, "user.registered", 3, 100);
    backlog_add_blocker(fixture->backlog, slice_of_text("slot"), 70);
    backlog_publish(fixture->backlog, 1);
    assert_int_equal(metric_value(metric_series(METRIC_BLOCKER_AGE, "slot", NULL)), 70);

    backlog_begin(fixture->backlog);
    backlog_publish(fixture->backlog, 2);
    assert_int_equal(series_of(METRIC_PENDING_EVENTS), 3); // users, published, the default
    assert_int_equal(metric_total(METRIC_PENDING_EVENTS), 0);
    assert_int_equal(metric_total(METRIC_OLDEST_PENDING_AGE), 0);
    assert_int_equal(series_of(METRIC_BLOCKER_AGE), 1);
    assert_int_equal(metric_total(METRIC_BLOCKER_AGE), 0);
    assert_int_equal(backlog_pending(fixture->backlog), 0);
}

static void nothing_is_shown_that_is_not_known(void **state) {
    struct fixture *fixture = *state;
    backlog_begin(fixture->backlog);
    add(fixture, "order.created", 10, 5000);
    backlog_add_blocker(fixture->backlog, slice_of_text("slot"), 70);
    backlog_publish(fixture->backlog, 1);
    backlog_forget();
    assert_int_equal(series_of(METRIC_PENDING_EVENTS), 0);
    assert_int_equal(series_of(METRIC_BACKLOG_READ_TIMESTAMP), 0);
    assert_int_equal(series_of(METRIC_BLOCKER_AGE), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(types_of_a_topic_are_added_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_prefix_makes_topics_of_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_topic_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_sink_counts_all_under_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(topics_seen_before_become_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_shown_that_is_not_known, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
