// SPDX-License-Identifier: Apache-2.0
// The circuit breaker of a topic: how long it stays open, how that grows, that many failures at once are one,
// and that one probe decides.
#include "sns/breaker.h"

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

static void is_closed_at_first(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    assert_int_equal(breaker_state(&breaker, 0), BREAKER_CLOSED);
    assert_int_equal(breaker_state(&breaker, NOW), BREAKER_CLOSED);
    assert_int_equal(breaker_left(&breaker, 0), 0);
    assert_int_equal(breaker_left(&breaker, NOW), 0);
    assert_false(breaker_succeed(&breaker)); // a success that closes nothing
    assert_int_equal(breaker_state(&breaker, NOW), BREAKER_CLOSED);
}

static void opens_with_a_failure(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    assert_true(breaker_fail(&breaker, NOW, "SNS: HTTP 500"));
    assert_string_equal(breaker.reason, "SNS: HTTP 500");
    int64_t left = breaker_left(&breaker, NOW);
    assert_in_range(left, BASE / 2, BASE);
    assert_int_equal(breaker_state(&breaker, NOW), BREAKER_OPEN);
    assert_int_equal(breaker_left(&breaker, NOW + left - 1), 1);
    assert_int_equal(breaker_state(&breaker, NOW + left - 1), BREAKER_OPEN);
}

static void is_half_open_after_its_time(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    breaker_fail(&breaker, NOW, "one");
    int64_t end = NOW + breaker_left(&breaker, NOW);
    assert_int_equal(breaker_state(&breaker, end), BREAKER_HALF_OPEN);
    assert_int_equal(breaker_left(&breaker, end), 0);
    assert_int_equal(breaker_state(&breaker, end + 100 * MAX),
                     BREAKER_HALF_OPEN); // time alone closes nothing
    assert_int_equal(breaker_left(&breaker, end + 1), 0);
}

static void takes_failures_together_for_one(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    assert_true(breaker_fail(&breaker, NOW, "first"));
    int64_t left = breaker_left(&breaker, NOW);
    for (int index = 0; index < 100; index++) {
        assert_false(breaker_fail(&breaker, NOW + index, "another"));
    }
    assert_int_equal(breaker_left(&breaker, NOW), left);
    assert_int_equal(breaker.failures, 1);
    assert_string_equal(breaker.reason, "first");
}

static void doubles_up_to_the_limit(void **state) {
    struct breaker breaker;
    int64_t now = NOW;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    for (int64_t longest = BASE, failure = 1; failure <= 100; failure++) {
        assert_true(breaker_fail(&breaker, now, "again"));
        assert_int_equal(breaker.failures, failure);
        assert_in_range(breaker_left(&breaker, now), longest / 2, longest);
        now += breaker_left(&breaker, now);
        breaker_probe(&breaker);
        longest = longest * 2 < MAX ? longest * 2 : MAX;
    }
}

static void opens_again_when_the_probe_fails(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    breaker_fail(&breaker, NOW, "one");
    breaker_probe(&breaker);
    assert_int_equal(breaker_state(&breaker, NOW + MAX), BREAKER_PROBING);
    assert_int_equal(breaker_left(&breaker, NOW + MAX), 0);
    assert_true(breaker_fail(&breaker, NOW + MAX, "two"));
    assert_int_equal(breaker_state(&breaker, NOW + MAX), BREAKER_OPEN);
    assert_in_range(breaker_left(&breaker, NOW + MAX), BASE, 2 * BASE);
    assert_string_equal(breaker.reason, "two");
    int64_t end = NOW + MAX + breaker_left(&breaker, NOW + MAX);
    assert_int_equal(breaker_state(&breaker, end), BREAKER_HALF_OPEN); // another probe is needed
}

static void closes_when_the_probe_succeeds(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    breaker_fail(&breaker, NOW, "one");
    breaker_probe(&breaker);
    breaker_fail(&breaker, NOW + MAX, "two");
    assert_int_equal(breaker.failures, 2);
    breaker_probe(&breaker);
    assert_true(breaker_succeed(&breaker));
    assert_int_equal(breaker_state(&breaker, NOW + MAX), BREAKER_CLOSED);
    assert_int_equal(breaker_left(&breaker, NOW + MAX), 0);
    assert_false(breaker_succeed(&breaker));
    assert_true(breaker_fail(&breaker, NOW + MAX, "three"));
    assert_in_range(breaker_left(&breaker, NOW + MAX), BASE / 2, BASE); // begun anew
    assert_int_equal(breaker_state(&breaker, NOW + 2 * MAX), BREAKER_HALF_OPEN);
}

// A request that was under way before shows as well that the topic works.
static void closes_while_it_is_open(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    breaker_fail(&breaker, NOW, "one");
    assert_true(breaker_succeed(&breaker));
    assert_int_equal(breaker_state(&breaker, NOW), BREAKER_CLOSED);
}

