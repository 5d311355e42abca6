// SPDX-License-Identifier: Apache-2.0
// What the bus knows of event types: outages in growing steps, and the pace of slow ones.
#include "bus/types.h"

#include <stdio.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define SECOND INT64_C(1000000)

enum { START = 77 };

static const struct slice order = {"order.created", 13}, user = {"user.registered", 15};

static int create(void **state) {
    *state = types_new(SECOND, 300 * SECOND);
    return 0;
}

static int release(void **state) {
    types_free(*state);
    return 0;
}

static void grows_while_an_outage_lasts(void **state) {
    struct types *types = *state;
    int64_t now = START;

    assert_int_equal(types_out_us(types, order, now), 0);
    for (int outage = 0; outage < 10; outage++) {
        int64_t most = outage < 6 ? SECOND << outage : 60 * SECOND;
        int64_t wait = types_unreachable(types, order, now);
        assert_in_range(wait, most / 2, most);
        // Others that fail meanwhile are of the same outage.
        assert_int_equal(types_unreachable(types, order, now + 100), wait - 100);
        assert_int_equal(types_out_us(types, order, now + 100), wait - 100);
        assert_int_equal(types_out_us(types, user, now + 100), 0);
        now += wait;
        assert_int_equal(types_out_us(types, order, now), 0);
    }
    types_unreachable(types, order, now);
    types_reached(types, order);
    assert_int_equal(types_out_us(types, order, now), 0);
    assert_in_range(types_unreachable(types, order, now), SECOND / 2, SECOND);
}

static void keeps_within_the_setting(void **state) {
    struct types *types = types_new(1000, 4000);
    int64_t now = START;

    (void)state;
    for (int outage = 0; outage < 10; outage++) {
        int64_t wait = types_unreachable(types, order, now);
        assert_in_range(wait, 500, 4000);
        now += wait;
    }
    types_free(types);
}

static void begin(struct types *types, struct slice type, int count) {
    for (int index = 0; index < count; index++) {
        types_begun(types, type);
    }
}

static void counts_what_is_at_work(void **state) {
    struct types *types = *state;

    assert_int_equal(types_at_work(types, order), 0);
    begin(types, order, 3);
    begin(types, user, 1);
    assert_int_equal(types_at_work(types, order), 3);
    types_ended(types, order, 10);
    types_taken_back(types, order);
    assert_int_equal(types_at_work(types, order), 1);
    assert_int_equal(types_at_work(types, user), 1);
    types_ended(types, user, 10);
    types_ended(types, user, 10);
    assert_int_equal(types_at_work(types, user), 0);
}

// 100 at work that take a tenth of a second each are 1,000 a second.
static void sheds_nothing_that_is_soon_begun(void **state) {
    struct types *types = *state;

    for (int index = 0; index < 100; index++) {
        types_begun(types, order);
        types_ended(types, order, SECOND / 10);
    }
    begin(types, order, 100);
    types_begin_turn(types);
    for (int index = 0; index < 900; index++) {
        assert_int_equal(types_shed(types, order), 0);
    }
    types_begin_turn(types); // and counts anew
    for (int index = 0; index < 900; index++) {
        assert_int_equal(types_shed(types, order), 0);
    }
}

// 10 at work that take two seconds each are 5 a second.
static void puts_off_at_the_pace_of_a_type(void **state) {
    struct types *types = *state;

    begin(types, order, 10);
    types_kept(types, order, 2 * SECOND);
    types_kept(types, order, SECOND); // is no news
    assert_true(types_are_slow(types, order));
    assert_false(types_are_slow(types, user));
    types_begin_turn(types);
    for (int index = 1; index <= 5; index++) {
        assert_int_equal(types_shed(types, order), 0);
    }
    for (int index = 6; index < 300; index++) {
        assert_int_equal(types_shed(types, order), index * SECOND / 5);
    }
    for (int index = 300; index < 1000; index++) {
        assert_int_equal(types_shed(types, order), 60 * SECOND);
    }
    assert_int_equal(types_shed(types, user), 0);
    for (int index = 0; index < 50; index++) { // they have become fast
        types_begun(types, order);
        types_ended(types, order, 1000);
    }
    assert_false(types_are_slow(types, order));
    types_begin_turn(types);
    for (int index = 0; index < 800; index++) {
        assert_int_equal(types_shed(types, order), 0);
    }
}

// More types than there are places, and names longer than any.
static void forgets_rather_than_grow(void **state) {
    struct types *types = *state;
    char name[300];

    memset(name, 'x', sizeof name);
    for (int index = 0; index < 5000; index++) {
        int length = snprintf(name, sizeof name, "type-%d", index);
        const struct slice type = {name, (size_t)length};
        assert_int_equal(types_out_us(types, type, START), 0);
        types_unreachable(types, type, START);
        assert_in_range(types_out_us(types, type, START), SECOND / 2, SECOND);
        types_begun(types, type);
        assert_int_equal(types_at_work(types, type), 1);
    }
    types_ended(types, slice_of_text("type-0"), 5);
    types_begun(types, (struct slice){name, sizeof name});
    types_ended(types, (struct slice){name, sizeof name}, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grows_while_an_outage_lasts, create, release),
        cmocka_unit_test(keeps_within_the_setting),
        cmocka_unit_test_setup_teardown(counts_what_is_at_work, create, release),
        cmocka_unit_test_setup_teardown(sheds_nothing_that_is_soon_begun, create, release),
        cmocka_unit_test_setup_teardown(puts_off_at_the_pace_of_a_type, create, release),
        cmocka_unit_test_setup_teardown(forgets_rather_than_grow, create, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
