// SPDX-License-Identifier: Apache-2.0
// The message groups of a FIFO topic: one event of each under way at most, in order, and what a failure lets
// go. A sanitizer sees what is not freed.
#include "base/memory.h"
#include "sns/groups.h"

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

enum { ROWS_MAX = 64 };

// What was let go, in this order.
struct let_go {
    int rows[ROWS_MAX];
    int count;
};

static char claim_one, claim_two;

static struct held *new_held(void *claim, int row) {
    struct held *held = memory_allocate(1, sizeof *held);

    buffer_init(&held->encoded, 64);
    buffer_append_int(&held->encoded, row);
    held->entry.delivery = (struct delivery){claim, row};
    return held;
}

static void hold_for(struct groups *groups, const char *group, void *claim, int row) {
    assert_true(groups_hold(groups, group, new_held(claim, row)));
}

static void hold(struct groups *groups, const char *group, int row) {
    hold_for(groups, group, &claim_one, row);
}

static void assert_not_held(struct groups *groups, const char *group) {
    struct held *held = new_held(&claim_one, 999);

    assert_false(groups_hold(groups, group, held));
    held_free(held); // it was not taken over
}

// Takes the next event, which must be this one, and returns its group.
static struct group *take(struct groups *groups, int row) {
    const struct held *next = groups_peek(groups);

    assert_non_null(next);
    assert_int_equal(next->entry.delivery.row, row);
    struct held *held = groups_take(groups);
    assert_ptr_equal(held, next);
    struct group *group = held->entry.group;
    assert_non_null(group);
    held_free(held);
    return group;
}

static void on_let_go(void *context, struct held *held) {
    struct let_go *let_go = context;

    assert_true(let_go->count < ROWS_MAX);
    let_go->rows[let_go->count++] = held->entry.delivery.row;
    held_free(held);
}

static void fail_group(struct groups *groups, struct group *group, struct let_go *let_go) {
    *let_go = (struct let_go){0};
    groups_fail(groups, group, on_let_go, let_go);
}

static void drop(struct groups *groups, const void *claim, struct let_go *let_go) {
    *let_go = (struct let_go){0};
    groups_drop(groups, claim, on_let_go, let_go);
}

static void assert_let_go(const struct let_go *let_go, const int *rows) {
    int count = 0;

    for (; rows[count] >= 0; count++) {
        assert_true(count < let_go->count);
        assert_int_equal(let_go->rows[count], rows[count]);
    }
    assert_int_equal(let_go->count, count);
}

#define ROWS(...) ((const int[]){__VA_ARGS__, -1})

static void is_empty_at_first(void **state) {
    struct groups *groups = groups_new();
    struct let_go let_go;

    (void)state;
    assert_null(groups_peek(groups));
    assert_int_equal(groups_held(groups), 0);
    groups_offered(groups, &claim_one);
    drop(groups, NULL, &let_go);
    assert_int_equal(let_go.count, 0);
    groups_free(groups);
    groups_free(NULL);
}

static void keeps_one_of_a_group_under_way(void **state) {
    struct groups *groups = groups_new();

    (void)state;
    hold(groups, "a", 0);
    hold(groups, "a", 1);
    hold(groups, "a", 2);
    assert_int_equal(groups_held(groups), 3);
    struct group *group = take(groups, 0);
    assert_int_equal(groups_held(groups), 2);
    assert_null(groups_peek(groups));
    hold(groups, "a", 3); // one more changes nothing
    assert_null(groups_peek(groups));
    for (int row = 1; row <= 3; row++) {
        groups_done(groups, group);
        group = take(groups, row);
        assert_null(groups_peek(groups));
    }
    groups_done(groups, group);
    assert_null(groups_peek(groups));
    assert_int_equal(groups_held(groups), 0);
    hold(groups, "a", 4); // a group that was forgotten begins anew
    take(groups, 4);
    groups_free(groups);
}

