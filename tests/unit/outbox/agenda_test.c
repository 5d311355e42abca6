// SPDX-License-Identifier: Apache-2.0
// Tests of outbox/agenda.h: what comes first, what waits and for how long. See agenda_simulation_test.c for
// what it promises.
#include "base/error.h"
#include "base/log.h"
#include "outbox/agenda.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { LIMIT = 10, SECOND = 1000000, FAR = 2000 };

static const struct look empty = {.snapshot = "100:100::100", .due_in_us = INT64_MAX};

static struct agenda *begin(int64_t floor) {
    struct agenda *agenda = agenda_new();
    agenda_reset(agenda, floor, 0);
    return agenda;
}

// One look that finds `look`, with `newest` as the last id drawn.
static void look(struct agenda *agenda, struct look look, int64_t now) {
    int64_t floor, settle_to;
    struct error error;
    look.last_drawn = look.newest > look.last_drawn ? look.newest : look.last_drawn;
    agenda_begin_look(agenda, false, 0, &floor, &settle_to);
    assert_true(agenda_looked(agenda, &look, now, &error));
}

static void look_newest(struct agenda *agenda, const char *snapshot, int64_t newest, int64_t lowest_unsent,
                        int64_t now) {
    look(agenda,
         (struct look){
             .snapshot = snapshot, .newest = newest, .lowest_unsent = lowest_unsent, .due_in_us = INT64_MAX},
         now);
}

static void look_due(struct agenda *agenda, int64_t due_in_us, int64_t now) {
    look(agenda, (struct look){.snapshot = "100:100::100", .due_in_us = due_in_us}, now);
}

static void assert_next(const struct agenda *agenda, int64_t now, enum range_kind kind, int64_t after,
                        int64_t to) {
    struct range range;
    assert_true(agenda_next(agenda, now, LIMIT, &range));
    assert_int_equal(range.kind, kind);
    assert_int_equal(range.limit, LIMIT);
    if (kind != RANGE_DUE) {
        assert_int_equal(range.after, after);
        assert_int_equal(range.to, to);
    }
}

static void assert_nothing(const struct agenda *agenda, int64_t now) {
    struct range range;
    assert_false(agenda_next(agenda, now, LIMIT, &range));
}

// Claims what comes next, and returns `rows` up to `last_id`.
static void claim(struct agenda *agenda, int rows, int64_t last_id, uint64_t xid, int64_t now) {
    struct range range;
    assert_true(agenda_next(agenda, now, LIMIT, &range));
    agenda_started(agenda, &range, now);
    agenda_fetched(agenda, &range, rows, last_id, xid, now);
}

static void nothing_is_known_before_the_first_look(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    assert_nothing(agenda, 0);
    assert_false(agenda_is_settled(agenda));
    assert_false(agenda_has_work(agenda, 0));
    assert_int_equal(agenda_next_at(agenda), INT64_MAX);
    look(agenda, empty, 1);
    assert_true(agenda_is_settled(agenda));
    assert_false(agenda_has_work(agenda, 1));
    assert_nothing(agenda, 2 * SECOND); // no sweep where there is nothing to sweep
    agenda_free(agenda);
    agenda_free(NULL);
}

static void a_snapshot_that_is_not_understood_changes_nothing(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    int64_t floor, settle_to;
    struct error error = {0};
    agenda_begin_look(agenda, false, 0, &floor, &settle_to);
    assert_false(agenda_looked(agenda, &(struct look){.snapshot = "nonsense", .newest = 5, .last_drawn = 5},
                               1, &error));
    assert_int_equal(error.code, ERROR_INTERNAL);
    assert_false(agenda_is_settled(agenda));
    assert_nothing(agenda, 1);
    agenda_free(agenda);
}

static void ids_that_went_back_are_an_error(void **state) {
    (void)state;
    struct agenda *agenda = begin(7);
    int64_t floor, settle_to;
    struct error error = {0};
    struct look found = empty;
    agenda_begin_look(agenda, false, 0, &floor, &settle_to);
    found.last_drawn = 6;
    assert_false(agenda_looked(agenda, &found, 1, &error));
    assert_int_equal(error.code, ERROR_DATABASE);
    found.last_drawn = 7;
    assert_true(agenda_looked(agenda, &found, 1, &error));
    agenda_free(agenda);
}

