// SPDX-License-Identifier: Apache-2.0
// Tests of admin/status.h: the document is JSON whatever is in it, and has what the page reads.
#include "admin/status.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { STATUS_SIZE_MAX = 8 << 20 };
#define SECOND 1000000LL
#define START (1769863800 * SECOND)

static struct history history;
static struct health health;
static struct status status;

static int begin(void **state) {
    (void)state;
    metrics_free();
    history_begin(&history, METRIC_OF_RUN, 0);
    health = (struct health){0};
    status = (struct status){.version = "1.2.3",
                             .command = "run",
                             .started_us = START,
                             .now_us = START + 90 * SECOND,
                             .health = &health,
                             .history = &history};
    return 0;
}
static int end(void **state) {
    (void)state;
    metrics_free();
    return 0;
}

// written is the document, parsed; cJSON_Delete releases it.
static cJSON *written(void) {
    struct buffer out;
    buffer_init(&out, STATUS_SIZE_MAX);
    status_write(&status, &out);
    assert_false(out.overflow);
    assert_int_equal(strlen(buffer_text(&out)), out.length);
    assert_ptr_equal(strchr(buffer_text(&out), '\n'), out.data + out.length - 1);
    cJSON *document = cJSON_ParseWithOpts(buffer_text(&out), NULL, true);
    assert_non_null(document);
    buffer_free(&out);
    return document;
}

static const char *text_in(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    assert_non_null(text);
    return text;
}
static double number_in(const cJSON *object, const char *name) {
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_true(cJSON_IsNumber(number));
    return number->valuedouble;
}
static const cJSON *entry(const cJSON *document, const char *name, int index) {
    const cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(document, name), index);
    assert_non_null(item);
    return item;
}

static void the_program_is_named(void **state) {
    (void)state;
    cJSON *document = written();
    const cJSON *program = cJSON_GetObjectItemCaseSensitive(document, "program");
    assert_string_equal(text_in(program, "version"), "1.2.3");
    assert_string_equal(text_in(program, "command"), "run");
    assert_int_equal(number_in(program, "pid"), getpid());
    assert_true(strlen(text_in(program, "host")) > 0);
    assert_string_equal(text_in(program, "started_at"), "2026-01-31T12:50:00.000Z");
    assert_string_equal(text_in(program, "now"), "2026-01-31T12:51:30.000Z");
    assert_string_equal(text_in(program, "state"), "running");
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(document, "report")));
    cJSON_Delete(document);
    status.is_stopping = true;
    document = written();
    assert_string_equal(text_in(cJSON_GetObjectItemCaseSensitive(document, "program"), "state"), "stopping");
    cJSON_Delete(document);
}

static void checks_say_why(void **state) {
    (void)state;
    health_add(&health, "database", false, "no answer since 12:00");
    health_add(&health, "sns", true, NULL);
    cJSON *document = written();
    assert_string_equal(text_in(entry(document, "checks", 0), "name"), "database");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(entry(document, "checks", 0), "good")));
    assert_string_equal(text_in(entry(document, "checks", 0), "why"), "no answer since 12:00");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry(document, "checks", 1), "good")));
    assert_string_equal(text_in(entry(document, "checks", 1), "why"), "");
    cJSON_Delete(document);
}

static void a_topic_has_one_row_of_all_families(void **state) {
    (void)state;
    metric_add(metric_series(METRIC_PUBLISHED, "orders", NULL), 5);
    metric_add(metric_series(METRIC_PUBLISHED, "bills", NULL), 6);
    metric_add(metric_series(METRIC_RETRIED, "bills", NULL), 7);
    metric_add(metric_series(METRIC_PARKED, "orders", NULL), 1);
    metric_add(metric_series(METRIC_THROTTLED, "orders", NULL), 2);
    metric_set(metric_series(METRIC_TOPIC_RESTING, "bills", NULL), 1);
    metric_set(metric_series(METRIC_PENDING_EVENTS, "late", NULL), 9);
    metric_set(metric_series(METRIC_OLDEST_PENDING_AGE, "late", NULL), 2500000);
    cJSON *document = written();
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(document, "topics")), 3);
    const cJSON *orders = entry(document, "topics", 0);
    assert_string_equal(text_in(orders, "topic"), "orders");
    assert_int_equal(number_in(orders, "published"), 5);
    assert_int_equal(number_in(orders, "parked"), 1);
    assert_int_equal(number_in(orders, "throttled"), 2);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(orders, "resting")));
    const cJSON *bills = entry(document, "topics", 1);
    assert_int_equal(number_in(bills, "retried"), 7);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(bills, "resting")));
    const cJSON *late = entry(document, "topics", 2);
    assert_int_equal(number_in(late, "pending"), 9);
    assert_float_equal(number_in(late, "oldest_seconds"), 2.5, 1e-9);
    cJSON_Delete(document);
}

