// SPDX-License-Identifier: Apache-2.0
// The pace of a topic: how throttling lowers it, how it rises again, and that a simulated quota is used well.
#include "sns/limiter.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { SECOND = 1000000, START = 1000 * SECOND, BATCH = 10, QUOTA = 500 };

// As many as may go at once, at one moment.
static int send_all(struct limiter *limiter, int64_t now, int most) {
    int sent = 0;

    while (sent < most && limiter_wait_us(limiter, BATCH, now) == 0) {
        limiter_take(limiter, BATCH);
        sent += BATCH;
    }
    return sent;
}

static void has_no_limit_at_first(void **state) {
    struct limiter limiter;

    (void)state;
    limiter_init(&limiter, 0, START);
    assert_true(limiter_rate(&limiter) == 0);
    assert_int_equal(send_all(&limiter, START, 100000), 100000);
    limiter_accepted(&limiter, 100000, START);
    assert_true(limiter_rate(&limiter) == 0);
    assert_int_equal(limiter_wait_us(&limiter, 1 << 20, START), 0);
}

// The rate is 95 percent of what was accepted in the last second.
static void throttling_sets_the_rate_from_what_was_accepted(void **state) {
    struct limiter limiter;

    (void)state;
    limiter_init(&limiter, 0, START);
    limiter_accepted(&limiter, 9000, START); // longer ago than a second
    for (int64_t now = START + SECOND; now < START + 2 * SECOND; now += SECOND / 10) {
        limiter_accepted(&limiter, 40, now);
    }
    assert_true(limiter_throttled(&limiter, START + 2 * SECOND - 1));
    assert_int_equal((int)limiter_rate(&limiter), 380);
}

static void a_rate_lets_through_that_much(void **state) {
    struct limiter limiter;
    int sent = 0;

    (void)state;
    limiter_init(&limiter, 200, START);
    for (int64_t now = START; now < START + 5 * SECOND; now += 1000) {
        sent += send_all(&limiter, now, 1000);
    }
    assert_in_range(sent, 5 * 200 - BATCH, 5 * 200);
}

static void a_limit_that_changes_holds_at_once(void **state) {
    struct limiter limiter;

    (void)state;
    limiter_init(&limiter, 0, START);
    limiter_limit(&limiter, 200);
    int sent = 0;
    for (int64_t now = START; now < START + 5 * SECOND; now += 1000) {
        sent += send_all(&limiter, now, 1000);
    }
    assert_in_range(sent, 5 * 200 - BATCH, 5 * 200);
    limiter_limit(&limiter, 0);
    assert_int_equal(limiter_wait_us(&limiter, 100000, START + 5 * SECOND), 0);
    limiter_accepted(&limiter, 1000, START + 5 * SECOND);
    assert_true(limiter_throttled(&limiter, START + 5 * SECOND));
    limiter_limit(&limiter, 5000); // what throttling has taught stays
    assert_int_equal((int)limiter_rate(&limiter), 950);
    limiter_limit(&limiter, 300);
    assert_int_equal((int)limiter_rate(&limiter), 300);
}

static void tells_how_long_to_wait(void **state) {
    struct limiter limiter;

    (void)state;
    limiter_init(&limiter, 100, START);
    int64_t wait = limiter_wait_us(&limiter, BATCH, START);
    assert_in_range(wait, SECOND / 10, SECOND / 10 + 1);
    assert_true(limiter_wait_us(&limiter, BATCH, START + wait - 100) > 0);
    assert_int_equal(limiter_wait_us(&limiter, BATCH, START + wait), 0);
    limiter_take(&limiter, BATCH);
    assert_in_range(limiter_wait_us(&limiter, BATCH, START + wait), SECOND / 10 - 10, SECOND / 10 + 1);
}

// Not asked for an hour: no more than a tenth of a second's messages are saved up.
static void saves_up_little(void **state) {
    struct limiter limiter;

    (void)state;
    limiter_init(&limiter, 1000, START);
    assert_int_equal(send_all(&limiter, START + 3600 * (int64_t)SECOND, 100000), 100);
    limiter_init(&limiter, 1, START); // a batch must fit all the same
    assert_int_equal(send_all(&limiter, START + 3600 * (int64_t)SECOND, 100000), BATCH);
}