static void what_is_new_is_read_forward_until_a_claim_is_not_full(void **state) {
    (void)state;
    struct agenda *agenda = begin(5);
    look_newest(agenda, "100:100::100", 30, 0, 1);
    assert_true(agenda_has_work(agenda, 1));
    assert_false(agenda_is_loaded(agenda));
    assert_next(agenda, 1, RANGE_FORWARD, 5, INT64_MAX);
    claim(agenda, LIMIT, 18, 100, 2);
    assert_true(agenda_is_loaded(agenda));
    assert_next(agenda, 2, RANGE_FORWARD, 18, INT64_MAX);
    claim(agenda, 3, 25, 101, 3);
    assert_false(agenda_is_loaded(agenda));
    assert_nothing(agenda, 3); // 26 to 30 are not ours
    agenda_free(agenda);
}

// A floor that a transaction has held for a day: no statement walks over all that was sent meanwhile. But ids
// can be far apart, so what is quick is followed by more.
static void what_is_far_is_read_and_settled_in_pieces(void **state) {
    (void)state;
    enum { PIECE = 1000000, NEWEST = 10 * PIECE };
    struct agenda *agenda = begin(0);
    struct range range;
    int64_t floor, settle_to;
    look_newest(agenda, "100:100::100", NEWEST, 0, 1);
    assert_next(agenda, 2, RANGE_FORWARD, 0, PIECE);
    claim(agenda, LIMIT, 17, 100, 2); // full: there may be more in this piece
    assert_next(agenda, 3, RANGE_FORWARD, 17, PIECE + 17);
    claim(agenda, 0, 0, 0, 3);
    assert_next(agenda, 4, RANGE_FORWARD, PIECE + 17, 3 * PIECE + 17);
    assert_true(agenda_next(agenda, 4, LIMIT, &range));
    agenda_started(agenda, &range, 4);
    agenda_fetched(agenda, &range, 0, 0, 0, 600000); // that took long
    assert_next(agenda, 600001, RANGE_FORWARD, 3 * PIECE + 17, 4 * PIECE + 17);
    look_newest(agenda, "102:102::102", NEWEST, 0, 600002);
    agenda_begin_look(agenda, false, 0, &floor, &settle_to);
    assert_int_equal(floor, 0);
    assert_int_equal(settle_to, PIECE);
    agenda_free(agenda);
}

static void the_last_ids_are_reached(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    struct range range = {0};
    look_newest(agenda, "100:100::100", INT64_MAX, 0, 1);
    for (int claims = 0; range.to < INT64_MAX; claims++) {
        assert_in_range(claims, 0, 63);
        assert_true(agenda_next(agenda, 2, LIMIT, &range));
        claim(agenda, 0, 0, 0, 2);
    }
    agenda_free(agenda);
}

static void a_full_claim_is_followed_by_another_whatever_was_seen(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look_newest(agenda, "100:100::100", LIMIT, 0, 1);
    claim(agenda, LIMIT, LIMIT, 100, 2);
    assert_next(agenda, 2, RANGE_FORWARD, LIMIT, INT64_MAX);
    claim(agenda, 0, 0, 0, 3);
    assert_nothing(agenda, 3);
    agenda_free(agenda);
}

static void a_notification_is_followed_without_a_look(void **state) {
    (void)state;
    struct agenda *agenda = begin(5);
    agenda_expect_new(agenda);
    assert_true(agenda_has_work(agenda, 1));
    assert_next(agenda, 1, RANGE_FORWARD, 5, INT64_MAX);
    struct range range;
    assert_true(agenda_next(agenda, 1, LIMIT, &range));
    agenda_started(agenda, &range, 1);
    agenda_expect_new(agenda); // one more while it is under way
    agenda_fetched(agenda, &range, 1, 6, 100, 2);
    assert_next(agenda, 2, RANGE_FORWARD, 6, INT64_MAX);
    agenda_free(agenda);
}

