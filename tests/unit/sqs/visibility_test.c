// SPDX-License-Identifier: Apache-2.0
#include "sqs/visibility.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define S INT64_C(1000000)
#define H (3600 * S)

static void seconds_are_never_fewer(void **state) {
    (void)state;
    assert_int_equal(visibility_seconds(0), 0);
    assert_int_equal(visibility_seconds(1), 1);
    assert_int_equal(visibility_seconds(2 * S), 2);
    assert_int_equal(visibility_seconds(2 * S + 1), 3);
    assert_int_equal(visibility_seconds(12 * H), 43200);
}

static void a_message_is_hidden_shortly_before_the_answer(void **state) {
    (void)state;
    assert_int_equal(visibility_since(100 * S, 120 * S, 30 * S), 119 * S);
    assert_int_equal(visibility_since(100 * S, 120 * S, 2 * S), 120 * S - S / 2);
    assert_int_equal(visibility_since(100 * S, 100 * S + 10000, 30 * S), 100 * S);
}

static void an_extension_stays_within_twelve_hours(void **state) {
    (void)state;
    assert_int_equal(visibility_extension(0, 30 * S, 15 * S, 30), 30);
    assert_int_equal(visibility_extension(0, 2 * S, S, 2), 2);
    assert_int_equal(visibility_extension(0, 2 * S, S - 1000, 2), 2); // a timer may be early
    assert_int_equal(visibility_extension(0, 12 * H - 5 * S, 12 * H - 20 * S, 30), 19);
    assert_int_equal(visibility_extension(0, 12 * H - 2 * S, 12 * H - 20 * S, 30), 19);
    assert_int_equal(visibility_extension(0, 12 * H - S, 12 * H - 20 * S, 30), 0);
    assert_int_equal(visibility_extension(0, 12 * H, 12 * H + 5 * S, 30), 0);
}

// However it is extended, a message's last extensions are few.
static void extensions_come_to_an_end(void **state) {
    int64_t deadline = 12 * H - 60 * S, now = deadline - 15 * S;
    int extensions = 0;

    (void)state;
    for (int seconds; (seconds = visibility_extension(0, deadline, now, 30)) > 0; extensions++) {
        deadline = now + seconds * S;
        assert_true(deadline <= 12 * H);
        now = deadline - 15 * S > now + 1000 ? deadline - 15 * S : now + 1000;
    }
    assert_in_range(extensions, 1, 8);
    assert_true(deadline >= 12 * H - 3 * S);
}

static void a_backoff_grows_by_receives(void **state) {
    (void)state;
    for (int times = 0; times < 100; times++) {
        assert_in_range(visibility_backoff(1, 10 * S, 300 * S, 0, 0, 0), 5, 10);
        assert_in_range(visibility_backoff(0, 10 * S, 300 * S, 0, 0, 0), 5, 10);
        assert_in_range(visibility_backoff(3, 10 * S, 300 * S, 0, 0, 0), 20, 40);
        assert_in_range(visibility_backoff(1000000, 10 * S, 300 * S, 0, 0, 0), 150, 300);
        assert_int_equal(visibility_backoff(1, 1000, 300 * S, 0, 0, 0), 0);
    }
    assert_int_equal(visibility_backoff(1, 1000, 300 * S, 90 * S, 0, 0), 90);
    assert_int_equal(visibility_backoff(1, 1000, 300 * S, 90 * S + 1, 0, 0), 91);
    assert_in_range(visibility_backoff(2, 100 * S, 300 * S, 90 * S, 0, 0), 100, 200);
}

static void a_backoff_is_what_sqs_allows_at_most(void **state) {
    (void)state;
    assert_int_equal(visibility_backoff(1, 24 * H, 24 * H, 0, 0, 0), 43199);
    assert_int_equal(visibility_backoff(1, S, S, INT64_MAX, 0, H), 11 * 3600 - 1);
    assert_int_equal(visibility_backoff(1, 24 * H, 24 * H, 0, 0, 12 * H - S / 2), 0);
    assert_int_equal(visibility_backoff(1, 24 * H, 24 * H, 24 * H, 0, 13 * H), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_are_never_fewer),
        cmocka_unit_test(a_message_is_hidden_shortly_before_the_answer),
        cmocka_unit_test(an_extension_stays_within_twelve_hours),
        cmocka_unit_test(extensions_come_to_an_end),
        cmocka_unit_test(a_backoff_grows_by_receives),
        cmocka_unit_test(a_backoff_is_what_sqs_allows_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
