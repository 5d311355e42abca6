// SPDX-License-Identifier: Apache-2.0
// Tests of observe/health.h.
#include "observe/health.h"

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

static void it_is_good_when_every_check_is(void **state) {
    (void)state;
    struct health health = {0};
    assert_true(health_is_good(&health));
    health_add(&health, "database", true, NULL);
    assert_true(health_is_good(&health));
    assert_string_equal(health.checks[0].why, "");
    health_add(&health, "credentials", false, "they have expired");
    health_add(&health, "routes", true, NULL);
    assert_false(health_is_good(&health));
    assert_string_equal(health.checks[1].name, "credentials");
    assert_string_equal(health.checks[1].why, "they have expired");
}

static void why_is_one_line_of_bounded_length(void **state) {
    (void)state;
    struct health health = {0};
    char long_text[2 * HEALTH_WHY_SIZE];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    health_add(&health, "one", false,
               "a\nb\tc\x7f"
               "d\x1b");
    health_add(&health, "two", false, long_text);
    assert_string_equal(health.checks[0].why, "a b c d ");
    assert_int_equal(strlen(health.checks[1].why), HEALTH_WHY_SIZE - 1);
}

static void why_is_utf8(void **state) {
    (void)state;
    struct health health = {0};
    char long_text[2 * HEALTH_WHY_SIZE];
    (void)snprintf(long_text, sizeof long_text, "%*s", HEALTH_WHY_SIZE, "ü"); // cut within it
    health_add(&health, "one", false, "für \xff");
    health_add(&health, "two", false, long_text);
    assert_string_equal(health.checks[0].why, "für  ");
    assert_int_equal(strspn(health.checks[1].why, " "), HEALTH_WHY_SIZE - 1);
}

static void one_check_too_many_is_left_out(void **state) {
    (void)state;
    struct health health = {0};
    for (int index = 0; index <= HEALTH_CHECKS_MAX; index++) {
        health_add(&health, "one", index < HEALTH_CHECKS_MAX, NULL);
    }
    assert_int_equal(health.count, HEALTH_CHECKS_MAX);
    assert_true(health_is_good(&health));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_good_when_every_check_is),
        cmocka_unit_test(why_is_one_line_of_bounded_length),
        cmocka_unit_test(why_is_utf8),
        cmocka_unit_test(one_check_too_many_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