// An agenda with the gap (0, 10] to be read, more above it up to `newest`, and a transaction that runs.
static struct agenda *with_gap_below(int64_t newest) {
    struct agenda *agenda = begin(0);
    look_newest(agenda, "100:100::101", 10, 0, 0);
    claim(agenda, 2, 10, 200, 0);
    look_newest(agenda, "100:102:100:102", newest, 0, 0); // 101 has ended
    return agenda;
}

static struct agenda *with_gap(void) {
    return with_gap_below(FAR);
}

static void due_events_come_before_gaps_and_gaps_before_new_ones(void **state) {
    (void)state;
    struct agenda *agenda = with_gap();
    assert_next(agenda, 0, RANGE_GAP, 0, 10);
    look(agenda, (struct look){.snapshot = "100:102:100:102", .newest = FAR, .due_in_us = 0}, 1);
    assert_next(agenda, 1, RANGE_DUE, 0, 0);
    claim(agenda, 1, 3, 201, 1);
    assert_next(agenda, 1, RANGE_GAP, 0, 10);
    claim(agenda, 0, 0, 0, 2);
    assert_next(agenda, 2, RANGE_FORWARD, 10, INT64_MAX);
    agenda_free(agenda);
}

static void a_gap_with_more_in_it_is_read_on_at_once(void **state) {
    (void)state;
    struct agenda *agenda = with_gap();
    struct range range;
    assert_true(agenda_next(agenda, 1000, LIMIT, &range));
    agenda_started(agenda, &range, 1000);
    agenda_fetched(agenda, &range, LIMIT, 4, 201, 1500);
    assert_next(agenda, 1500, RANGE_GAP, 4, 10);
    claim(agenda, 3, 9, 202, 1500);
    assert_next(agenda, 1500, RANGE_FORWARD, 10, INT64_MAX);
    assert_int_equal(agenda_next_at(agenda), INT64_MAX);
    agenda_free(agenda);
}

// Reads the gap in `took` microseconds; then 100 ends, so that it must be read again.
static struct agenda *with_slow_gap(int64_t took) {
    struct agenda *agenda = with_gap();
    struct range range;
    assert_true(agenda_next(agenda, 0, LIMIT, &range));
    agenda_started(agenda, &range, 0);
    agenda_fetched(agenda, &range, 1, 4, 201, took);
    look_newest(agenda, "103:103::103", FAR, 0, took);
    return agenda;
}

static void reading_gaps_takes_a_tenth_of_the_time_at_most(void **state) {
    (void)state;
    struct agenda *agenda = with_slow_gap(500);
    assert_next(agenda, 5499, RANGE_FORWARD, 10, INT64_MAX);
    assert_int_equal(agenda_next_at(agenda), 5500);
    assert_true(agenda_has_work(agenda, 500));
    assert_next(agenda, 5500, RANGE_GAP, 0, 10);
    agenda_free(agenda);
}

static void a_slow_gap_waits_a_fifth_of_a_second_at_most(void **state) {
    (void)state;
    struct agenda *agenda = with_slow_gap(SECOND / 2);
    assert_next(agenda, SECOND / 2 + 199999, RANGE_FORWARD, 10, INT64_MAX);
    assert_next(agenda, SECOND / 2 + 200000, RANGE_GAP, 0, 10);
    agenda_free(agenda);
}

static void a_short_gap_is_read_with_what_is_new(void **state) {
    (void)state;
    struct agenda *agenda = with_gap_below(20);
    assert_next(agenda, 0, RANGE_GAP, 0, INT64_MAX);
    claim(agenda, 3, 19, 201, 1000);
    assert_false(agenda_is_loaded(agenda));
    assert_nothing(agenda, 1000); // 20 is not ours
    look_newest(agenda, "103:103::103", 20, 0, 1001);
    assert_next(agenda, 1001, RANGE_GAP, 0, 20); // and made nobody wait
    agenda_free(agenda);
}