static void rejections_together_are_one(void **state) {
    struct limiter limiter;

    (void)state;
    limiter_init(&limiter, 0, START);
    limiter_accepted(&limiter, 1000, START);
    assert_true(limiter_throttled(&limiter, START));
    for (int64_t now = START; now < START + SECOND / 2; now += SECOND / 100) {
        assert_false(limiter_throttled(&limiter, now));
    }
    assert_int_equal((int)limiter_rate(&limiter), 950);
    assert_true(limiter_throttled(&limiter, START + SECOND / 2));
    assert_true(limiter_rate(&limiter) < 950);
}

static void never_stops(void **state) {
    struct limiter limiter;
    int64_t now = START;

    (void)state;
    limiter_init(&limiter, 0, START);
    for (int index = 0; index < 100; index++, now += SECOND) {
        assert_true(limiter_throttled(&limiter, now));
        assert_true(limiter_rate(&limiter) >= 0.5);
    }
    assert_true(limiter_rate(&limiter) == 0.5);
    assert_true(limiter_wait_us(&limiter, 1, now) <= 2 * SECOND);
}

// Throttled while little was sent, it must not sink below the quota for long; throttled at a rate, it never
// goes up by that.
static void throttling_never_raises_the_rate(void **state) {
    struct limiter limiter;

    (void)state;
    limiter_init(&limiter, 0, START);
    limiter_accepted(&limiter, 200, START);
    limiter_throttled(&limiter, START);
    assert_int_equal((int)limiter_rate(&limiter), 190);
    limiter_accepted(&limiter, 5000, START + SECOND);
    assert_true(limiter_throttled(&limiter, START + SECOND));
    assert_int_equal((int)(limiter_rate(&limiter) + 0.5), 181);
}

static void a_rate_that_is_not_used_up_goes_down_by_a_third_at_most(void **state) {
    struct limiter limiter;

    (void)state;
    limiter_init(&limiter, 1000, START);
    limiter_accepted(&limiter, 10, START);
    assert_true(limiter_throttled(&limiter, START));
    assert_int_equal((int)limiter_rate(&limiter), 700);
}

static void a_fixed_limit_holds_and_throttling_goes_below_it(void **state) {
    struct limiter limiter;

    (void)state;
    limiter_init(&limiter, 100, START);
    assert_int_equal((int)limiter_rate(&limiter), 100);
    limiter_accepted(&limiter, 80, START);
    assert_true(limiter_throttled(&limiter, START));
    assert_int_equal((int)limiter_rate(&limiter), 76);
    for (int64_t now = START; now < START + 60 * (int64_t)SECOND; now += SECOND / 10) {
        limiter_wait_us(&limiter, BATCH, now);
        assert_true(limiter_rate(&limiter) <= 100);
        assert_true(limiter_rate(&limiter) > 0);
    }
    assert_int_equal((int)limiter_rate(&limiter), 100); // and back to it
}

// SNS in simulated time: accepts QUOTA messages a second (a bucket of a second's messages), rejects the rest;
// its answers take 20 ms, and a relay that has always something to send sends when the limiter lets it.
struct simulation {
    struct limiter limiter;
    double quota; // 0: accepts everything
    double bucket;
    int64_t now;
    int accepted, rejected;
    struct {
        int64_t at;
        int accepted, rejected;
    } answers[256];
    int first, count;
};

static void take_answers(struct simulation *simulation) {
    while (simulation->count > 0 && simulation->answers[simulation->first].at <= simulation->now) {
        int accepted = simulation->answers[simulation->first].accepted;
        int rejected = simulation->answers[simulation->first].rejected;
        if (accepted > 0) {
            limiter_accepted(&simulation->limiter, accepted, simulation->now);
        }
        if (rejected > 0) {
            limiter_throttled(&simulation->limiter, simulation->now);
        }
        simulation->accepted += accepted;
        simulation->rejected += rejected;
        simulation->first = (simulation->first + 1) % 256;
        simulation->count--;
    }
}

static void send_batches(struct simulation *simulation) {
    while (simulation->count < 64 && limiter_wait_us(&simulation->limiter, BATCH, simulation->now) == 0) {
        bool accepts = simulation->quota == 0 || simulation->bucket >= BATCH;
        int slot = (simulation->first + simulation->count++) % 256;
        limiter_take(&simulation->limiter, BATCH);
        simulation->bucket -= accepts ? BATCH : 0;
        simulation->answers[slot].at = simulation->now + 20000;
        simulation->answers[slot].accepted = accepts ? BATCH : 0;
        simulation->answers[slot].rejected = accepts ? 0 : BATCH;
    }
}