static void a_handler_has_one_row_of_all_outcomes(void **state) {
    (void)state;
    metric_add(metric_series(METRIC_HANDLED, "sql:shop.bill", "done"), 5);
    metric_add(metric_series(METRIC_HANDLED, "exec:mail", "failed"), 2);
    metric_add(metric_series(METRIC_HANDLED, "sql:shop.bill", "duplicate"), 3);
    metric_add(metric_series(METRIC_HANDLED, "sql:shop.bill", "put_off"), 4);
    metric_add(metric_series(METRIC_HANDLED, "sql:shop.bill", "unreachable"), 6);
    cJSON *document = written();
    const cJSON *bill = entry(document, "handlers", 0);
    assert_string_equal(text_in(bill, "handler"), "sql:shop.bill");
    assert_int_equal(number_in(bill, "done"), 5);
    assert_int_equal(number_in(bill, "duplicate"), 3);
    assert_int_equal(number_in(bill, "put_off"), 4);
    assert_int_equal(number_in(bill, "unreachable"), 6);
    assert_int_equal(number_in(entry(document, "handlers", 1), "failed"), 2);
    cJSON_Delete(document);
}

static void five_hundred_topics_fit(void **state) {
    (void)state;
    char name[32];
    for (int index = 0; index < 2 * METRIC_SERIES_MAX; index++) {
        (void)snprintf(name, sizeof name, "topic-%d", index);
        metric_add(metric_series(METRIC_PUBLISHED, name, NULL), 1);
        (void)snprintf(name, sizeof name, "topic-%d", METRIC_SERIES_MAX - 1 - index);
        metric_add(metric_series(METRIC_RETRIED, name, NULL), 1);
    }
    cJSON *document = written();
    assert_int_equal(number_in(entry(document, "topics", METRIC_SERIES_MAX), "published"), METRIC_SERIES_MAX);
    assert_int_equal(number_in(entry(document, "topics", 0), "retried"), 1);
    cJSON_Delete(document);
}

static void the_report_is_spliced_in_on_one_line(void **state) {
    (void)state;
    status.report = "{\"totals\":\n\t{\"pending\": 3},\"parked\":[{\"last_error\":\"</script>\\n\"}]}";
    cJSON *document = written();
    const cJSON *report = cJSON_GetObjectItemCaseSensitive(document, "report");
    assert_int_equal(number_in(cJSON_GetObjectItemCaseSensitive(report, "totals"), "pending"), 3);
    assert_string_equal(text_in(entry(report, "parked", 0), "last_error"), "</script>\n");
    cJSON_Delete(document);
}

static void hostile_texts_stay_texts(void **state) {
    (void)state;
    health_add(&health, "sns", false, "</script><b>\"\\ \x1b[31m");
    metric_add(metric_series(METRIC_PUBLISHED, "a\"},{\"topic\":\"b\n\xff\xc3", NULL), 1);
    cJSON *document = written();
    assert_string_equal(text_in(entry(document, "checks", 0), "why"), "</script><b>\"\\  [31m");
    assert_string_equal(text_in(entry(document, "topics", 0), "topic"),
                        "a\"},{\"topic\":\"b\n\xEF\xBF\xBD\xEF\xBF\xBD");
    cJSON_Delete(document);
}

static void a_report_too_long_is_told(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, 100);
    status_write(&status, &out);
    assert_true(out.overflow);
    buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_program_is_named, begin, end),
        cmocka_unit_test_setup_teardown(checks_say_why, begin, end),
        cmocka_unit_test_setup_teardown(a_topic_has_one_row_of_all_families, begin, end),
        cmocka_unit_test_setup_teardown(a_handler_has_one_row_of_all_outcomes, begin, end),
        cmocka_unit_test_setup_teardown(five_hundred_topics_fit, begin, end),
        cmocka_unit_test_setup_teardown(the_report_is_spliced_in_on_one_line, begin, end),
        cmocka_unit_test_setup_teardown(hostile_texts_stay_texts, begin, end),
        cmocka_unit_test_setup_teardown(a_report_too_long_is_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