static void a_short_gap_and_what_is_new_may_be_more_than_a_claim(void **state) {
    (void)state;
    struct agenda *agenda = with_gap_below(20);
    claim(agenda, LIMIT, 8, 201, 0);
    assert_true(agenda_is_loaded(agenda));
    assert_next(agenda, 0, RANGE_GAP, 8, 10);
    claim(agenda, 0, 0, 202, 0);
    assert_next(agenda, 0, RANGE_FORWARD, 10, INT64_MAX);
    agenda_free(agenda);
}

static void what_is_new_does_not_let_a_short_gap_wait(void **state) {
    (void)state;
    struct agenda *agenda = with_gap_below(10);
    struct range range;
    assert_true(agenda_next(agenda, 0, LIMIT, &range));
    agenda_started(agenda, &range, 0);
    agenda_fetched(agenda, &range, 1, 4, 201, 500);
    look_newest(agenda, "103:103::103", 10, 0, 500);
    assert_nothing(agenda, 500); // the gap's pause
    look_newest(agenda, "104:104::104", 20, 5, 501);
    assert_next(agenda, 501, RANGE_GAP, 4, INT64_MAX);
    agenda_free(agenda);
}

static void an_event_is_claimed_when_it_is_due(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look_due(agenda, 500, 1000);
    assert_int_equal(agenda_next_at(agenda), 1500);
    assert_nothing(agenda, 1499);
    assert_false(agenda_has_work(agenda, 1499));
    assert_true(agenda_is_settled(agenda)); // scheduled events do not hold the floor
    assert_true(agenda_has_work(agenda, 1500));
    assert_next(agenda, 1500, RANGE_DUE, 0, 0);
    claim(agenda, 1, 3, 100, 1500);
    assert_nothing(agenda, 1500);
    assert_int_equal(agenda_next_at(agenda), INT64_MAX);
    agenda_free(agenda);
}

static void more_due_events_than_one_claim_takes_follow_at_once(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look_due(agenda, -20, 1000);
    claim(agenda, LIMIT, 44, 100, 1000);
    assert_next(agenda, 1000, RANGE_DUE, 0, 0);
    claim(agenda, LIMIT - 1, 55, 101, 1000);
    assert_nothing(agenda, 1000);
    agenda_free(agenda);
}

// They are locked by another relay, or by this one's own claims: asking again and again would spin.
static void more_due_events_than_one_claim_takes_do_not_keep_out_what_is_new(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look(agenda, (struct look){.snapshot = "100:100::100", .newest = 50, .due_in_us = 0}, 0);
    assert_next(agenda, 0, RANGE_DUE, 0, 0);
    claim(agenda, LIMIT, 9, 100, 0);
    assert_next(agenda, 0, RANGE_FORWARD, 0, INT64_MAX);
    agenda_free(agenda);
}

static void no_due_event_is_claimed_while_they_are_held(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look_due(agenda, 0, 0);
    agenda_hold_due(agenda, 500);
    assert_nothing(agenda, 499);
    assert_next(agenda, 500, RANGE_DUE, 0, 0);
    agenda_free(agenda);
}

static void due_events_that_are_locked_are_asked_for_ten_times_a_second(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look_due(agenda, -20, 1000);
    claim(agenda, 0, 0, 0, 2000);
    assert_nothing(agenda, 101999);
    assert_int_equal(agenda_next_at(agenda), 102000);
    look_due(agenda, -50, 50000); // nor does a look change that
    assert_nothing(agenda, 101999);
    assert_int_equal(agenda_next_at(agenda), 102000);
    assert_true(agenda_has_work(agenda, 50000));
    assert_next(agenda, 102000, RANGE_DUE, 0, 0);
    claim(agenda, 0, 0, 0, 102000);
    look_due(agenda, INT64_MAX, 103000); // gone
    assert_nothing(agenda, 2 * SECOND);
    assert_int_equal(agenda_next_at(agenda), INT64_MAX);
    agenda_free(agenda);
}