static void gives_groups_their_turns(void **state) {
    struct groups *groups = groups_new();

    (void)state;
    for (int row = 0; row < 9; row++) {
        hold(groups, (const char *[]){"a", "b", "c"}[row % 3], row);
    }
    struct group *a = take(groups, 0);
    struct group *b = take(groups, 1);
    struct group *c = take(groups, 2);
    assert_null(groups_peek(groups));
    groups_done(groups, b);
    b = take(groups, 4); // the others do not hold it up
    assert_null(groups_peek(groups));
    groups_done(groups, c);
    groups_done(groups, a);
    groups_done(groups, b);
    take(groups, 5); // in the order in which they came free
    take(groups, 3);
    take(groups, 7);
    assert_null(groups_peek(groups));
    assert_int_equal(groups_held(groups), 2);
    groups_free(groups);
}

static void a_failure_lets_go_exactly_what_is_behind(void **state) {
    struct groups *groups = groups_new();
    struct let_go let_go;

    (void)state;
    for (int row = 0; row < 8; row++) {
        hold(groups, row % 2 == 0 ? "a" : "b", row);
    }
    groups_offered(groups, &claim_one);
    struct group *a = take(groups, 0);
    struct group *b = take(groups, 1);
    fail_group(groups, a, &let_go);
    assert_let_go(&let_go, ROWS(2, 4, 6));
    assert_int_equal(groups_held(groups), 3);
    assert_null(groups_peek(groups));
    groups_done(groups, b);
    take(groups, 3); // the other group goes on
    groups_free(groups);
}

static void a_failure_of_the_last_lets_go_nothing(void **state) {
    struct groups *groups = groups_new();
    struct let_go let_go;

    (void)state;
    hold(groups, "a", 0);
    hold(groups, "b", 1);
    groups_offered(groups, &claim_one);
    fail_group(groups, take(groups, 0), &let_go);
    assert_int_equal(let_go.count, 0);
    take(groups, 1);
    hold(groups, "a", 2); // of the next claim: it comes in order again
    take(groups, 2);
    groups_free(groups);
}

// Events of a claim that is still coming in must not be sent behind one of it that has failed.
static void a_failure_stops_later_ones_of_the_claim(void **state) {
    struct groups *groups = groups_new();
    struct let_go let_go;

    (void)state;
    hold(groups, "a", 0);
    hold(groups, "a", 1);
    hold(groups, "b", 2);
    fail_group(groups, take(groups, 0), &let_go);
    assert_let_go(&let_go, ROWS(1));
    assert_not_held(groups, "a");
    hold(groups, "b", 3);
    hold(groups, "c", 4);
    assert_not_held(groups, "a");
    assert_int_equal(groups_held(groups), 3);
    groups_offered(groups, &claim_one);
    hold(groups, "a", 5); // the next claim has read the group from its first event on
    take(groups, 2);
    take(groups, 4);
    take(groups, 5);
    groups_free(groups);
}

// Claims are read side by side: that another one is complete says nothing of this one.
static void a_failure_counts_until_its_own_claim_is_complete(void **state) {
    struct groups *groups = groups_new();
    struct let_go let_go;

    (void)state;
    hold(groups, "a", 0);
    groups_offered(groups, &claim_two);
    fail_group(groups, take(groups, 0), &let_go);
    groups_offered(groups, &claim_two);
    assert_not_held(groups, "a");
    groups_offered(groups, &claim_one);
    hold(groups, "a", 1);
    take(groups, 1);
    groups_free(groups);
}

static void refuses_what_follows_an_event_that_is_not_sent(void **state) {
    struct groups *groups = groups_new();

    (void)state;
    hold(groups, "a", 0);
    groups_refuse(groups, "a", &claim_one);
    groups_refuse(groups, "b", &claim_one); // a group that has nothing
    assert_not_held(groups, "a");
    assert_not_held(groups, "b");
    hold(groups, "c", 1);
    struct group *group = take(groups, 0); // what came before may be sent
    groups_done(groups, group);
    assert_not_held(groups, "a"); // also when that is done
    assert_int_equal(groups_held(groups), 1);
    groups_offered(groups, &claim_one);
    hold(groups, "a", 2);
    hold(groups, "b", 3);
    take(groups, 1);
    take(groups, 2);
    take(groups, 3);
    groups_free(groups);
}

