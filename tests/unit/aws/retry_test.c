// SPDX-License-Identifier: Apache-2.0
// Retries: how many, the quota that ends them when most are in vain, the delays before them, and what a
// service may ask for.
#include "aws/retry.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { TOKENS = 500, TRANSIENT_COST = 14, THROTTLED_COST = 5, MS = 1000, SECOND = 1000000 };

static bool take_first(struct retry_quota *quota, enum retry_cause cause) {
    struct retry retry = {0};
    return retry_take(&retry, quota, cause);
}

static int take_all(struct retry_quota *quota, enum retry_cause cause) {
    int taken = 0;

    while (take_first(quota, cause)) {
        taken++;
    }
    return taken;
}

static void three_attempts_are_two_retries(void **state) {
    struct retry_quota quota;
    struct retry retry = {0};

    (void)state;
    retry_quota_init(&quota);
    assert_int_equal(RETRY_ATTEMPTS, 3);
    assert_true(retry_take(&retry, &quota, RETRY_TRANSIENT));
    assert_true(retry_take(&retry, &quota, RETRY_THROTTLED));
    assert_false(retry_take(&retry, &quota, RETRY_THROTTLED));
    assert_int_equal(retry.retries, 2);
    assert_int_equal(quota.tokens, TOKENS - TRANSIENT_COST - THROTTLED_COST); // nothing for what is refused
}

static void the_quota_ends(void **state) {
    static const struct {
        enum retry_cause cause;
        int cost;
    } causes[] = {{RETRY_TRANSIENT, TRANSIENT_COST}, {RETRY_THROTTLED, THROTTLED_COST}};

    (void)state;
    for (int index = 0; index < 2; index++) {
        struct retry_quota quota;
        retry_quota_init(&quota);
        assert_int_equal(take_all(&quota, causes[index].cause), TOKENS / causes[index].cost);
        assert_int_equal(quota.tokens, TOKENS % causes[index].cost);
    }
}

// What is too little for one kind may be enough for the other.
static void a_throttled_retry_is_cheaper(void **state) {
    struct retry_quota quota;

    (void)state;
    retry_quota_init(&quota);
    take_all(&quota, RETRY_TRANSIENT);
    assert_int_equal(quota.tokens, TOKENS % TRANSIENT_COST);
    assert_int_equal(take_all(&quota, RETRY_THROTTLED), TOKENS % TRANSIENT_COST / THROTTLED_COST);
}

static void a_success_gives_back_the_last_retry(void **state) {
    struct retry_quota quota;
    struct retry retry = {0};

    (void)state;
    retry_quota_init(&quota);
    assert_true(retry_take(&retry, &quota, RETRY_TRANSIENT));
    assert_true(retry_take(&retry, &quota, RETRY_THROTTLED));
    retry_succeed(&retry, &quota);
    assert_int_equal(quota.tokens, TOKENS - TRANSIENT_COST);
}

static void a_success_at_once_gives_back_one_token(void **state) {
    const struct retry none = {0};
    struct retry_quota quota;

    (void)state;
    retry_quota_init(&quota);
    take_all(&quota, RETRY_TRANSIENT);
    for (int tokens = quota.tokens; tokens < TRANSIENT_COST; tokens++) {
        assert_false(take_first(&quota, RETRY_TRANSIENT));
        retry_succeed(&none, &quota);
    }
    assert_true(take_first(&quota, RETRY_TRANSIENT));
    assert_int_equal(quota.tokens, 0);
}

static void no_success_gives_more_than_there_was(void **state) {
    const struct retry retries[] = {{0}, {.retries = 1, .paid = TRANSIENT_COST}, {.retries = 2, .paid = 5}};
    struct retry_quota quota;

    (void)state;
    retry_quota_init(&quota);
    for (int index = 0; index < 1000; index++) {
        retry_succeed(&retries[index % 3], &quota);
    }
    assert_int_equal(quota.tokens, TOKENS);
}

