// SPDX-License-Identifier: Apache-2.0
// Tests of outbox/scan.h; see agenda_simulation_test.c for its properties. The source is included to count
// the gaps, which nobody else should know about.
#include "outbox/scan.c" // NOLINT

#include <inttypes.h>
#include <stdio.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void observe(struct scan *scan, const char *text, int64_t frontier, uint64_t own_begun) {
    struct snapshot snapshot;
    assert_true(snapshot_parse(&snapshot, text));
    scan_observe(scan, &snapshot, frontier, own_begun);
    assert_null(snapshot.running); // taken over
}

static void assert_gap(const struct scan *scan, int64_t after, int64_t to) {
    int64_t real_after, real_to;
    assert_true(scan_gap(scan, &real_after, &real_to));
    assert_int_equal(real_after, after);
    assert_int_equal(real_to, to);
}

static void assert_no_gap(const struct scan *scan) {
    int64_t after, to;
    assert_false(scan_gap(scan, &after, &to));
    assert_true(scan_is_quiet(scan));
}

// A scan that has read up to `frontier`, seen `text` and read its gaps.
static struct scan *begin(int64_t frontier, const char *text) {
    struct scan *scan = scan_new();
    scan_reset(scan, 0);
    scan_read_forward(scan, frontier);
    observe(scan, text, frontier, 0);
    assert_gap(scan, 0, frontier); // before the first snapshot anything may have happened
    scan_gap_started(scan);
    assert_no_gap(scan);
    return scan;
}

static void a_reset_forgets_everything(void **state) {
    (void)state;
    struct scan *scan = begin(10, "100:101:100:102");
    scan_gap_left(scan, 0);
    scan_reset(scan, 7);
    assert_int_equal(scan_floor(scan), 7);
    assert_int_equal(scan_frontier(scan), 7);
    assert_int_equal(scan_settleable(scan), 7);
    assert_int_equal(scan_xmax(scan), 0);
    assert_no_gap(scan);
    observe(scan, "90:90::90", 7, 0); // another server: its transaction ids are lower
    assert_no_gap(scan);
    assert_int_equal(scan_xmax(scan), 90);
    scan_free(scan);
}

static void the_frontier_never_goes_back(void **state) {
    (void)state;
    struct scan *scan = scan_new();
    scan_reset(scan, 5);
    scan_read_forward(scan, 0);
    assert_int_equal(scan_frontier(scan), 5);
    scan_read_forward(scan, 9);
    scan_read_forward(scan, 8);
    assert_int_equal(scan_frontier(scan), 9);
    assert_int_equal(scan_floor(scan), 5);
    scan_free(scan);
    scan_free(NULL);
}

static void nothing_new_means_no_gap(void **state) {
    (void)state;
    struct scan *scan = scan_new();
    scan_reset(scan, 5);
    observe(scan, "100:100::100", 5, 0);
    observe(scan, "109:109::110", 5, 0);
    assert_no_gap(scan);
    assert_int_equal(scan_settleable(scan), 5);
    scan_free(scan);
}

static void a_gap_is_read_again_when_a_transaction_that_it_waits_for_has_ended(void **state) {
    (void)state;
    struct scan *scan = begin(10, "100:102:100,101:102");
    observe(scan, "100:102:100,101:102", 10, 0);
    assert_no_gap(scan);
    observe(scan, "100:104:100,101,103:104", 10, 0); // 102 is younger than the gap
    assert_no_gap(scan);
    observe(scan, "100:104:100,103:104", 10, 0);
    assert_gap(scan, 0, 10);
    scan_gap_started(scan);
    observe(scan, "104:104::104", 10, 0);
    assert_gap(scan, 0, 10);
    scan_free(scan);
}

// A snapshot does not list what is younger than the youngest that has ended.
static void a_gap_waits_for_transactions_that_no_snapshot_lists(void **state) {
    (void)state;
    struct scan *scan = begin(2, "101:101::102"); // 101 has drawn id 1, 100 has drawn and committed id 2
    assert_int_equal(scan_settleable(scan), 0);
    observe(scan, "101:101::102", 2, 0);
    assert_no_gap(scan);
    assert_int_equal(scan_settleable(scan), 0);
    observe(scan, "102:102::102", 2, 0);
    assert_gap(scan, 0, 2);
    assert_int_equal(scan_settleable(scan), 2);
    scan_free(scan);
}

static void a_transaction_may_be_listed_late(void **state) {
    (void)state;
    struct scan *scan = begin(2, "101:101::102");
    observe(scan, "101:103:101:103", 2, 0); // 102 has ended, which is above the gap's limit
    scan_gap_started(scan);
    assert_int_equal(scan_settleable(scan), 0);
    observe(scan, "103:103::103", 2, 0);
    assert_gap(scan, 0, 2);
    assert_int_equal(scan_settleable(scan), 2);
    scan_free(scan);
}

static void own_transactions_are_no_reason_to_read_again(void **state) {
    (void)state;
    struct scan *scan = begin(2, "101:101::103"); // 101 and 102 are own
    observe(scan, "103:103::103", 2, 2);
    assert_no_gap(scan);
    assert_int_equal(scan_settleable(scan), 2);
    scan_read_forward(scan, 5);
    observe(scan, "105:105::105", 5, 1); // 103 is own, 104 is not
    assert_gap(scan, 2, 5);
    scan_free(scan);
}