static void the_floor_follows_the_second_look(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look_newest(agenda, "100:100::100", 10, 0, 0);
    claim(agenda, 2, 10, 100, 0);
    look_newest(agenda, "101:101::101", 10, 0, 0);
    assert_int_equal(agenda_floor(agenda), 0); // 10 may have been unsent: nobody asked
    assert_false(agenda_is_settled(agenda));
    look_newest(agenda, "101:101::101", 10, 7, 0);
    assert_int_equal(agenda_floor(agenda), 6);
    assert_false(agenda_is_settled(agenda));
    look_newest(agenda, "101:101::101", 10, 0, 0);
    assert_int_equal(agenda_floor(agenda), 10);
    assert_true(agenda_is_settled(agenda));
    agenda_free(agenda);
}

// The relay's own transactions lock events and insert none.
static void own_claims_cause_no_reading_again(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look_newest(agenda, "100:100::100", 1, 0, 0);
    claim(agenda, 1, 1, 100, 0);
    look_newest(agenda, "100:100::101", 1, 0, 0); // under way, and not listed
    assert_nothing(agenda, 0);
    look_newest(agenda, "101:101::101", 1, 0, 0); // done
    assert_nothing(agenda, 0);
    look_newest(agenda, "102:102::102", 3, 0, 0); // a writer has begun and ended, which is not own
    assert_int_equal(agenda_floor(agenda), 1);
    assert_next(agenda, 0, RANGE_FORWARD, 1, INT64_MAX);
    claim(agenda, 2, 3, 103, 0);
    look_newest(agenda, "103:103::104", 3, 0, 0); // 102 was not own, and may have been a late writer
    assert_next(agenda, 0, RANGE_GAP, 1, 3);
    claim(agenda, 0, 0, 0, 0);
    look_newest(agenda, "104:104::104", 3, 0, 0); // only own ones have ended
    assert_nothing(agenda, 0);
    agenda_free(agenda);
}

static void own_claims_under_way_do_not_hold_the_floor(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look_newest(agenda, "99:99::99", 1, 0, 0);
    claim(agenda, 1, 1, 99, 0);
    agenda_expect_new(agenda);
    claim(agenda, 1, 2, 100, 0);
    look_newest(agenda, "99:101:99:101", 2, 0, 0); // 100 is done, 99 is not
    look_newest(agenda, "99:101:99:101", 2, 1, 0);
    assert_int_equal(agenda_floor(agenda), 0);
    look_newest(agenda, "99:101:99:101", 2, 2, 0);
    assert_int_equal(agenda_floor(agenda), 1);
    agenda_free(agenda);
}

// The look's snapshot may be later than what the claim has read; see agenda.c.
static void what_a_claim_beside_a_look_has_read_is_read_again(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    struct range range;
    int64_t floor, settle_to;
    struct error error;
    struct look found = {.snapshot = "100:100::101", .newest = 2, .last_drawn = 2, .due_in_us = INT64_MAX};
    look(agenda, found, 0);
    assert_true(agenda_next(agenda, 0, LIMIT, &range));
    agenda_started(agenda, &range, 0);
    agenda_begin_look(agenda, false, 0, &floor, &settle_to);
    found.snapshot = "101:101::101"; // 100 has ended since the claim has read
    assert_true(agenda_looked(agenda, &found, 0, &error));
    agenda_fetched(agenda, &range, 1, 2, 101, 0);
    assert_nothing(agenda, 0);
    look_newest(agenda, "101:101::102", 2, 0, 0);
    assert_next(agenda, 0, RANGE_GAP, 0, 2);
    agenda_free(agenda);
}

// Two events were claimed, and the lower one is locked by another relay.
static struct agenda *with_locked_event(int64_t now) {
    struct agenda *agenda = begin(20000);
    look_newest(agenda, "100:100::100", 20002, 0, now);
    claim(agenda, 1, 20002, 100, now);
    look_newest(agenda, "101:101::101", 20002, 0, now);
    look_newest(agenda, "101:101::101", 20002, 20001, now);
    assert_nothing(agenda, now);
    return agenda;
}

