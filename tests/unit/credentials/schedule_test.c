// SPDX-License-Identifier: Apache-2.0
// When credentials are fetched again, on clocks that the test sets.
#include "credentials/schedule.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define SECONDS INT64_C(1000000)
#define MINUTES (60 * SECONDS)
#define HOURS (60 * MINUTES)

static const struct schedule_now start = {.wall = 1769862896000000, .monotonic = 5 * SECONDS};

static struct schedule_now after(int64_t us) {
    return (struct schedule_now){start.wall + us, start.monotonic + us};
}

static void assert_window(int64_t left, int64_t earliest, int64_t latest) {
    int64_t actual_earliest, actual_latest;
    schedule_window(left, &actual_earliest, &actual_latest);
    assert_int_equal(actual_earliest, earliest);
    assert_int_equal(actual_latest, latest);
}

static void the_window_is_ahead_of_the_end(void **state) {
    (void)state;
    assert_window(12 * HOURS, 630 * MINUTES, 648 * MINUTES);                // a tenth
    assert_window(1 * HOURS, 54 * MINUTES - 90 * SECONDS, 54 * MINUTES);    // a tenth is 6 minutes
    assert_window(20 * MINUTES, 15 * MINUTES - 75 * SECONDS, 15 * MINUTES); // 5 minutes
    assert_window(4 * MINUTES, 90 * SECONDS, 120 * SECONDS);                // half of it
    assert_window(1, 1 * SECONDS, 1 * SECONDS);                             // no busy loop
    assert_window(0, 12 * MINUTES, 15 * MINUTES);                           // no end is known
    for (int64_t left = 2 * SECONDS; left < 48 * HOURS; left += 977 * 1000000 / 3) {
        int64_t earliest, latest;
        schedule_window(left, &earliest, &latest);
        assert_in_range(earliest, 3 * left / 8 - 1 < SECONDS ? SECONDS : 3 * left / 8 - 1, latest);
        assert_true(latest <= left);
    }
}

static void nothing_is_fetched_before_its_time(void **state) {
    struct schedule schedule = {0};

    (void)state;
    assert_int_equal(schedule_wait(&schedule, start), 0); // there are none
    assert_false(schedule_alive(&schedule, start));
    schedule_found(&schedule, start, start.wall + 1 * HOURS);
    assert_in_range(schedule_wait(&schedule, start), 52 * MINUTES, 54 * MINUTES);
    assert_true(schedule_wait(&schedule, after(52 * MINUTES)) > 0);
    assert_int_equal(schedule_wait(&schedule, after(54 * MINUTES)), 0);
    assert_true(schedule_alive(&schedule, after(1 * HOURS - 1)));
    assert_false(schedule_alive(&schedule, after(1 * HOURS)));
    schedule_found(&schedule, start, 0);
    assert_true(schedule_alive(&schedule, after(9999 * HOURS)));
    assert_in_range(schedule_wait(&schedule, start), 12 * MINUTES, 15 * MINUTES);
}

