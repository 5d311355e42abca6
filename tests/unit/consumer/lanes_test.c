// SPDX-License-Identifier: Apache-2.0
// Lanes: who is the first, who comes next, and who stands behind. A sanitizer sees what is not freed.
#include "consumer/lanes.h"

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

static struct lanes *lanes;

static int set_up(void **state) {
    (void)state;
    lanes = lanes_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    lanes_free(lanes);
    return 0;
}

static bool join(const char *key, struct lane_place *place) {
    return lanes_join(lanes, slice_of_text(key), place, place);
}

static void the_first_of_a_key_may_go_on(void **state) {
    struct lane_place places[5] = {0};
    (void)state;
    assert_true(join("a", &places[0]));
    assert_false(join("a", &places[1]));
    assert_false(join("a", &places[2]));
    assert_true(join("b", &places[3]));
    assert_true(join("", &places[4]));
    assert_ptr_equal(lanes_behind(&places[0]), &places[1]);
    assert_ptr_equal(lanes_behind(&places[1]), &places[2]);
    assert_null(lanes_behind(&places[2]));
    assert_ptr_equal(lanes_leave(&places[0]), &places[1]);
    assert_ptr_equal(lanes_leave(&places[1]), &places[2]);
    assert_null(lanes_leave(&places[2]));
    assert_true(join("a", &places[0])); // begun anew
}

static void one_that_is_not_the_first_leaves_no_new_first(void **state) {
    struct lane_place places[3] = {0};
    (void)state;
    for (int index = 0; index < 3; index++) {
        join("a", &places[index]);
    }
    assert_null(lanes_leave(&places[1]));
    assert_null(places[1].lane);
    assert_ptr_equal(lanes_behind(&places[0]), &places[2]);
    assert_null(lanes_leave(&places[2]));
    assert_null(lanes_leave(&places[0]));
}

static void who_is_in_no_lane_leaves_none(void **state) {
    struct lane_place place = {0};
    (void)state;
    assert_null(lanes_leave(&place));
    assert_null(lanes_behind(&place));
    join("a", &place);
    lanes_leave(&place);
    assert_null(lanes_leave(&place));
}

static void keys_are_compared_whole(void **state) {
    struct lane_place places[4] = {0};
    char key[] = "group";
    (void)state;
    assert_true(lanes_join(lanes, (struct slice){"a\0b", 3}, &places[0], NULL));
    assert_true(lanes_join(lanes, (struct slice){"a\0c", 3}, &places[1], NULL));
    assert_true(lanes_join(lanes, (struct slice){"a", 1}, &places[2], NULL));
    lanes_join(lanes, slice_of_text(key), &places[3], NULL);
    key[0] = 'x'; // it was copied
    assert_false(lanes_join(lanes, slice_of_text("group"), &(struct lane_place){0}, NULL));
}

// More than there are buckets.
static void many_lanes_do_not_mix(void **state) {
    enum { MANY = 3000 };
    static struct lane_place firsts[MANY], seconds[MANY];
    char key[20];
    (void)state;
    for (int index = 0; index < MANY; index++) {
        snprintf(key, sizeof key, "%d", index);
        assert_true(join(key, &firsts[index]));
    }
    for (int index = 0; index < MANY; index++) {
        snprintf(key, sizeof key, "%d", index);
        assert_false(join(key, &seconds[index]));
    }
    for (int index = 0; index < MANY; index++) {
        assert_ptr_equal(lanes_leave(&firsts[index]), &seconds[index]);
    }
    for (int index = 0; index < MANY - 10; index++) { // the others are freed with all
        assert_null(lanes_leave(&seconds[index]));
    }
}

static void nothing_can_be_freed(void **state) {
    (void)state;
    lanes_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_of_a_key_may_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_not_the_first_leaves_no_new_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_in_no_lane_leaves_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_are_compared_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_lanes_do_not_mix, set_up, tear_down),
        cmocka_unit_test(nothing_can_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