static void an_unsent_event_that_holds_the_floor_is_looked_for_after_a_second(void **state) {
    (void)state;
    struct agenda *agenda = with_locked_event(0);
    assert_next(agenda, SECOND, RANGE_SWEEP, 0, 10000); // the ordinary step of the sweep
    claim(agenda, 0, 0, 0, SECOND);
    look_newest(agenda, "101:101::101", 20002, 20001, SECOND);
    assert_nothing(agenda, SECOND);
    look_newest(agenda, "101:101::101", 20002, 20001, SECOND + 1);
    assert_next(agenda, SECOND + 1, RANGE_SWEEP, 20000, 20002);
    claim(agenda, 1, 20001, 0, SECOND + 1);
    assert_int_equal(agenda_rescued(agenda), 0);
    look_newest(agenda, "101:101::101", 20002, 20001, 2 * SECOND + 1);
    assert_next(agenda, 2 * SECOND + 1, RANGE_SWEEP, 0, 10000);
    claim(agenda, 0, 0, 0, 2 * SECOND + 1);
    look_newest(agenda, "101:101::101", 20002, 20001, 2 * SECOND + 2); // again after a second
    assert_next(agenda, 2 * SECOND + 2, RANGE_SWEEP, 20000, 20002);
    agenda_free(agenda);
}

static void the_second_begins_when_the_event_is_seen(void **state) {
    (void)state;
    struct agenda *agenda = begin(20000);
    look_newest(agenda, "100:100::100", 20000, 0, 0);
    claim(agenda, 0, 0, 0, 60 * SECOND); // a step of the sweep; the floor has not moved for a minute
    look_newest(agenda, "100:100::100", 20002, 0, 60 * SECOND);
    claim(agenda, 1, 20002, 100, 60 * SECOND);
    look_newest(agenda, "101:101::101", 20002, 0, 60 * SECOND);
    look_newest(agenda, "101:101::101", 20002, 20001, 60 * SECOND + 1);
    assert_nothing(agenda, 60 * SECOND + 1);
    agenda_free(agenda);
}

static void the_sweep_walks_below_the_floor_and_begins_again(void **state) {
    (void)state;
    struct agenda *agenda = begin(25000);
    look(agenda, (struct look){.snapshot = "100:100::100", .last_drawn = 25000, .due_in_us = INT64_MAX}, 0);
    assert_nothing(agenda, SECOND - 1);
    assert_false(agenda_has_work(agenda, SECOND)); // it keeps nobody awake
    assert_next(agenda, SECOND, RANGE_SWEEP, 0, 10000);
    claim(agenda, 0, 0, 0, SECOND);
    assert_nothing(agenda, 2 * SECOND - 1);
    assert_next(agenda, 2 * SECOND, RANGE_SWEEP, 10000, 20000);
    claim(agenda, 0, 0, 0, 2 * SECOND);
    assert_next(agenda, 3 * SECOND, RANGE_SWEEP, 20000, 25000);
    claim(agenda, 0, 0, 0, 3 * SECOND);
    assert_next(agenda, 4 * SECOND, RANGE_SWEEP, 0, 10000);
    assert_int_equal(agenda_rescued(agenda), 0);
    agenda_free(agenda);
}

static void the_sweep_does_not_walk_where_all_is_pruned(void **state) {
    (void)state;
    struct agenda *agenda = begin(1000005000);
    agenda_pruned(agenda, 1000000000);
    assert_next(agenda, SECOND, RANGE_SWEEP, 1000000000, 1000005000);
    claim(agenda, 0, 0, 0, SECOND);
    agenda_pruned(agenda, 1000001000);
    assert_next(agenda, 2 * SECOND, RANGE_SWEEP, 1000001000, 1000005000);
    claim(agenda, 0, 0, 0, 2 * SECOND);
    assert_next(agenda, 3 * SECOND, RANGE_SWEEP, 1000001000, 1000005000);
    agenda_reset(agenda, 500, 4 * SECOND); // ids began again
    agenda_pruned(agenda, 1000001000);
    assert_nothing(agenda, 5 * SECOND);
    agenda_free(agenda);
}

