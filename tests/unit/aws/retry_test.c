// SPDX-License-Identifier: Apache-2.0
// Retries: the quota that ends them when most are in vain, and the delays before them.
#include "aws/retry.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { TOKENS = 500, COST = 14, RETRIES = TOKENS / COST };

static int take_all(struct retry_quota *quota) {
    int taken = 0;

    while (retry_quota_take(quota)) {
        taken++;
    }
    return taken;
}

static void three_attempts_are_two_retries(void **state) {
    (void)state;
    assert_int_equal(RETRY_ATTEMPTS, 3);
}

static void the_quota_ends(void **state) {
    struct retry_quota quota;

    (void)state;
    retry_quota_init(&quota);
    assert_int_equal(take_all(&quota), RETRIES);
    assert_int_equal(quota.tokens, TOKENS % COST); // what is too little for one more stays
    assert_false(retry_quota_take(&quota));
    assert_int_equal(quota.tokens, TOKENS % COST);
}

static void a_success_after_retries_gives_back_one_of_them(void **state) {
    struct retry_quota quota;

    (void)state;
    retry_quota_init(&quota);
    take_all(&quota);
    retry_quota_refund(&quota, 2);
    assert_int_equal(take_all(&quota), 1);
}

static void a_success_at_once_gives_back_a_little(void **state) {
    struct retry_quota quota;

    (void)state;
    retry_quota_init(&quota);
    take_all(&quota);
    int tokens = quota.tokens;
    for (int successes = 1; tokens + successes < COST; successes++) {
        retry_quota_refund(&quota, 0);
        assert_false(retry_quota_take(&quota));
    }
    retry_quota_refund(&quota, 0);
    assert_true(retry_quota_take(&quota));
    assert_int_equal(quota.tokens, 0);
}

static void no_success_gives_more_than_there_was(void **state) {
    struct retry_quota quota;

    (void)state;
    retry_quota_init(&quota);
    for (int index = 0; index < 1000; index++) {
        retry_quota_refund(&quota, index % 3);
    }
    assert_int_equal(quota.tokens, TOKENS);
    assert_int_equal(take_all(&quota), RETRIES);
}

// All of a delay is random, up to a bound that doubles: of so many one is in its last quarter and one in its
// first, but for a chance of 2 in 10^12.
static void delays_are_random_below_a_bound_that_doubles(void **state) {
    static const int64_t bounds[] = {50000, 100000, 200000, 400000, 800000, 1600000};

    (void)state;
    for (int retry = 1; retry <= 6; retry++) {
        int64_t most = bounds[retry - 1];
        int64_t least_seen = INT64_MAX;
        int64_t most_seen = 0;
        for (int index = 0; index < 100; index++) {
            int64_t delay = retry_delay_us(retry);
            assert_in_range(delay, 0, most);
            least_seen = delay < least_seen ? delay : least_seen;
            most_seen = delay > most_seen ? delay : most_seen;
        }
        assert_true(least_seen < most / 4);
        assert_true(most_seen > most - most / 4);
    }
}

static void delays_have_a_limit(void **state) {
    (void)state;
    for (int retry = 1; retry <= 1000; retry++) {
        assert_in_range(retry_delay_us(retry), 0, 20000000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_attempts_are_two_retries),
        cmocka_unit_test(the_quota_ends),
        cmocka_unit_test(a_success_after_retries_gives_back_one_of_them),
        cmocka_unit_test(a_success_at_once_gives_back_a_little),
        cmocka_unit_test(no_success_gives_more_than_there_was),
        cmocka_unit_test(delays_are_random_below_a_bound_that_doubles),
        cmocka_unit_test(delays_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