// All of a delay is random, up to a bound: of so many one is in its last quarter and one in its first, but
// for a chance of 2 in 10^12.
static void assert_random_below(const struct retry *retry, int64_t most) {
    int64_t least_seen = INT64_MAX;
    int64_t most_seen = 0;
    for (int index = 0; index < 100; index++) {
        int64_t delay = retry_delay_us(retry, NULL);
        assert_in_range(delay, 0, most);
        least_seen = delay < least_seen ? delay : least_seen;
        most_seen = delay > most_seen ? delay : most_seen;
    }
    assert_true(least_seen < most / 4);
    assert_true(most_seen > most - most / 4);
}

static void delays_are_random_below_a_bound_that_doubles(void **state) {
    static const int64_t transient[] = {50 * MS, 100 * MS, 200 * MS, 400 * MS, 800 * MS, 1600 * MS};

    (void)state;
    for (int retries = 1; retries <= 6; retries++) {
        const struct retry failed = {.retries = retries, .cause = RETRY_TRANSIENT};
        const struct retry throttled = {.retries = retries, .cause = RETRY_THROTTLED};
        int64_t most = INT64_C(1) << (retries - 1);
        assert_random_below(&failed, transient[retries - 1]);
        assert_random_below(&throttled, most * SECOND < 20 * SECOND ? most * SECOND : 20 * SECOND);
    }
}

static void delays_have_a_limit(void **state) {
    (void)state;
    for (int retries = 1; retries <= 1000; retries++) {
        const struct retry retry = {.retries = retries, .cause = RETRY_THROTTLED};
        assert_in_range(retry_delay_us(&retry, NULL), 0, 20 * SECOND);
    }
}

static void the_service_may_ask_for_up_to_five_seconds_more(void **state) {
    (void)state;
    assert_int_equal(retry_after_us("1500", 0), 1500 * MS);
    assert_int_equal(retry_after_us("1500", 300 * MS), 1500 * MS);
    assert_int_equal(retry_after_us("100", 300 * MS), 300 * MS); // never less than the backoff
    assert_int_equal(retry_after_us("0", 300 * MS), 300 * MS);
    assert_int_equal(retry_after_us("5300", 300 * MS), 5300 * MS);
    assert_int_equal(retry_after_us("5301", 300 * MS), 5300 * MS);
    assert_int_equal(retry_after_us("99999999", 0), 5 * SECOND);
}

static void what_the_service_asks_for_counts_in_the_delay(void **state) {
    const struct retry retry = {.retries = 1, .cause = RETRY_TRANSIENT};

    (void)state;
    for (int index = 0; index < 20; index++) {
        assert_int_equal(retry_delay_us(&retry, "2000"), 2 * SECOND);
        assert_in_range(retry_delay_us(&retry, "3600000"), 5 * SECOND, 5 * SECOND + 50 * MS);
    }
}

static void what_is_no_number_is_not_heeded(void **state) {
    static const char *const values[] = {"",   " ",   "1 ",   " 1", "-1",
                                         "+1", "1.5", "0x10", "1s", "Wed, 25 Nov 2026 05:00:00 GMT"};

    (void)state;
    assert_int_equal(retry_after_us(NULL, 7), 7);
    for (size_t index = 0; index < sizeof values / sizeof values[0]; index++) {
        assert_int_equal(retry_after_us(values[index], 7), 7);
    }
    // However long, it is only a long time.
    assert_int_equal(retry_after_us("184467440737095516160000000000", 7), 5 * SECOND + 7);
    assert_int_equal(retry_after_us("9999999999", 7), 5 * SECOND + 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_attempts_are_two_retries),
        cmocka_unit_test(the_quota_ends),
        cmocka_unit_test(a_throttled_retry_is_cheaper),
        cmocka_unit_test(a_success_gives_back_the_last_retry),
        cmocka_unit_test(a_success_at_once_gives_back_one_token),
        cmocka_unit_test(no_success_gives_more_than_there_was),
        cmocka_unit_test(delays_are_random_below_a_bound_that_doubles),
        cmocka_unit_test(delays_have_a_limit),
        cmocka_unit_test(the_service_may_ask_for_up_to_five_seconds_more),
        cmocka_unit_test(what_the_service_asks_for_counts_in_the_delay),
        cmocka_unit_test(what_is_no_number_is_not_heeded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