static void what_the_sweep_finds_is_counted_and_a_full_step_goes_on_where_it_ended(void **state) {
    (void)state;
    struct agenda *agenda = begin(25000);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    claim(agenda, LIMIT, 12, 100, SECOND);
    assert_int_equal(agenda_rescued(agenda), LIMIT);
    assert_next(agenda, 2 * SECOND, RANGE_SWEEP, 12, 10012);
    claim(agenda, 1, 9000, 101, 2 * SECOND);
    assert_next(agenda, 3 * SECOND, RANGE_SWEEP, 10012, 20012);
    agenda_reset(agenda, 25000, 4 * SECOND); // a reconnect keeps the count
    assert_int_equal(agenda_rescued(agenda), LIMIT + 1);
    assert_next(agenda, 5 * SECOND, RANGE_SWEEP, 0, 10000);
    agenda_free(agenda);
}

static void what_the_sweep_finds_up_to_the_floor_itself_is_counted(void **state) {
    (void)state;
    struct agenda *agenda = begin(5000);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    assert_next(agenda, SECOND, RANGE_SWEEP, 0, 5000);
    claim(agenda, 1, 4000, 100, SECOND);
    assert_int_equal(agenda_rescued(agenda), 1);
    agenda_free(agenda);
}

static void what_was_let_go_is_swept_without_a_pause(void **state) {
    (void)state;
    struct agenda *agenda = begin(25000);
    agenda_let_go(agenda, 3000, 2);
    assert_next(agenda, 2, RANGE_SWEEP, 2999, 12999);
    claim(agenda, 1, 3000, 100, 2);
    agenda_let_go(agenda, 20000, 3); // passes over none of those before
    assert_next(agenda, 3, RANGE_SWEEP, 12999, 22999);
    claim(agenda, 1, 20000, 101, 3);
    assert_next(agenda, 3, RANGE_SWEEP, 22999, 25000);
    claim(agenda, 0, 0, 0, 3);
    assert_nothing(agenda, SECOND);
    assert_next(agenda, SECOND + 3, RANGE_SWEEP, 0, 10000);
    claim(agenda, 0, 0, 0, SECOND + 3);
    assert_nothing(agenda, SECOND + 4);
    agenda_let_go(agenda, 20000, SECOND + 5);
    assert_next(agenda, SECOND + 5, RANGE_SWEEP, 19999, 25000);
    agenda_free(agenda);
}

static void what_is_let_go_beside_a_step_of_the_sweep_is_not_passed_over(void **state) {
    (void)state;
    struct agenda *agenda = begin(25000);
    struct range range;
    agenda_let_go(agenda, 8000, 2);
    assert_true(agenda_next(agenda, 2, LIMIT, &range));
    agenda_started(agenda, &range, 2);
    agenda_let_go(agenda, 9000, 3); // behind the step's reading
    agenda_let_go(agenda, 4000, 3);
    agenda_fetched(agenda, &range, 0, 0, 100, 4);
    assert_next(agenda, 4, RANGE_SWEEP, 3999, 13999);
    agenda_free(agenda);
}

// Before sleeping: a transaction that still runs holds the floor at 0.
static void a_thorough_look_is_asked_about_the_gaps_as_well(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    int64_t floor, settle_to;
    look_newest(agenda, "90:100:90:100", 10, 0, 0);
    claim(agenda, 10, 10, 100, 0);
    agenda_begin_look(agenda, true, 0, &floor, &settle_to);
    assert_int_equal(floor, 0);
    assert_int_equal(settle_to, 10);
    agenda_free(agenda);
}

// What a claim forward has returned, from `after` to `last_id`, is committed.
static void finish(struct agenda *agenda, int64_t after, int rows, int64_t last_id) {
    const struct range range = {.kind = RANGE_FORWARD, .after = after, .to = INT64_MAX, .limit = LIMIT};
    agenda_finished(agenda, &range, rows, last_id);
}

static void the_floor_follows_claims_without_holes(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look_newest(agenda, "100:100::100", 30, 1, 1);
    claim(agenda, LIMIT, 10, 100, 2);
    claim(agenda, LIMIT, 20, 101, 3);
    claim(agenda, LIMIT, 30, 102, 4);
    assert_int_equal(agenda_floor(agenda), 0);
    finish(agenda, 20, LIMIT, 30); // the last one first
    finish(agenda, 10, LIMIT, 20);
    assert_int_equal(agenda_floor(agenda), 0);
    finish(agenda, 0, LIMIT, 10);
    assert_int_equal(agenda_floor(agenda), 30);
    agenda_free(agenda);
}

