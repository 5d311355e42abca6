// SPDX-License-Identifier: Apache-2.0
// Steps that take 20 to 50 ms, rests, and how often.
#include "upkeep/steps.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static const int64_t MINUTE = 60000000;

static void a_step_comes_to_take_tens_of_milliseconds(void **state) {
    static const int rows_a_millisecond[] = {2, 5, 20, 60, 150};
    (void)state;
    for (size_t index = 0; index < sizeof rows_a_millisecond / sizeof rows_a_millisecond[0]; index++) {
        int most = STEPS_FIRST;
        for (int step = 0; step < 30; step++) {
            most = steps_next(most, most * 1000 / rows_a_millisecond[index]);
        }
        int64_t took = most * 1000 / rows_a_millisecond[index];
        assert_true(took <= 50000 || most == STEPS_LEAST);
        assert_true(took >= 15000 || most == STEPS_MOST);
    }
}

static void a_step_has_bounds(void **state) {
    (void)state;
    assert_int_equal(steps_next(STEPS_MOST, 0), STEPS_MOST);
    assert_int_equal(steps_next(STEPS_LEAST, 10 * MINUTE), STEPS_LEAST);
    assert_int_equal(steps_next(4000, 30000), 4000);
}

static void pruning_takes_at_most_a_sixth_of_the_time(void **state) {
    (void)state;
    for (int64_t took = 1; took < MINUTE; took *= 3) {
        assert_true(took * 6 <= took + steps_rest(took, 0, false));
        assert_true(steps_rest(took, 0, true) >= steps_rest(took, 0, false));
    }
    assert_true(steps_rest(30000, 0, true) > 3 * steps_rest(30000, 0, false));
}

static void at_most_ten_thousand_rows_a_second_go(void **state) {
    (void)state;
    assert_int_equal(20000 + steps_rest(20000, 10000, false), 1000000);
    assert_true(steps_rest(20000, 10000, true) > 3 * steps_rest(20000, 10000, false));
    assert_int_equal(steps_rest(50000, 100, false), 250000);
    assert_int_equal(steps_rest(1, 0, false), 10000);
}

static void passes_are_hourly_or_oftener(void **state) {
    (void)state;
    assert_int_equal(steps_between_passes(7 * 24 * 60 * MINUTE), 60 * MINUTE);
    assert_int_equal(steps_between_passes(24 * MINUTE), MINUTE);
    assert_int_equal(steps_between_passes(1), 1000000);
}

static void what_is_slow_is_read_seldom(void **state) {
    (void)state;
    assert_int_equal(steps_read_again(2000, 5000000), 5000000);
    assert_int_equal(steps_read_again(400000, 5000000), 20000000);
    assert_int_equal(steps_read_again(60 * MINUTE, 5000000), 10 * MINUTE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_comes_to_take_tens_of_milliseconds),
        cmocka_unit_test(a_step_has_bounds),
        cmocka_unit_test(pruning_takes_at_most_a_sixth_of_the_time),
        cmocka_unit_test(at_most_ten_thousand_rows_a_second_go),
        cmocka_unit_test(passes_are_hourly_or_oftener),
        cmocka_unit_test(what_is_slow_is_read_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
