// SPDX-License-Identifier: Apache-2.0
// Tests of base/log_flood.h: what is of one kind, and how much of it is written.
#include "base/log_flood.h"

#include <stdio.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { SECOND = 1000000 };

static int64_t suppressed;

static bool pass(struct log_flood *flood, const char *message, const char *topic, int64_t now_us) {
    return log_flood_pass(flood, LOG_WARN, message,
                          LOG_FIELDS(LOG_INT("n", now_us), LOG_TEXT("topic", topic)), now_us, &suppressed);
}

static void the_next_line_of_a_kind_counts_those_before_it(void **state) {
    (void)state;
    struct log_flood flood = {0};
    for (int line = 0; line < 30; line++) {
        assert_int_equal(pass(&flood, "m", "t", 5 + line), line < LOG_FLOOD_LINES);
        assert_int_equal(suppressed, 0);
    }
    assert_false(pass(&flood, "m", "t", 5 + 10 * SECOND - 1));
    assert_true(pass(&flood, "m", "t", 5 + 10 * SECOND));
    assert_int_equal(suppressed, 21);
    assert_true(pass(&flood, "m", "t", 6 + 10 * SECOND));
    assert_int_equal(suppressed, 0);
}

static void kinds_do_not_count_for_each_other(void **state) {
    (void)state;
    struct log_flood flood = {0};
    while (pass(&flood, "m", "t", 1)) {
    }
    assert_true(pass(&flood, "m", "u", 1));
    assert_true(pass(&flood, "mt", "", 1));
    assert_true(pass(&flood, "m", NULL, 1));
    assert_true(log_flood_pass(&flood, LOG_ERROR, "m", LOG_FIELDS(LOG_TEXT("topic", "t")), 1, &suppressed));
    assert_true(log_flood_pass(&flood, LOG_WARN, "m", LOG_FIELDS(LOG_TEXT("reason", "t")), 1, &suppressed));
    assert_false(pass(&flood, "m", "t", 1));
}

static void what_was_suppressed_is_told_once(void **state) {
    (void)state;
    struct log_flood flood = {0};
    struct log_kind kind;
    for (int line = 0; line < 12; line++) {
        (void)pass(&flood, "m", "t", 1);
    }
    assert_false(log_flood_take(&flood, 10 * SECOND, &kind));
    assert_true(log_flood_take(&flood, 10 * SECOND + 1, &kind));
    assert_int_equal(kind.suppressed, 2);
    assert_int_equal(kind.level, LOG_WARN);
    assert_string_equal(kind.message, "m");
    assert_string_equal(kind.field, "topic");
    assert_string_equal(kind.value, "t");
    assert_false(log_flood_take(&flood, INT64_MAX, &kind));
    assert_true(pass(&flood, "m", "t", 10 * SECOND + 2));
}

static void more_kinds_than_there_are_places_lose_no_count(void **state) {
    (void)state;
    struct log_flood flood = {0};
    struct log_kind kind;
    char topic[32];
    for (int number = 0; number < 3 * LOG_FLOOD_KINDS; number++) {
        (void)snprintf(topic, sizeof topic, "harmless-%d", number);
        assert_true(pass(&flood, "m", topic, 1));
    }
    for (int number = 0; number < LOG_FLOOD_KINDS; number++) {
        (void)snprintf(topic, sizeof topic, "topic-%d", number);
        while (pass(&flood, "m", topic, 2)) {
        }
    }
    for (int line = 0; line < 20; line++) {
        assert_true(pass(&flood, "m", "one too many", 3));
    }
    int told = 0;
    while (log_flood_take(&flood, INT64_MAX, &kind)) {
        assert_int_equal(kind.suppressed, 1);
        told++;
    }
    assert_int_equal(told, LOG_FLOOD_KINDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_line_of_a_kind_counts_those_before_it),
        cmocka_unit_test(kinds_do_not_count_for_each_other),
        cmocka_unit_test(what_was_suppressed_is_told_once),
        cmocka_unit_test(more_kinds_than_there_are_places_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
