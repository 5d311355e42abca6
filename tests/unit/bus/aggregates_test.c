// SPDX-License-Identifier: Apache-2.0
// The aggregates that the bus has in hand: one event of an aggregate at a time, in order, whatever becomes of
// it.
#include "base/memory.h"
#include "bus/aggregates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { TEXT_SIZE = 256 };

struct fixture {
    struct aggregates *aggregates;
    struct bus_event *gone[16]; // under way, in order
    int gone_count;
    char let_go[TEXT_SIZE]; // rows; those that were first in brackets
    const char *stopped;    // an aggregate that must not go now
};

static int create(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);

    fixture->aggregates = aggregates_new();
    *state = fixture;
    return 0;
}

static int release(void **state) {
    struct fixture *fixture = *state;

    aggregates_free(fixture->aggregates);
    free(fixture);
    return 0;
}

// The claims are pointers to nothing in particular.
static char one[] = "one", two[] = "two";

static bool hold(struct fixture *fixture, const char *aggregate_id, int row, void *claim) {
    size_t length = strlen(aggregate_id);
    struct bus_event *event = memory_allocate(1, sizeof *event + length);

    memcpy(event->bytes, aggregate_id, length);
    event->event.aggregate_id = (struct slice){event->bytes, length};
    event->delivery = (struct delivery){claim, row};
    if (aggregates_hold(fixture->aggregates, event)) {
        return true;
    }
    free(event);
    return false;
}

static bool may_go(void *context, const struct bus_event *event) {
    const struct fixture *fixture = context;
    struct slice id = event->event.aggregate_id;
    return fixture->stopped == NULL || strlen(fixture->stopped) != id.length ||
           memcmp(fixture->stopped, id.data, id.length) != 0;
}

static void go(void *context, struct bus_event *event) {
    struct fixture *fixture = context;
    assert_in_range(fixture->gone_count, 0, 15);
    fixture->gone[fixture->gone_count++] = event;
}

static void run(struct fixture *fixture) {
    const struct aggregates_runner runner = {fixture, may_go, go};
    aggregates_run(fixture->aggregates, &runner);
}

static void let_go(void *context, struct bus_event *event, bool is_first) {
    struct fixture *fixture = context;
    size_t length = strlen(fixture->let_go);

    snprintf(fixture->let_go + length, TEXT_SIZE - length, is_first ? "[%d]" : "%d ", event->delivery.row);
    free(event);
}

// The rows that have gone since the last time.
static void assert_gone(struct fixture *fixture, int from, const int *rows) {
    int count = from;

    for (; *rows >= 0; rows++, count++) {
        assert_in_range(count, 0, fixture->gone_count - 1);
        assert_int_equal(fixture->gone[count]->delivery.row, *rows);
    }
    assert_int_equal(fixture->gone_count, count);
}
#define ROWS(...) ((const int[]){__VA_ARGS__ __VA_OPT__(, ) - 1})

static void done(struct fixture *fixture, int index) {
    aggregates_done(fixture->aggregates, fixture->gone[index]);
    free(fixture->gone[index]);
}

static void fail_event(struct fixture *fixture, int index) {
    aggregates_fail(fixture->aggregates, fixture->gone[index], let_go, fixture);
    free(fixture->gone[index]);
}

static void lets_one_of_each_go(void **state) {
    struct fixture *fixture = *state;

    assert_true(hold(fixture, "a", 1, one));
    assert_true(hold(fixture, "a", 2, one));
    assert_true(hold(fixture, "b", 3, one));
    assert_true(hold(fixture, "", 4, one));
    run(fixture);
    assert_gone(fixture, 0, ROWS(1, 3, 4));
    run(fixture);
    assert_gone(fixture, 3, ROWS());
    assert_int_equal(aggregates_under_way(fixture->aggregates, slice_of_text("a"))->delivery.row, 1);
    assert_null(aggregates_under_way(fixture->aggregates, slice_of_text("c")));
    assert_true(hold(fixture, "b", 5, one));
    done(fixture, 0);
    done(fixture, 1);
    done(fixture, 2);
    assert_null(aggregates_under_way(fixture->aggregates, slice_of_text("a")));
    run(fixture);
    assert_gone(fixture, 3, ROWS(2, 5));
}