static void many_do_not_ask_at_once(void **state) {
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    for (int index = 0; index < 100; index++) {
        struct schedule schedule = {0};
        schedule_found(&schedule, start, start.wall + 1 * HOURS);
        int64_t wait = schedule_wait(&schedule, start);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    assert_true(most - least > 45 * SECONDS);
}

static void failures_back_off(void **state) {
    struct schedule schedule = {0};
    int64_t total = 0;

    (void)state;
    schedule_found(&schedule, start, start.wall + 1 * HOURS);
    for (int failure = 1; failure <= 20; failure++) {
        struct schedule_now now = after(54 * MINUTES + total);
        schedule_failed(&schedule, now);
        int64_t wait = schedule_wait(&schedule, now);
        int64_t most = failure > 6 ? 1 * MINUTES : (SECONDS << (failure - 1));
        assert_in_range(wait, most / 2, most);
        total += wait;
        assert_true(schedule_alive(&schedule, now) == (now.wall < start.wall + 1 * HOURS));
    }
    schedule_found(&schedule, after(54 * MINUTES + total), start.wall + 3 * HOURS);
    assert_true(schedule_wait(&schedule, after(54 * MINUTES + total)) > 1 * HOURS);
}

static void a_refusal_fetches_once_and_at_once(void **state) {
    struct schedule schedule = {0};

    (void)state;
    assert_false(schedule_refused(&schedule, start)); // there are none
    schedule_found(&schedule, start, start.wall + 1 * HOURS);
    assert_true(schedule_refused(&schedule, after(10 * MINUTES)));
    assert_false(schedule_refused(&schedule, after(10 * MINUTES)));
    assert_int_equal(schedule_wait(&schedule, after(10 * MINUTES)), 0);
    schedule_found(&schedule, after(11 * MINUTES), start.wall + 1 * HOURS);
    assert_true(schedule_wait(&schedule, after(11 * MINUTES)) > 30 * MINUTES);
    assert_true(schedule_refused(&schedule, after(20 * MINUTES)));
    assert_int_equal(schedule_wait(&schedule, after(20 * MINUTES)), 0);
}

// Whoever hands out credentials that are never any good is not asked without pause.
static void new_ones_that_are_refused_back_off(void **state) {
    struct schedule schedule = {0};
    int64_t total = 0, wait = 0;

    (void)state;
    for (int round = 0; round < 12; round++) {
        struct schedule_now now = after(total);
        schedule_found(&schedule, now, now.wall + 1 * HOURS);
        assert_true(schedule_refused(&schedule, now));
        wait = schedule_wait(&schedule, now);
        assert_true((round == 0) == (wait == 0));
        total += wait;
    }
    assert_in_range(wait, 30 * SECONDS, 60 * SECONDS);
    total += 5 * MINUTES; // those last were good for a while
    assert_true(schedule_refused(&schedule, after(total)) == false);
    schedule_found(&schedule, after(total), 0);
    assert_true(schedule_refused(&schedule, after(total + 2 * MINUTES)));
    assert_int_equal(schedule_wait(&schedule, after(total + 2 * MINUTES)), 0);
}

// A suspension shows on the wall clock alone, a clock that is set back on the monotonic one.
static void either_clock_may_say_that_it_is_time(void **state) {
    struct schedule schedule = {0};

    (void)state;
    schedule_found(&schedule, start, start.wall + 1 * HOURS);
    struct schedule_now woken = {start.wall + 8 * HOURS, start.monotonic + 1};
    assert_int_equal(schedule_wait(&schedule, woken), 0);
    assert_false(schedule_alive(&schedule, woken));
    struct schedule_now set_back = {start.wall - 48 * HOURS, start.monotonic + 54 * MINUTES};
    assert_int_equal(schedule_wait(&schedule, set_back), 0);
    struct schedule_now set_back_early = {start.wall - 48 * HOURS, start.monotonic + 10 * MINUTES};
    assert_in_range(schedule_wait(&schedule, set_back_early), 40 * MINUTES, 45 * MINUTES);
}

// A year of hourly credentials, each second fetch failing for a while: never without, never in a hurry.
static void a_year_passes(void **state) {
    struct schedule schedule = {0};
    int64_t time = 0;
    int fetches = 0, failures = 0;

    (void)state;
    schedule_found(&schedule, after(0), start.wall + 1 * HOURS);
    while (time < 365 * 24 * HOURS) {
        time += schedule_wait(&schedule, after(time));
        assert_true(schedule_alive(&schedule, after(time)));
        fetches++;
        if (fetches % 5 != 0) {
            schedule_failed(&schedule, after(time));
            failures++;
        } else {
            schedule_found(&schedule, after(time), start.wall + time + 1 * HOURS);
        }
    }
    assert_in_range(fetches - failures, 365 * 24, 365 * 24 * 12 / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_is_ahead_of_the_end),
        cmocka_unit_test(nothing_is_fetched_before_its_time),
        cmocka_unit_test(many_do_not_ask_at_once),
        cmocka_unit_test(failures_back_off),
        cmocka_unit_test(a_refusal_fetches_once_and_at_once),
        cmocka_unit_test(new_ones_that_are_refused_back_off),
        cmocka_unit_test(either_clock_may_say_that_it_is_time),
        cmocka_unit_test(a_year_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