static void a_hole_is_left_to_the_looks(void **state) {
    (void)state;
    struct agenda *agenda = begin(0);
    look_newest(agenda, "100:100::100", 20, 1, 1);
    claim(agenda, LIMIT, 11, 100, 2); // one of the eleven may be still to come, or another relay's
    claim(agenda, 9, 20, 101, 3);
    finish(agenda, 0, LIMIT, 11);
    finish(agenda, 11, 9, 20);
    assert_int_equal(agenda_floor(agenda), 0);
    agenda_free(agenda);
}

static void a_range_that_began_below_the_floor_moves_it_too(void **state) {
    (void)state;
    struct agenda *agenda = begin(5);
    finish(agenda, 3, 7, 10);
    assert_int_equal(agenda_floor(agenda), 10);
    finish(agenda, 3, 4, 7);
    assert_int_equal(agenda_floor(agenda), 10);
    agenda_free(agenda);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_before_the_first_look),
        cmocka_unit_test(a_snapshot_that_is_not_understood_changes_nothing),
        cmocka_unit_test(ids_that_went_back_are_an_error),
        cmocka_unit_test(what_is_new_is_read_forward_until_a_claim_is_not_full),
        cmocka_unit_test(what_is_far_is_read_and_settled_in_pieces),
        cmocka_unit_test(the_last_ids_are_reached),
        cmocka_unit_test(a_full_claim_is_followed_by_another_whatever_was_seen),
        cmocka_unit_test(a_notification_is_followed_without_a_look),
        cmocka_unit_test(due_events_come_before_gaps_and_gaps_before_new_ones),
        cmocka_unit_test(a_gap_with_more_in_it_is_read_on_at_once),
        cmocka_unit_test(reading_gaps_takes_a_tenth_of_the_time_at_most),
        cmocka_unit_test(a_slow_gap_waits_a_fifth_of_a_second_at_most),
        cmocka_unit_test(a_short_gap_is_read_with_what_is_new),
        cmocka_unit_test(a_short_gap_and_what_is_new_may_be_more_than_a_claim),
        cmocka_unit_test(what_is_new_does_not_let_a_short_gap_wait),
        cmocka_unit_test(an_event_is_claimed_when_it_is_due),
        cmocka_unit_test(more_due_events_than_one_claim_takes_follow_at_once),
        cmocka_unit_test(more_due_events_than_one_claim_takes_do_not_keep_out_what_is_new),
        cmocka_unit_test(no_due_event_is_claimed_while_they_are_held),
        cmocka_unit_test(due_events_that_are_locked_are_asked_for_ten_times_a_second),
        cmocka_unit_test(the_floor_follows_the_second_look),
        cmocka_unit_test(a_thorough_look_is_asked_about_the_gaps_as_well),
        cmocka_unit_test(the_floor_follows_claims_without_holes),
        cmocka_unit_test(a_hole_is_left_to_the_looks),
        cmocka_unit_test(a_range_that_began_below_the_floor_moves_it_too),
        cmocka_unit_test(own_claims_cause_no_reading_again),
        cmocka_unit_test(own_claims_under_way_do_not_hold_the_floor),
        cmocka_unit_test(what_a_claim_beside_a_look_has_read_is_read_again),
        cmocka_unit_test(an_unsent_event_that_holds_the_floor_is_looked_for_after_a_second),
        cmocka_unit_test(the_second_begins_when_the_event_is_seen),
        cmocka_unit_test(the_sweep_walks_below_the_floor_and_begins_again),
        cmocka_unit_test(the_sweep_does_not_walk_where_all_is_pruned),
        cmocka_unit_test(what_was_let_go_is_swept_without_a_pause),
        cmocka_unit_test(what_is_let_go_beside_a_step_of_the_sweep_is_not_passed_over),
        cmocka_unit_test(what_the_sweep_finds_is_counted_and_a_full_step_goes_on_where_it_ended),
        cmocka_unit_test(what_the_sweep_finds_up_to_the_floor_itself_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
