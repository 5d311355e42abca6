// SPDX-License-Identifier: Apache-2.0
// Tests of observe/metrics.h and families.h: the registry, the exposition, and the manual's table.
#include "observe/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { PAGE_MAX = 4 << 20 };

static struct buffer page;

static int forget(void **state) {
    (void)state;
    metrics_free();
    buffer_free(&page);
    buffer_init(&page, PAGE_MAX);
    return 0;
}

static const char *written(enum metric_owner owner) {
    buffer_clear(&page);
    metrics_write(owner, &page);
    assert_false(page.overflow);
    return buffer_text(&page);
}

static void assert_line(const char *text, const char *line) {
    size_t length = strlen(line);
    const char *place = text;
    while ((place = strstr(place, line)) != NULL) {
        if ((place == text || place[-1] == '\n') && place[length] == '\n') {
            return;
        }
        place += length;
    }
    print_error("missing: %s\nin:\n%s\n", line, text);
    fail();
}

static void assert_absent(const char *text, const char *part) {
    if (strstr(text, part) != NULL) {
        print_error("not expected: %s\n", part);
        fail();
    }
}

static void a_series_is_made_once(void **state) {
    (void)state;
    struct metric *one = metric_series(METRIC_PUBLISHED, "arn:a", NULL);
    assert_ptr_equal(one, metric_series(METRIC_PUBLISHED, "arn:a", NULL));
    assert_ptr_not_equal(one, metric_series(METRIC_PUBLISHED, "arn:b", NULL));
    assert_ptr_not_equal(metric_series(METRIC_HANDLED, "sql:a.b", "done"),
                         metric_series(METRIC_HANDLED, "sql:a.b", "failed"));
    metric_add(one, 3);
    metric_add(one, 4);
    assert_int_equal(metric_value(one), 7);
    assert_line(written(METRIC_OF_RUN), "outbox_relay_published_total{topic=\"arn:a\"} 7");
    assert_line(buffer_text(&page), "outbox_relay_published_total{topic=\"arn:b\"} 0");
    assert_line(buffer_text(&page), "# TYPE outbox_relay_published_total counter");
}

static void label_values_are_escaped(void **state) {
    (void)state;
    metric_add(metric_series(METRIC_PUBLISHED, "a\"b\\c\nd", NULL), 1);
    metric_add(metric_series(METRIC_PUBLISHED, "caf\xc3\xa9 \xff \xc3", NULL), 2);
    written(METRIC_OF_RUN);
    assert_line(buffer_text(&page), "outbox_relay_published_total{topic=\"a\\\"b\\\\c\\nd\"} 1");
    assert_line(buffer_text(&page), "outbox_relay_published_total{topic=\"caf\xc3\xa9 ? ?\"} 2");
}

static void a_long_label_is_cut(void **state) {
    (void)state;
    char label[400];
    memset(label, 'x', sizeof label - 1);
    label[sizeof label - 1] = '\0';
    struct metric *series = metric_series(METRIC_PUBLISHED, label, NULL);
    assert_ptr_equal(series, metric_series(METRIC_PUBLISHED, label, NULL));
    char line[400];
    (void)snprintf(line, sizeof line, "outbox_relay_published_total{topic=\"%.256s\"} 0", label);
    assert_line(written(METRIC_OF_RUN), line);
}

static void too_many_series_are_counted_under_other(void **state) {
    (void)state;
    char label[32];
    for (int index = 0; index < METRIC_SERIES_MAX + 20; index++) {
        (void)snprintf(label, sizeof label, "topic-%d", index);
        metric_add(metric_series(METRIC_PUBLISHED, label, NULL), 1);
    }
    assert_int_equal(metric_total(METRIC_PUBLISHED), METRIC_SERIES_MAX + 20);
    written(METRIC_OF_RUN);
    assert_line(buffer_text(&page), "outbox_relay_published_total{topic=\"topic-499\"} 1");
    assert_absent(buffer_text(&page), "topic-500");
    assert_line(buffer_text(&page), "outbox_relay_published_total{topic=\"other\"} 20");
    metric_add(metric_series(METRIC_PUBLISHED, "topic-3", NULL), 1); // one that is there goes on
    assert_line(written(METRIC_OF_RUN), "outbox_relay_published_total{topic=\"topic-3\"} 2");
}

