// SPDX-License-Identifier: Apache-2.0
// Tests of base/backoff.h. The jitter is random, so each case is drawn often: what is asserted holds for
// every draw.
#include "base/backoff.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { DRAWS = 500 };

static void assert_within(int failures, int64_t base, int64_t max, int64_t full) {
    for (int draw = 0; draw < DRAWS; draw++) {
        int64_t delay = backoff_us(failures, base, max);
        assert_true(delay <= full);
        assert_true(delay >= full - full / 2);
    }
}

static void it_doubles_with_every_failure_up_to_the_limit(void **state) {
    (void)state;
    static const struct {
        int failures;
        int64_t base, max, full;
    } cases[] = {
        {1, 1000, 60000, 1000},
        {2, 1000, 60000, 2000},
        {3, 1000, 60000, 4000},
        {6, 1000, 60000, 32000},
        {7, 1000, 60000, 60000},
        {8, 1000, 60000, 60000},
        {INT32_MAX, 1000, 60000, 60000},
        {1, 1000, 1000, 1000},
        {5, 1000, 1000, 1000},
        {1, 2000, 1000, 1000}, // a base above the limit
        {40, 1, INT64_C(1) << 39, INT64_C(1) << 39},
        {INT32_MAX, 1, INT64_C(86400000000), INT64_C(86400000000)},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        assert_within(cases[index].failures, cases[index].base, cases[index].max, cases[index].full);
    }
}

static void small_and_odd_delays_stay_in_their_range(void **state) {
    (void)state;
    assert_within(1, 0, 60000, 0);
    assert_within(30, 0, 60000, 0);
    assert_within(1, 1, 60000, 1);
    assert_within(1, 3, 60000, 3);
    assert_within(0, 1000, 60000, 1000); // no failure yet counts as one
}

// The chance that this fails by accident is below 1 in 10^100: 500 draws of 32 random bits each, all in one
// half.
static void those_who_failed_together_do_not_come_back_together(void **state) {
    (void)state;
    int early = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
        early += backoff_us(10, 1000000, 1000000) < 750000;
    }
    assert_true(early > 0);
    assert_true(early < DRAWS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_doubles_with_every_failure_up_to_the_limit),
        cmocka_unit_test(small_and_odd_delays_stay_in_their_range),
        cmocka_unit_test(those_who_failed_together_do_not_come_back_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