static void run(struct simulation *simulation, int seconds) {
    enum { STEP = 1000 };
    int64_t end = simulation->now + seconds * (int64_t)SECOND;

    simulation->accepted = simulation->rejected = 0;
    for (; simulation->now < end; simulation->now += STEP) {
        simulation->bucket += simulation->quota * STEP / SECOND;
        simulation->bucket = simulation->bucket < simulation->quota ? simulation->bucket : simulation->quota;
        take_answers(simulation);
        send_batches(simulation);
    }
}

static void uses_a_quota_well(void **state) {
    struct simulation simulation = {.quota = QUOTA, .bucket = QUOTA, .now = START};

    (void)state;
    limiter_init(&simulation.limiter, 0, START);
    run(&simulation, 60);
    assert_in_range(simulation.accepted, 60 * 450, 61 * QUOTA);
    assert_in_range(simulation.rejected, 1, simulation.accepted / 50);
    assert_in_range((int)limiter_rate(&simulation.limiter), 400, 600);
}

// The quota is used up by others when the relay starts, so that the first answer is a rejection.
static void finds_the_quota_after_a_bad_start(void **state) {
    struct simulation simulation = {.quota = QUOTA, .now = START};

    (void)state;
    limiter_init(&simulation.limiter, 0, START);
    run(&simulation, 30);
    run(&simulation, 30);
    assert_in_range(simulation.accepted, 30 * 450, 31 * QUOTA);
    assert_in_range(simulation.rejected, 0, simulation.accepted / 10);
}

static void recovers_when_the_quota_goes_away(void **state) {
    struct simulation simulation = {.quota = QUOTA, .bucket = QUOTA, .now = START};

    (void)state;
    limiter_init(&simulation.limiter, 0, START);
    run(&simulation, 30);
    simulation.quota = 0;
    run(&simulation, 30);
    assert_int_equal(simulation.rejected, 0);
    assert_true(limiter_rate(&simulation.limiter) == 0); // no limit again
    run(&simulation, 1);
    assert_true(simulation.accepted > 20 * QUOTA);
}

static void follows_a_quota_that_changes(void **state) {
    struct simulation simulation = {.quota = 4 * QUOTA, .bucket = 4 * QUOTA, .now = START};

    (void)state;
    limiter_init(&simulation.limiter, 0, START);
    run(&simulation, 20);
    simulation.quota = QUOTA;
    run(&simulation, 5);
    run(&simulation, 30);
    assert_in_range(simulation.accepted, 30 * 440, 30 * QUOTA + QUOTA);
    simulation.quota = 2 * QUOTA;
    run(&simulation, 30);
    run(&simulation, 30);
    assert_in_range(simulation.accepted, 30 * 850, 30 * 2 * QUOTA + 2 * QUOTA);
    assert_in_range(simulation.rejected, 0, simulation.accepted / 10);
}

// Whatever the rate allows, or that there is none.
static void a_held_limiter_waits(void **state) {
    static const int64_t rates[] = {0, 1000};

    (void)state;
    for (int index = 0; index < 2; index++) {
        struct limiter limiter;
        limiter_init(&limiter, rates[index], START);
        int64_t now = START + 10 * SECOND;
        assert_int_equal(limiter_wait_us(&limiter, BATCH, now), 0);
        limiter_hold(&limiter, now + 2 * SECOND);
        assert_int_equal(limiter_wait_us(&limiter, BATCH, now), 2 * SECOND);
        assert_int_equal(limiter_wait_us(&limiter, BATCH, now + SECOND), SECOND);
        assert_int_equal(limiter_wait_us(&limiter, BATCH, now + 2 * SECOND), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_no_limit_at_first),
        cmocka_unit_test(throttling_sets_the_rate_from_what_was_accepted),
        cmocka_unit_test(a_rate_lets_through_that_much),
        cmocka_unit_test(tells_how_long_to_wait),
        cmocka_unit_test(a_limit_that_changes_holds_at_once),
        cmocka_unit_test(saves_up_little),
        cmocka_unit_test(rejections_together_are_one),
        cmocka_unit_test(never_stops),
        cmocka_unit_test(throttling_never_raises_the_rate),
        cmocka_unit_test(a_rate_that_is_not_used_up_goes_down_by_a_third_at_most),
        cmocka_unit_test(a_fixed_limit_holds_and_throttling_goes_below_it),
        cmocka_unit_test(uses_a_quota_well),
        cmocka_unit_test(finds_the_quota_after_a_bad_start),
        cmocka_unit_test(recovers_when_the_quota_goes_away),
        cmocka_unit_test(follows_a_quota_that_changes),
        cmocka_unit_test(a_held_limiter_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