static void leaves_what_must_not_go_in_its_place(void **state) {
    struct fixture *fixture = *state;

    hold(fixture, "a", 1, one);
    hold(fixture, "b", 2, one);
    hold(fixture, "c", 3, one);
    fixture->stopped = "a";
    run(fixture);
    assert_gone(fixture, 0, ROWS(2, 3));
    fixture->stopped = NULL;
    run(fixture);
    assert_gone(fixture, 2, ROWS(1));
}

// Those that come behind it while its claim is still being read must not overtake it, those of the next claim
// may.
static void stops_what_follows_a_failure(void **state) {
    struct fixture *fixture = *state;

    hold(fixture, "a", 1, one);
    hold(fixture, "a", 2, one);
    hold(fixture, "b", 3, one);
    run(fixture);
    fail_event(fixture, 0);
    assert_string_equal(fixture->let_go, "2 ");
    assert_false(hold(fixture, "a", 4, one));
    assert_true(hold(fixture, "b", 5, one));
    aggregates_offered(fixture->aggregates, two); // another claim
    assert_false(hold(fixture, "a", 6, one));
    aggregates_offered(fixture->aggregates, one);
    assert_true(hold(fixture, "a", 4, two));
    run(fixture);
    assert_gone(fixture, 2, ROWS(4));
}

static void needs_no_memory_of_failures_once_all_is_offered(void **state) {
    struct fixture *fixture = *state;

    hold(fixture, "a", 1, one);
    hold(fixture, "a", 2, one);
    aggregates_offered(fixture->aggregates, one);
    run(fixture);
    fail_event(fixture, 0);
    assert_string_equal(fixture->let_go, "2 ");
    assert_true(hold(fixture, "a", 1, two));
}

static void stops_what_follows_a_refusal(void **state) {
    struct fixture *fixture = *state;

    hold(fixture, "a", 1, one);
    aggregates_refuse(fixture->aggregates, slice_of_text("a"), one);
    assert_false(hold(fixture, "a", 3, one));
    run(fixture);
    assert_gone(fixture, 0, ROWS(1)); // what was before it goes on
    aggregates_offered(fixture->aggregates, one);
    assert_true(hold(fixture, "a", 2, two));
}

static void drops_the_held_of_a_claim(void **state) {
    struct fixture *fixture = *state;

    hold(fixture, "a", 1, one);
    run(fixture);
    hold(fixture, "a", 2, one);
    hold(fixture, "b", 3, one);
    hold(fixture, "b", 4, one);
    hold(fixture, "b", 5, two);
    aggregates_drop(fixture->aggregates, one, let_go, fixture);
    // (Those behind an event under way come last.)
    assert_non_null(strstr(fixture->let_go, "2 "));
    assert_non_null(strstr(fixture->let_go, "[3]4 "));
    assert_int_equal(strlen(fixture->let_go), strlen("2 [3]4 "));
    assert_false(hold(fixture, "b", 6, two)); // it is still being offered
    run(fixture);
    assert_gone(fixture, 1, ROWS(5));
    fixture->let_go[0] = '\0';
    hold(fixture, "c", 7, two);
    aggregates_drop(fixture->aggregates, NULL, let_go, fixture);
    assert_string_equal(fixture->let_go, "[7]");
}

static void count_up(void *context, struct bus_event *event) {
    int *sum = context;
    *sum += event->delivery.row;
}

static void shows_what_is_under_way(void **state) {
    struct fixture *fixture = *state;
    int sum = 0;

    hold(fixture, "a", 1, one);
    hold(fixture, "b", 10, one);
    hold(fixture, "b", 100, one);
    run(fixture);
    aggregates_visit(fixture->aggregates, count_up, &sum);
    assert_int_equal(sum, 11);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lets_one_of_each_go, create, release),
        cmocka_unit_test_setup_teardown(leaves_what_must_not_go_in_its_place, create, release),
        cmocka_unit_test_setup_teardown(stops_what_follows_a_failure, create, release),
        cmocka_unit_test_setup_teardown(needs_no_memory_of_failures_once_all_is_offered, create, release),
        cmocka_unit_test_setup_teardown(stops_what_follows_a_refusal, create, release),
        cmocka_unit_test_setup_teardown(drops_the_held_of_a_claim, create, release),
        cmocka_unit_test_setup_teardown(shows_what_is_under_way, create, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
