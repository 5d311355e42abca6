// SPDX-License-Identifier: Apache-2.0
// The rest of a topic that fails: how long, how it grows, and that many failures at once are one.
#include "sns/rest.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { BASE = 1000, MAX = 8000, NOW = 5000000 };

static void does_not_rest_at_first(void **state) {
    struct rest rest;

    (void)state;
    rest_init(&rest, BASE, MAX);
    assert_int_equal(rest_left(&rest, 0), 0);
    assert_int_equal(rest_left(&rest, NOW), 0);
    assert_false(rest_end(&rest)); // a success that ends nothing
}

static void rests_after_a_failure(void **state) {
    struct rest rest;

    (void)state;
    rest_init(&rest, BASE, MAX);
    assert_true(rest_begin(&rest, NOW, "SNS: HTTP 500"));
    assert_string_equal(rest.reason, "SNS: HTTP 500");
    int64_t left = rest_left(&rest, NOW);
    assert_in_range(left, BASE / 2, BASE);
    assert_int_equal(rest_left(&rest, NOW + left - 1), 1);
    assert_int_equal(rest_left(&rest, NOW + left), 0);
    assert_int_equal(rest_left(&rest, NOW + left + 1), 0);
}

static void takes_failures_together_for_one(void **state) {
    struct rest rest;

    (void)state;
    rest_init(&rest, BASE, MAX);
    assert_true(rest_begin(&rest, NOW, "first"));
    int64_t left = rest_left(&rest, NOW);
    for (int index = 0; index < 100; index++) {
        assert_false(rest_begin(&rest, NOW + index, "another"));
    }
    assert_int_equal(rest_left(&rest, NOW), left);
    assert_int_equal(rest.failures, 1);
    assert_string_equal(rest.reason, "first");
}

static void doubles_up_to_the_limit(void **state) {
    struct rest rest;
    int64_t now = NOW;

    (void)state;
    rest_init(&rest, BASE, MAX);
    for (int64_t longest = BASE, failure = 1; failure <= 100; failure++) {
        assert_true(rest_begin(&rest, now, "again"));
        assert_int_equal(rest.failures, failure);
        assert_in_range(rest_left(&rest, now), longest / 2, longest);
        now += rest_left(&rest, now);
        longest = longest * 2 < MAX ? longest * 2 : MAX;
    }
}

static void ends_with_a_success(void **state) {
    struct rest rest;

    (void)state;
    rest_init(&rest, BASE, MAX);
    rest_begin(&rest, NOW, "one");
    rest_begin(&rest, NOW + MAX, "two");
    assert_int_equal(rest.failures, 2);
    assert_true(rest_end(&rest));
    assert_int_equal(rest_left(&rest, NOW + MAX), 0);
    assert_false(rest_end(&rest));
    assert_true(rest_begin(&rest, NOW + MAX, "three"));
    assert_in_range(rest_left(&rest, NOW + MAX), BASE / 2, BASE); // begun anew
}

static void cuts_long_reasons(void **state) {
    struct rest rest;
    char reason[2 * REST_REASON_SIZE] = {0};

    (void)state;
    memset(reason, 'r', sizeof reason - 1);
    rest_init(&rest, BASE, MAX);
    rest_begin(&rest, NOW, reason);
    assert_int_equal(strlen(rest.reason), REST_REASON_SIZE - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_not_rest_at_first),
        cmocka_unit_test(rests_after_a_failure),
        cmocka_unit_test(takes_failures_together_for_one),
        cmocka_unit_test(doubles_up_to_the_limit),
        cmocka_unit_test(ends_with_a_success),
        cmocka_unit_test(cuts_long_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