static void takes_back_a_probe_that_said_nothing(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    breaker_release(&breaker); // nothing to take back
    assert_int_equal(breaker_state(&breaker, NOW), BREAKER_CLOSED);
    breaker_fail(&breaker, NOW, "one");
    breaker_probe(&breaker);
    breaker_release(&breaker);
    assert_int_equal(breaker_state(&breaker, NOW + BASE), BREAKER_HALF_OPEN);
    assert_int_equal(breaker.failures, 1);
    assert_string_equal(breaker.reason, "one");
}

static void can_be_hurried(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    assert_false(breaker_hurry(&breaker, NOW)); // it is closed
    assert_int_equal(breaker_state(&breaker, NOW), BREAKER_CLOSED);
    breaker_fail(&breaker, NOW, "one");
    assert_true(breaker_hurry(&breaker, NOW));
    assert_int_equal(breaker_state(&breaker, NOW), BREAKER_HALF_OPEN);
    assert_false(breaker_hurry(&breaker, NOW));
    breaker_probe(&breaker);
    assert_false(breaker_hurry(&breaker, NOW));
    assert_int_equal(breaker_state(&breaker, NOW), BREAKER_PROBING);
    breaker_fail(&breaker, NOW, "two"); // and the next rest is longer all the same
    assert_in_range(breaker_left(&breaker, NOW), BASE, 2 * BASE);
}

static void asks_for_an_event_to_probe_with(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    assert_int_equal(breaker_ask_in(&breaker, NOW), INT64_MAX);
    breaker_fail(&breaker, NOW, "one");
    int64_t now = NOW + breaker_left(&breaker, NOW);
    int64_t pause = breaker_ask_in(&breaker, now);
    assert_true(pause > 0); // one that comes by itself is waited for
    for (int64_t events = 10; events < 10000; events *= 10) {
        now += pause;
        assert_int_equal(breaker_ask_in(&breaker, now), 0);
        assert_int_equal(breaker_ask(&breaker, now), events);
        assert_int_equal(breaker_ask_in(&breaker, now), events > 10 ? 2 * pause : pause);
        pause = breaker_ask_in(&breaker, now);
    }
    for (int again = 0; again < 100; again++) {
        assert_int_equal(breaker_ask(&breaker, now), 10000);
    }
    assert_int_equal(breaker_ask_in(&breaker, now), 30000000);
    breaker_probe(&breaker); // while it probes, it is looked again later
    assert_in_range(breaker_ask_in(&breaker, now + 30000000), 1, 1000000);
    breaker_fail(&breaker, now, "two");
    now += breaker_left(&breaker, now);
    assert_true(breaker_ask_in(&breaker, now) > 0);
    assert_int_equal(breaker_ask(&breaker, now), 10);
    breaker_succeed(&breaker);
    assert_int_equal(breaker_ask_in(&breaker, now), INT64_MAX);
}

static void rests_until_nothing_has_come_to_probe_with(void **state) {
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker, BASE, MAX);
    assert_false(breaker_rests(&breaker, NOW));
    breaker_fail(&breaker, NOW, "one");
    int64_t half_open = NOW + breaker_left(&breaker, NOW);
    assert_true(breaker_rests(&breaker, NOW));
    assert_true(breaker_rests(&breaker, half_open + 59999999));
    assert_false(breaker_rests(&breaker, half_open + 60000000));
    breaker_probe(&breaker); // what is asked now is not known
    assert_true(breaker_rests(&breaker, half_open + 90000000));
    breaker_succeed(&breaker);
    assert_false(breaker_rests(&breaker, half_open + 90000000));
}

static void cuts_long_reasons(void **state) {
    struct breaker breaker;
    char reason[2 * BREAKER_REASON_SIZE] = {0};

    (void)state;
    memset(reason, 'r', sizeof reason - 1);
    breaker_init(&breaker, BASE, MAX);
    breaker_fail(&breaker, NOW, reason);
    assert_int_equal(strlen(breaker.reason), BREAKER_REASON_SIZE - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_closed_at_first),
        cmocka_unit_test(can_be_hurried),
        cmocka_unit_test(opens_with_a_failure),
        cmocka_unit_test(is_half_open_after_its_time),
        cmocka_unit_test(takes_failures_together_for_one),
        cmocka_unit_test(doubles_up_to_the_limit),
        cmocka_unit_test(opens_again_when_the_probe_fails),
        cmocka_unit_test(closes_when_the_probe_succeeds),
        cmocka_unit_test(closes_while_it_is_open),
        cmocka_unit_test(takes_back_a_probe_that_said_nothing),
        cmocka_unit_test(asks_for_an_event_to_probe_with),
        cmocka_unit_test(rests_until_nothing_has_come_to_probe_with),
        cmocka_unit_test(cuts_long_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