static void own_transactions_do_not_hide_others(void **state) {
    (void)state;
    for (uint64_t own_begun = 0; own_begun <= 3; own_begun++) {
        struct scan *scan = begin(2, "101:101::104"); // of 101, 102 and 103 so many are own
        observe(scan, "104:104::104", 2, own_begun);
        assert_int_equal(scan_is_quiet(scan), own_begun == 3);
        scan_free(scan);
    }
}

static void who_has_begun_and_runs_has_committed_nothing(void **state) {
    (void)state;
    struct scan *scan = begin(2, "101:101::103");
    observe(scan, "101:103:101:103", 2, 1); // 101 is not own and still runs, 102 was own
    assert_no_gap(scan);
    scan_free(scan);
}

static void only_what_is_new_is_read_again_beside_a_long_transaction(void **state) {
    (void)state;
    char text[64];
    struct scan *scan = begin(1, "100:101:100:101");
    for (int64_t id = 2; id <= 3000; id++) { // a transaction for each, one after another
        scan_read_forward(scan, id);
        snprintf(text, sizeof text, "100:%" PRId64 ":100:%" PRId64, 100 + id, 100 + id);
        observe(scan, text, id, 0);
        assert_gap(scan, id - 1, id);
        scan_gap_started(scan);
        assert_int_equal(scan_settleable(scan), 0);
        assert_true(scan->gap_count <= 2);
    }
    observe(scan, "3100:3100::3100", 3000, 0);
    assert_gap(scan, 0, 3000);
    assert_int_equal(scan_settleable(scan), 3000);
    scan_free(scan);
}

static void there_are_no_more_gaps_than_transactions_and_one(void **state) {
    (void)state;
    char text[96];
    struct scan *scan = begin(1, "100:101:100:101");
    for (int64_t id = 2; id <= 3000;
         id++) { // two at any time, each begins before the one before it has ended
        scan_read_forward(scan, id);
        snprintf(text, sizeof text, "100:%" PRId64 ":100,%" PRId64 ":%" PRId64, 101 + id, 99 + id, 102 + id);
        observe(scan, text, id, 0);
        scan_gap_started(scan);
        assert_true(scan->gap_count <= 4);
    }
    scan_free(scan);
}

static void the_floor_moves_up_to_what_a_long_transaction_can_still_fill(void **state) {
    (void)state;
    struct scan *scan = begin(10, "100:100::100");
    scan_read_forward(scan, 20);
    observe(scan, "101:103:101:103", 20, 0); // 101 has begun after 10
    scan_read_forward(scan, 30);
    observe(scan, "101:105:101:105", 30, 0);
    assert_int_equal(scan_settleable(scan), 10);
    scan_settle(scan, 10, 0);
    assert_int_equal(scan_floor(scan), 10);
    assert_int_equal(scan_settleable(scan), 10);
    assert_gap(scan, 10, 30);
    scan_free(scan);
}

static void the_floor_stops_below_an_unsent_event(void **state) {
    (void)state;
    struct scan *scan = begin(10, "100:100::100");
    scan_settle(scan, 10, 4);
    assert_int_equal(scan_floor(scan), 3);
    assert_int_equal(scan_settleable(scan), 10);
    scan_settle(scan, 10, 4);
    assert_int_equal(scan_floor(scan), 3);
    scan_settle(scan, 10, 10);
    assert_int_equal(scan_floor(scan), 9);
    scan_settle(scan, 10, 0);
    assert_int_equal(scan_floor(scan), 10);
    scan_settle(scan, 5, 0); // never back
    assert_int_equal(scan_floor(scan), 10);
    scan_free(scan);
}

static void settling_leaves_the_rest_of_what_must_be_read_again(void **state) {
    (void)state;
    struct scan *scan = begin(10, "100:101:100:101");
    scan_read_forward(scan, 20);
    observe(scan, "102:102::102", 20, 0);
    assert_gap(scan, 0, 20);
    scan_settle(scan, 20, 8);
    assert_gap(scan, 7, 20);
    scan_settle(scan, 20, 0);
    assert_no_gap(scan);
    scan_free(scan);
}

static void a_gap_that_was_cut_is_read_on(void **state) {
    (void)state;
    struct scan *scan = begin(10, "100:101:100:101");
    scan_gap_left(scan, 6);
    assert_gap(scan, 6, 10);
    scan_gap_left(scan, 8); // what is lower stays to be read
    assert_gap(scan, 6, 10);
    scan_gap_started(scan);
    scan_gap_left(scan, 10); // the end has been reached
    assert_no_gap(scan);
    scan_free(scan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_forgets_everything),
        cmocka_unit_test(the_frontier_never_goes_back),
        cmocka_unit_test(nothing_new_means_no_gap),
        cmocka_unit_test(a_gap_is_read_again_when_a_transaction_that_it_waits_for_has_ended),
        cmocka_unit_test(a_gap_waits_for_transactions_that_no_snapshot_lists),
        cmocka_unit_test(a_transaction_may_be_listed_late),
        cmocka_unit_test(own_transactions_are_no_reason_to_read_again),
        cmocka_unit_test(own_transactions_do_not_hide_others),
        cmocka_unit_test(who_has_begun_and_runs_has_committed_nothing),
        cmocka_unit_test(only_what_is_new_is_read_again_beside_a_long_transaction),
        cmocka_unit_test(there_are_no_more_gaps_than_transactions_and_one),
        cmocka_unit_test(the_floor_moves_up_to_what_a_long_transaction_can_still_fill),
        cmocka_unit_test(the_floor_stops_below_an_unsent_event),
        cmocka_unit_test(settling_leaves_the_rest_of_what_must_be_read_again),
        cmocka_unit_test(a_gap_that_was_cut_is_read_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
