// SPDX-License-Identifier: Apache-2.0
// Tests of outbox/pace.h.
#include "outbox/pace.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { MS = 1000, POLL = 1000 * MS, START = 5000 * MS };

static void looks_become_rarer_while_nothing_happens(void **state) {
    (void)state;
    static const struct {
        int64_t quiet;
        bool loaded;
        int64_t slowest;
        int64_t wait;
    } cases[] = {
        {0, false, POLL, 2 * MS},
        {16 * MS, false, POLL, 2 * MS},
        {24 * MS, false, POLL, 3 * MS},
        {800 * MS, false, POLL, 100 * MS},
        {7999 * MS, false, POLL, 999875},
        {8000 * MS, false, POLL, POLL},
        {3600000LL * MS, false, POLL, POLL},
        {0, true, POLL, 20 * MS},
        {160 * MS, true, POLL, 20 * MS},
        {240 * MS, true, POLL, 30 * MS},
        {800 * MS, false, 20 * MS, 20 * MS},
        {0, true, 5 * MS, 5 * MS}, // never slower than asked for
        {0, false, 1 * MS, 1 * MS},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        struct pace pace = {.last_activity = START};
        int64_t now = START + cases[index].quiet;
        pace_looked(&pace, now, cases[index].loaded, cases[index].slowest);
        assert_int_equal(pace.next_look - now, cases[index].wait);
    }
}

static void a_look_that_takes_long_is_not_taken_often(void **state) {
    (void)state;
    struct pace pace = {.last_activity = START};
    pace_look_took(&pace, 50 * MS);
    pace_looked(&pace, START, false, 20 * MS);
    assert_int_equal(pace.next_look, START + 2 * MS);
    pace_look_took(&pace, 300 * MS);
    pace_looked(&pace, START, false, 20 * MS);
    assert_int_equal(pace.next_look, START + 1200 * MS);
    pace_activity(&pace, START);
    assert_int_equal(pace.next_look, START + 1200 * MS);
    pace_look_took(&pace, 30000 * MS); // the server was away
    pace_looked(&pace, START, false, 20 * MS);
    assert_int_equal(pace.next_look, START + 2000 * MS);
    pace_look_took(&pace, MS);
    pace_activity(&pace, START);
    assert_int_equal(pace.next_look, START + 2 * MS);
}

static void activity_brings_the_next_look_near_and_never_delays_it(void **state) {
    (void)state;
    struct pace pace = {.next_look = START + POLL};
    pace_activity(&pace, START);
    assert_int_equal(pace.last_activity, START);
    assert_int_equal(pace.next_look, START + 2 * MS);
    pace_activity(&pace, START + MS);
    assert_int_equal(pace.next_look, START + 2 * MS);
    pace.next_look = START;
    pace_activity(&pace, START + 9 * MS);
    assert_int_equal(pace.next_look, START);
}

// The pause after looks between which so many events come, once that has become usual.
static int64_t pause_between(int events) {
    struct pace pace = {.last_activity = START};
    for (int look = 0; look < 100; look++) {
        pace_claimed(&pace, START, events);
        pace_looked(&pace, START, false, POLL);
    }
    return pace.next_look - START;
}

static void the_more_comes_between_two_looks_the_longer_the_pause(void **state) {
    (void)state;
    assert_int_equal(pause_between(0), 2 * MS);
    assert_in_range(pause_between(2), 2240, 2250); // 1,000 events a second
    assert_in_range(pause_between(16), 3990, 4000);
    assert_in_range(pause_between(80), 11990, 12000);
    assert_int_equal(pause_between(1000), 20 * MS);
}

static void the_pause_follows_within_a_few_looks(void **state) {
    (void)state;
    struct pace pace = {.last_activity = START};
    pace_claimed(&pace, START, 100000);
    pace_looked(&pace, START, false, POLL);
    assert_int_equal(pace.next_look, START + 7 * MS);
    pace_activity(&pace, START); // brings it no nearer than that
    assert_int_equal(pace.next_look, START + 7 * MS);
    for (int look = 0; look < 10; look++) {
        pace_looked(&pace, START, false, POLL);
    }
    assert_in_range(pace.next_look, START + 2 * MS, START + 2300);
}

static void whoever_can_sleep_looks_often_and_the_others_poll(void **state) {
    (void)state;
    assert_int_equal(pace_slowest(true, POLL), 20 * MS);
    assert_int_equal(pace_slowest(false, POLL), POLL);
}

static void it_sleeps_after_a_while_without_activity(void **state) {
    (void)state;
    struct pace pace = {0};
    pace_activity(&pace, START);
    assert_false(pace_may_sleep(&pace, START));
    assert_false(pace_may_sleep(&pace, START + 20 * MS - 1));
    assert_true(pace_may_sleep(&pace, START + 20 * MS));
}

static void a_refused_sleep_is_tried_again_a_little_later(void **state) {
    (void)state;
    struct pace pace = {.last_activity = 0};
    pace_sleep_refused(&pace, START);
    assert_false(pace_may_sleep(&pace, START + 10 * MS - 1));
    assert_true(pace_may_sleep(&pace, START + 10 * MS));
}

static void questions_are_asked_every_few_milliseconds(void **state) {
    (void)state;
    struct pace pace = {0};
    assert_true(pace_may_ask(&pace, START));
    assert_false(pace_may_ask(&pace, START));
    assert_false(pace_may_ask(&pace, START + 20 * MS - 1));
    assert_true(pace_may_ask(&pace, START + 20 * MS)); // a refusal has not moved it
    assert_false(pace_may_ask(&pace, START + 20 * MS));
}

static void asleep_it_looks_once_a_minute_or_with_gaps_ever_less_often(void **state) {
    (void)state;
    struct pace pace = {0};
    pace_activity(&pace, START);
    assert_int_equal(pace_asleep(&pace, START, false), 60000 * MS);
    assert_int_equal(pace_asleep(&pace, START, true), 1000 * MS);
    assert_int_equal(pace_asleep(&pace, START + 8000 * MS, true), 1000 * MS);
    assert_int_equal(pace_asleep(&pace, START + 80000 * MS, true), 10000 * MS);
    assert_int_equal(pace_asleep(&pace, START + 800000 * MS, true), 60000 * MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_become_rarer_while_nothing_happens),
        cmocka_unit_test(a_look_that_takes_long_is_not_taken_often),
        cmocka_unit_test(activity_brings_the_next_look_near_and_never_delays_it),
        cmocka_unit_test(the_more_comes_between_two_looks_the_longer_the_pause),
        cmocka_unit_test(the_pause_follows_within_a_few_looks),
        cmocka_unit_test(whoever_can_sleep_looks_often_and_the_others_poll),
        cmocka_unit_test(it_sleeps_after_a_while_without_activity),
        cmocka_unit_test(a_refused_sleep_is_tried_again_a_little_later),
        cmocka_unit_test(asleep_it_looks_once_a_minute_or_with_gaps_ever_less_often),
        cmocka_unit_test(questions_are_asked_every_few_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