static void a_histogram_is_cumulative(void **state) {
    (void)state;
    const int64_t observed[] = {-5, 0, 1000, 1001, 300000000, 8000000000};
    for (size_t index = 0; index < sizeof observed / sizeof observed[0]; index++) {
        metric_record(METRIC_DELIVERY_DELAY, observed[index]);
    }
    const char *text = written(METRIC_OF_RUN);
    assert_line(text, "# TYPE outbox_relay_delivery_delay_seconds histogram");
    assert_line(text, "outbox_relay_delivery_delay_seconds_bucket{le=\"0.001\"} 3");
    assert_line(text, "outbox_relay_delivery_delay_seconds_bucket{le=\"0.0025\"} 4");
    assert_line(text, "outbox_relay_delivery_delay_seconds_bucket{le=\"60\"} 4");
    assert_line(text, "outbox_relay_delivery_delay_seconds_bucket{le=\"300\"} 5");
    assert_line(text, "outbox_relay_delivery_delay_seconds_bucket{le=\"+Inf\"} 6");
    assert_line(text, "outbox_relay_delivery_delay_seconds_sum 8300.002001");
    assert_line(text, "outbox_relay_delivery_delay_seconds_count 6");
    assert_int_equal(metric_total(METRIC_DELIVERY_DELAY), 6);
}

static void labels_and_bounds_stand_together(void **state) {
    (void)state;
    metric_observe(metric_series(METRIC_HANDLER_DURATION, "sql:shop.take", NULL), 2600);
    assert_line(written(METRIC_OF_CONSUME),
                "outbox_relay_handler_duration_seconds_bucket{handler=\"sql:shop.take\",le=\"0.005\"} 1");
    metric_add(metric_series(METRIC_HANDLED, "sql:shop.take", "done"), 1);
    assert_line(written(METRIC_OF_CONSUME),
                "outbox_relay_handled_total{handler=\"sql:shop.take\",outcome=\"done\"} 1");
}

static void buckets_are_added_up(void **state) {
    (void)state;
    int64_t counts[METRIC_BOUNDS_MAX + 1];
    metric_observe(metric_series(METRIC_DATABASE_DURATION, "claim", NULL), 400);
    metric_observe(metric_series(METRIC_DATABASE_DURATION, "mark", NULL), 500);
    metric_observe(metric_series(METRIC_DATABASE_DURATION, "mark", NULL), INT64_C(400000000));
    int count = metric_buckets(METRIC_DATABASE_DURATION, counts);
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 0);
    assert_int_equal(counts[count - 1], 1);
    assert_int_equal(metric_total(METRIC_DATABASE_DURATION), 3);
}

static void seconds_are_written_as_people_write_them(void **state) {
    (void)state;
    metric_gauge(METRIC_BACKLOG_READ_TIMESTAMP, INT64_C(1767225600250000));
    assert_line(written(METRIC_OF_RUN), "outbox_relay_backlog_read_timestamp_seconds 1767225600.25");
    metric_gauge(METRIC_BACKLOG_READ_TIMESTAMP, -1500000);
    assert_line(written(METRIC_OF_RUN), "outbox_relay_backlog_read_timestamp_seconds -1.5");
    metric_gauge(METRIC_BACKLOG_READ_TIMESTAMP, -1);
    assert_line(written(METRIC_OF_RUN), "outbox_relay_backlog_read_timestamp_seconds -0.000001");
}

static void what_has_no_labels_is_there_from_the_start(void **state) {
    (void)state;
    const char *text = written(METRIC_OF_RUN);
    assert_line(text, "outbox_relay_rescued_total 0");
    assert_line(text, "outbox_relay_delivery_delay_seconds_count 0");
    assert_line(text, "outbox_relay_ready 0");
    assert_absent(text, "outbox_relay_credentials_expiry_timestamp_seconds"); // 0 would be a time
    assert_absent(text, "outbox_relay_parked_events");                        // nobody has looked yet
    metric_gauge(METRIC_PARKED_EVENTS, 0);
    assert_line(written(METRIC_OF_RUN), "outbox_relay_parked_events 0");
}

static void each_command_has_its_families(void **state) {
    (void)state;
    assert_absent(written(METRIC_OF_RUN), "outbox_relay_received_messages_total");
    const char *text = written(METRIC_OF_CONSUME);
    assert_line(text, "outbox_relay_received_messages_total 0");
    assert_absent(text, "outbox_relay_rescued_total");
    assert_line(text, "outbox_relay_database_connections 0");
}

static void a_family_can_be_read_anew(void **state) {
    (void)state;
    metric_set(metric_series(METRIC_PENDING_EVENTS, "arn:old", NULL), 5);
    metric_clear(METRIC_PENDING_EVENTS);
    metric_set(metric_series(METRIC_PENDING_EVENTS, "arn:new", NULL), 6);
    assert_absent(written(METRIC_OF_RUN), "arn:old");
    assert_int_equal(metric_total(METRIC_PENDING_EVENTS), 6);
}

static void add_up(void *context, const char *first, const char *second, int64_t value) {
    int64_t *sum = context;
    assert_string_equal(first, *sum == 0 ? "a" : "b");
    assert_null(second);
    *sum += value;
}

static void series_can_be_visited(void **state) {
    (void)state;
    int64_t sum = 0;
    metric_add(metric_series(METRIC_PUBLISHED, "a", NULL), 3);
    metric_add(metric_series(METRIC_PUBLISHED, "b", NULL), 4);
    metric_each(METRIC_PUBLISHED, add_up, &sum);
    assert_int_equal(sum, 7);
}

