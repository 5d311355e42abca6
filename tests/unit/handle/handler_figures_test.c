// SPDX-License-Identifier: Apache-2.0
// Tests of handle/figures.h.
#include "base/buffer.h"
#include "base/clock.h"
#include "handle/figures.h"
#include "observe/metrics.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static struct table *read_table(const char *text) {
    struct error error = {0};
    metrics_free();
    struct table *table = table_read(text, &error);
    assert_non_null(table);
    figures_of_table(table);
    return table;
}

static int64_t count(const char *handler, const char *outcome) {
    return metric_value(metric_series(METRIC_HANDLED, handler, outcome));
}

static void labels_hold_no_secret(void **state) {
    struct buffer page;
    (void)state;
    struct table *table =
        read_table("a.*=sql:shop.take\nb.*=https://mail.example:8443/hook/sesame?token=sesame\n"
                   "c.*=http://[::1]\nd.*=exec:/opt/sesame/note --token sesame");
    buffer_init(&page, 1 << 20);
    metrics_write(METRIC_OF_CONSUME, &page);
    const char *text = buffer_text(&page);
    assert_non_null(
        strstr(text, "outbox_relay_handled_total{handler=\"sql:shop.take\",outcome=\"done\"} 0\n"));
    assert_non_null(strstr(text, "{handler=\"http:mail.example:8443\",outcome=\"failed\"} 0\n"));
    assert_non_null(strstr(text, "{handler=\"http:[::1]\",outcome=\"put_off\"} 0\n"));
    assert_non_null(strstr(text, "{handler=\"exec:note\",outcome=\"unreachable\"} 0\n"));
    assert_null(strstr(text, "sesame"));
    buffer_free(&page);
    table_free(table);
}

static void each_outcome_is_counted(void **state) {
    static const struct handled ends[] = {{.kind = HANDLED_DONE},
                                          {.kind = HANDLED_DONE, .repeated = true},
                                          {.kind = HANDLED_FAILED},
                                          {.kind = HANDLED_FAILED, .outage = true},
                                          {.kind = HANDLED_LET_GO}};
    (void)state;
    struct table *table = read_table("a.*=sql:shop.take\nb.*=sql:shop.other");
    for (size_t index = 0; index < sizeof ends / sizeof ends[0]; index++) {
        figures_ended(&table->handlers[0], &ends[index], clock_monotonic_us());
    }
    assert_int_equal(count("sql:shop.take", "done"), 1);
    assert_int_equal(count("sql:shop.take", "duplicate"), 1);
    assert_int_equal(count("sql:shop.take", "failed"), 1);
    assert_int_equal(count("sql:shop.take", "unreachable"), 1);
    assert_int_equal(count("sql:shop.take", "put_off"), 1);
    assert_int_equal(metric_total(METRIC_HANDLED), 5);
    assert_int_equal(metric_total(METRIC_HANDLER_DURATION), 4); // what was not begun has none
    table_free(table);
}

static int forget(void **state) {
    (void)state;
    metrics_free();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_hold_no_secret),
        cmocka_unit_test(each_outcome_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