static void drops_one_claim(void **state) {
    struct groups *groups = groups_new();
    struct let_go let_go;

    (void)state;
    hold_for(groups, "a", &claim_one, 0);
    hold_for(groups, "a", &claim_one, 1);
    hold_for(groups, "a", &claim_two, 2);
    hold_for(groups, "b", &claim_two, 3);
    hold_for(groups, "c", &claim_one, 4);
    groups_offered(groups, &claim_one);
    struct group *a = take(groups, 0);
    drop(groups, &claim_one, &let_go);
    assert_int_equal(let_go.count, 2);
    assert_int_equal(let_go.rows[0] + let_go.rows[1], 1 + 4); // the one under way is not touched
    assert_int_equal(groups_held(groups), 2);
    take(groups, 3);
    assert_null(groups_peek(groups)); // "c" is not ready any more, "a" is under way
    groups_done(groups, a);
    take(groups, 2);
    assert_null(groups_peek(groups));
    groups_free(groups);
}

static void drops_all(void **state) {
    struct groups *groups = groups_new();
    struct let_go let_go;

    (void)state;
    hold_for(groups, "a", &claim_one, 0);
    hold_for(groups, "a", &claim_two, 1);
    hold_for(groups, "b", &claim_two, 2);
    struct group *a = take(groups, 0);
    groups_offered(groups, &claim_two);
    drop(groups, NULL, &let_go);
    assert_int_equal(let_go.count, 2);
    assert_int_equal(groups_held(groups), 0);
    assert_null(groups_peek(groups));
    groups_done(groups, a);
    assert_null(groups_peek(groups));
    hold(groups, "b", 3);
    take(groups, 3);
    groups_free(groups);
}

// A drop in the middle of a claim: what comes later of the same groups must not be sent.
static void a_drop_stops_later_ones_of_the_claim(void **state) {
    struct groups *groups = groups_new();
    struct let_go let_go;

    (void)state;
    hold(groups, "a", 0);
    drop(groups, &claim_one, &let_go);
    assert_let_go(&let_go, ROWS(0));
    assert_not_held(groups, "a");
    hold(groups, "b", 1);
    groups_offered(groups, &claim_one);
    hold(groups, "a", 2);
    take(groups, 1);
    take(groups, 2);
    groups_free(groups);
}

// Many more groups than buckets: each keeps its own order.
static void keeps_many_groups_apart(void **state) {
    enum { GROUPS = 10000, DEPTH = 3 };
    struct groups *groups = groups_new();
    static struct group *under_way[GROUPS];
    char id[32];

    (void)state;
    for (int row = 0; row < GROUPS * DEPTH; row++) {
        snprintf(id, sizeof id, "group-%d", row % GROUPS);
        hold(groups, id, row);
    }
    groups_offered(groups, &claim_one);
    for (int depth = 0; depth < DEPTH; depth++) {
        for (int group = 0; group < GROUPS; group++) {
            under_way[group] = take(groups, depth * GROUPS + group);
        }
        assert_null(groups_peek(groups));
        assert_int_equal(groups_held(groups), (DEPTH - 1 - depth) * GROUPS);
        for (int group = 0; group < GROUPS; group++) {
            groups_done(groups, under_way[group]);
        }
    }
    assert_null(groups_peek(groups));
    groups_free(groups);
}

static void takes_ids_of_the_longest_kind(void **state) {
    struct groups *groups = groups_new();
    char one[129] = {0};
    char other[129] = {0};

    (void)state;
    memset(one, 'x', 128);
    memset(other, 'x', 127);
    other[127] = 'y';
    hold(groups, one, 0);
    hold(groups, other, 1);
    hold(groups, one, 2);
    take(groups, 0);
    take(groups, 1);
    assert_null(groups_peek(groups));
    groups_free(groups);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_empty_at_first),
        cmocka_unit_test(keeps_one_of_a_group_under_way),
        cmocka_unit_test(gives_groups_their_turns),
        cmocka_unit_test(a_failure_lets_go_exactly_what_is_behind),
        cmocka_unit_test(a_failure_of_the_last_lets_go_nothing),
        cmocka_unit_test(a_failure_stops_later_ones_of_the_claim),
        cmocka_unit_test(a_failure_counts_until_its_own_claim_is_complete),
        cmocka_unit_test(refuses_what_follows_an_event_that_is_not_sent),
        cmocka_unit_test(drops_one_claim),
        cmocka_unit_test(drops_all),
        cmocka_unit_test(a_drop_stops_later_ones_of_the_claim),
        cmocka_unit_test(keeps_many_groups_apart),
        cmocka_unit_test(takes_ids_of_the_longest_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