static double number_of(const char *text, const char *name) {
    const char *place = strstr(text, name);
    while (place != NULL && (place[-1] != '\n' || place[strlen(name)] != ' ')) {
        place = strstr(place + 1, name);
    }
    assert_non_null(place);
    return place != NULL ? strtod(place + strlen(name), NULL) : 0;
}

static void the_process_is_told_of(void **state) {
    (void)state;
    const char *text = written(METRIC_OF_RUN);
    double start = number_of(text, "process_start_time_seconds");
    double now = (double)time(NULL);
    assert_true(start > now - 600 && start < now + 2);
    assert_true(number_of(text, "process_resident_memory_bytes") > 100000);
    assert_true(number_of(text, "process_virtual_memory_bytes") >=
                number_of(text, "process_resident_memory_bytes"));
    assert_true(number_of(text, "process_open_fds") >= 3);
    assert_true(number_of(text, "process_max_fds") >= number_of(text, "process_open_fds"));
    assert_true(number_of(text, "process_cpu_seconds_total") >= 0);
    double again = number_of(written(METRIC_OF_RUN), "process_start_time_seconds");
    assert_true(again == start); // or it would look like a restart
}

// What Prometheus asks of names: prometheus.io/docs/practices/naming.
static void families_are_named_by_the_rules(void **state) {
    (void)state;
    for (int name = 0; name < METRIC_NAMES; name++) {
        const struct metric_family *family = &metric_families[name];
        const char *end = strrchr(family->name, '_');
        bool is_seconds = strstr(family->name, "_seconds") != NULL;
        assert_memory_equal(family->name, "outbox_relay_", strlen("outbox_relay_"));
        assert_int_equal(family->kind == METRIC_COUNTER, strcmp(end, "_total") == 0);
        assert_int_equal(family->unit == METRIC_MICROSECONDS, is_seconds);
        assert_int_equal(family->kind == METRIC_HISTOGRAM, family->bounds != NULL);
        assert_true(family->owners != 0);
        assert_int_equal(family->help[strlen(family->help) - 1], '.');
        assert_null(strpbrk(family->help, "\n\\|"));
        for (int bound = 0; family->bounds != NULL && family->bounds[bound] != 0; bound++) {
            assert_true(bound < METRIC_BOUNDS_MAX);
            assert_true(bound == 0 || family->bounds[bound] > family->bounds[bound - 1]);
        }
    }
}

static void the_manual_has_a_line_for_each_family(void **state) {
    (void)state;
    metrics_append_table(&page);
    int lines = 0;
    for (const char *place = buffer_text(&page); *place != '\0'; place++) {
        lines += *place == '\n';
    }
    assert_int_equal(lines, METRIC_NAMES + 2);
    assert_line(buffer_text(&page), "| `outbox_relay_published_total` | counter | topic | run | Events "
                                    "accepted by SNS, or (topic is stdout "
                                    "or handlers) by another sink. |");
}

static bool run_promtool(const char *text) {
    FILE *promtool = popen("promtool check metrics >&2", "w");
    assert_non_null(promtool);
    (void)fputs(text, promtool);
    return pclose(promtool) == 0;
}

// With all there is in it, promtool finds nothing to complain about. (Where it is not installed, the system
// test does this.)
static void promtool_understands_it(void **state) {
    (void)state;
    if (system("command -v promtool >/dev/null") != 0) {
        skip();
    }
    for (int name = 0; name < METRIC_NAMES; name++) {
        struct metric *series = metric_series((enum metric_name)name, "a \"quoted\\\n\xff", "b");
        if (metric_families[name].kind == METRIC_HISTOGRAM) {
            metric_observe(series, 1234);
        } else {
            metric_add(series, 1);
        }
    }
    assert_true(run_promtool(written(METRIC_OF_RUN)));
    assert_true(run_promtool(written(METRIC_OF_CONSUME)));
    assert_false(run_promtool("outbox_relay_published_total{topic=\"a\nb\"} 1\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, forget, forget)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_series_is_made_once),
        TEST(label_values_are_escaped),
        TEST(a_long_label_is_cut),
        TEST(too_many_series_are_counted_under_other),
        TEST(a_histogram_is_cumulative),
        TEST(labels_and_bounds_stand_together),
        TEST(buckets_are_added_up),
        TEST(seconds_are_written_as_people_write_them),
        TEST(what_has_no_labels_is_there_from_the_start),
        TEST(each_command_has_its_families),
        TEST(a_family_can_be_read_anew),
        TEST(series_can_be_visited),
        TEST(the_process_is_told_of),
        TEST(families_are_named_by_the_rules),
        TEST(the_manual_has_a_line_for_each_family),
        TEST(promtool_understands_it),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_free(&page);
    return failed;
}
