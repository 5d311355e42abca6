// SPDX-License-Identifier: Apache-2.0
// The turns of ordered events: when one is taken and where it reads from; and, against a simulated table,
// that no turn reads past an event that is visible and not settled.
#include "base/memory.h"
#include "outbox/turns.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum {
    LIMIT = 1000,
    NOW = 50000000,
    REFUSED_US = 250000,
    VAIN_US = 2000,
    VAIN_MOST_US = 100000,
    UNSURE_US = 15000,
    LIMIT_LEAST = 100
};

// What turns.c asks of a claim: the test's own, in the place of outbox/claim.c.
struct claim {
    struct range range;
    int rows;
    int64_t last_id;
    int sent;
    int released;
    int64_t lowest_let_go;
    bool refused;
};

const struct range *claim_range(const struct claim *claim) {
    return &claim->range;
}

int claim_rows(const struct claim *claim) {
    return claim->rows;
}

int64_t claim_last_id(const struct claim *claim) {
    return claim->last_id;
}

int claim_sent(const struct claim *claim) {
    return claim->sent;
}

int claim_released(const struct claim *claim) {
    return claim->released;
}

int64_t claim_lowest_let_go(const struct claim *claim) {
    return claim->lowest_let_go;
}

bool claim_was_refused(const struct claim *claim) {
    return claim->refused;
}

static const struct look quiet = {.snapshot = "100:100::100", .due_in_us = INT64_MAX};

static struct turns *begin(int64_t floor) {
    struct turns *turns = turns_new();

    turns_reset(turns, floor);
    return turns;
}

// One turn at NOW, which reads from `after`, finds rows up to `last_id` and sends all but those let go.
static void take_turn(struct turns *turns, const char *snapshot, int64_t newest, int64_t after, int rows,
                      int64_t last_id, int64_t lowest_let_go) {
    struct claim claim = {.rows = rows, .last_id = last_id, .lowest_let_go = lowest_let_go};

    assert_true(turns_next(turns, NOW, LIMIT, &claim.range));
    claim.sent = rows - (lowest_let_go > 0 ? 1 : 0);
    assert_int_equal(claim.range.kind, RANGE_ORDERED);
    claim.range.after = turns_snapshot(turns, snapshot, newest);
    assert_int_equal(claim.range.after, after);
    turns_fetched(turns, &claim);
    turns_finished(turns, &claim, NOW);
}

// One turn that finds nothing new; afterwards nothing is pending.
static void settle_down(struct turns *turns, const char *snapshot, int64_t newest) {
    turns_expect(turns);
    take_turn(turns, snapshot, newest, newest, 0, 0, 0);
    assert_false(turns_pending(turns));
}

static int limit_of_next(struct turns *turns) {
    struct range range;

    turns_expect(turns);
    assert_true(turns_next(turns, NOW + VAIN_US, LIMIT, &range));
    return range.limit;
}

static void begins_at_the_stored_floor(void **state) {
    struct turns *turns = begin(70);

    (void)state;
    assert_true(turns_pending(turns));
    assert_int_equal(turns_next_at(turns), 0);
    assert_int_equal(limit_of_next(turns), LIMIT);
    take_turn(turns, "100:100::100", 90, 70, 5, 90, 0);
    turns_free(turns);
    turns_free(NULL);
}

static void goes_on_at_once_where_something_is_left(void **state) {
    static const struct {
        struct claim claim;
        bool pending;
    } cases[] = {
        {{.rows = 40, .last_id = 40, .sent = 40}, false},
        {{.rows = 40, .last_id = 40, .sent = 39}, true}, // put off
        {{.rows = 40, .last_id = 40, .sent = 40, .released = 1}, true},
        {{.rows = 40, .last_id = 40, .sent = 40, .lowest_let_go = 7}, true},
        {{.rows = LIMIT, .last_id = 1700, .sent = LIMIT}, true},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct turns *turns = begin(0);
        struct claim claim = cases[index].claim;
        struct range range;
        assert_true(turns_next(turns, NOW, LIMIT, &claim.range));
        turns_snapshot(turns, "100:100::100", 40);
        turns_fetched(turns, &claim);
        turns_finished(turns, &claim, NOW);
        assert_int_equal(turns_pending(turns), cases[index].pending);
        assert_int_equal(turns_next_at(turns), cases[index].pending ? NOW : INT64_MAX);
        assert_int_equal(turns_next(turns, INT64_MAX, LIMIT, &range), cases[index].pending);
        turns_free(turns);
    }
}

static void a_look_brings_a_turn_when_it_finds_something(void **state) {
    static const struct {
        int64_t newest, lowest_unsent, due_in_us;
        bool pending;
    } cases[] = {
        {40, 0, INT64_MAX, false}, {41, 0, INT64_MAX, true}, {40, 7, INT64_MAX, true},
        {40, 0, 1, false},         {40, 0, 0, true},         {40, 0, -5, true},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct turns *turns = begin(0);
        take_turn(turns, "100:100::100", 40, 0, 40, 40, 0);
        settle_down(turns, "100:100::100", 40);
        struct look look = quiet;
        look.newest = cases[index].newest;
        look.lowest_unsent = cases[index].lowest_unsent;
        look.due_in_us = cases[index].due_in_us;
        turns_looked(turns, &look);
        assert_int_equal(turns_pending(turns), cases[index].pending);
        turns_free(turns);
    }
}

// Below the newest event only a transaction that has ended can have left something.
static void a_transaction_that_ends_brings_a_turn_while_there_are_gaps(void **state) {
    struct turns *turns = begin(0);
    struct look look = quiet;

    (void)state;
    look.newest = 40;
    take_turn(turns, "90:100:90:100", 40, 0, 40, 40, 0);
    look.snapshot = "90:100:90:100";
    turns_looked(turns, &look);
    assert_false(turns_pending(turns));
    look.snapshot = "90:101:90:101";
    turns_looked(turns, &look);
    assert_true(turns_pending(turns));
    assert_int_equal(turns_next_at(turns), NOW + UNSURE_US);
    turns_expect(turns);
    take_turn(turns, "90:101:90:101", 40, 0, 0, 0, 0);
    assert_false(turns_pending(turns));
    look.snapshot = "101:101::101";
    turns_looked(turns, &look);
    assert_true(turns_pending(turns));
    assert_int_equal(turns_next_at(turns), NOW + VAIN_MOST_US);
    look.newest = 41; // and what is new needs not wait for that
    turns_looked(turns, &look);
    assert_int_equal(turns_next_at(turns), NOW + VAIN_US);
    turns_free(turns);
}

static void other_news_bring_a_turn(void **state) {
    struct turns *turns = begin(0);

    (void)state;
    take_turn(turns, "100:100::100", 40, 0, 40, 40, 0);
    settle_down(turns, "100:100::100", 40);
    turns_expect(turns);
    assert_true(turns_pending(turns));
    turns_looked(turns, &quiet); // a look that finds nothing takes nothing back
    assert_true(turns_pending(turns));
    turns_free(turns);
}

// News that come while a turn is published bring another one.
static void keeps_news_that_come_during_a_turn(void **state) {
    struct turns *turns = begin(0);
    struct claim claim = {0};

    (void)state;
    assert_true(turns_next(turns, NOW, LIMIT, &claim.range));
    turns_snapshot(turns, "100:100::100", 0);
    turns_fetched(turns, &claim);
    turns_expect(turns);
    turns_finished(turns, &claim, NOW);
    assert_true(turns_pending(turns));
    turns_free(turns);
}

static int64_t wait_after(struct turns *turns, int64_t now, int sent) {
    struct claim claim = {.rows = sent, .sent = sent};

    assert_true(turns_next(turns, now, LIMIT, &claim.range));
    turns_snapshot(turns, "100:100::100", 0);
    turns_fetched(turns, &claim);
    turns_finished(turns, &claim, now);
    turns_expect(turns);
    return turns_next_at(turns) - now;
}

// New events of other topics bring vain turns as well.
static void waits_longer_after_each_vain_turn(void **state) {
    static const int waits_ms[] = {2, 4, 8, 16, 32, 64, 100, 100};
    struct turns *turns = begin(0);
    struct range range;
    int64_t now = NOW;

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int index = 0; index < 8; index++) {
            int64_t wait = wait_after(turns, now, 0);
            assert_int_equal(wait, waits_ms[index] * 1000);
            assert_false(turns_next(turns, now + wait - 1, LIMIT, &range));
            now += wait;
        }
        assert_int_equal(wait_after(turns, now, 1), 0);
    }
    turns_free(turns);
}

// A look may bring a turn for what an old transaction has left; new events need not wait for longer then.
static void waits_no_longer_after_a_turn_that_was_not_for_news(void **state) {
    struct turns *turns = begin(0);
    struct claim claim = {0};
    struct look look = quiet;

    (void)state;
    take_turn(turns, "90:100:90:100", 40, 0, 40, 40, 0);
    look.newest = 40;
    look.snapshot = "90:101:90:101";
    turns_looked(turns, &look);
    assert_true(turns_next(turns, NOW + UNSURE_US, LIMIT, &claim.range));
    turns_snapshot(turns, look.snapshot, 40);
    turns_fetched(turns, &claim);
    turns_finished(turns, &claim, NOW + UNSURE_US);
    assert_false(turns_pending(turns));
    turns_expect(turns);
    assert_int_equal(turns_next_at(turns), NOW + UNSURE_US);
    turns_free(turns);
}

static void asks_again_later_when_another_relay_has_the_lock(void **state) {
    struct turns *turns = begin(30);
    struct claim claim = {.refused = true};
    struct look look = quiet; // that another transaction has ended is no reason to ask earlier
    struct range range;

    (void)state;
    look.newest = 60;
    take_turn(turns, "90:100:90:100", 60, 30, 10, 60, 0);
    look.snapshot = "90:101:90:101";
    turns_looked(turns, &look);
    assert_true(turns_next(turns, NOW + UNSURE_US, LIMIT, &claim.range));
    turns_finished(turns, &claim, NOW);
    look.snapshot = "90:102:90:102";
    turns_looked(turns, &look);
    assert_true(turns_pending(turns));
    assert_int_equal(turns_next_at(turns), NOW + REFUSED_US);
    assert_false(turns_next(turns, NOW + REFUSED_US - 1, LIMIT, &range));
    assert_true(turns_next(turns, NOW + REFUSED_US, LIMIT, &range));
    assert_int_equal(turns_snapshot(turns, "100:100::100", 60), 30); // it has read nothing
    turns_free(turns);
}

// What was let go before a refusal is read again after it.
static void a_refusal_forgets_nothing(void **state) {
    struct turns *turns = begin(0);
    struct claim claim = {.refused = true};

    (void)state;
    take_turn(turns, "100:100::100", 40, 0, 40, 40, 13);
    assert_true(turns_next(turns, NOW + VAIN_US, LIMIT, &claim.range));
    turns_finished(turns, &claim, NOW);
    assert_true(turns_next(turns, NOW + REFUSED_US, LIMIT, &claim.range));
    assert_int_equal(turns_snapshot(turns, "100:100::100", 40), 12);
    turns_free(turns);
}

static void reads_on_where_its_limit_has_cut_it(void **state) {
    struct turns *turns = begin(0);

    (void)state;
    take_turn(turns, "100:100::100", 5000, 0, LIMIT, 1700, 0);
    take_turn(turns, "100:100::100", 5000, 1700, LIMIT, 2900, 0);
    take_turn(turns, "100:100::100", 5000, 2900, 3, 5000, 0);
    settle_down(turns, "100:100::100", 5000);
    turns_free(turns);
}

static void reads_again_what_was_let_go(void **state) {
    struct turns *turns = begin(0);

    (void)state;
    take_turn(turns, "100:100::100", 40, 0, 40, 40, 13);
    take_turn(turns, "100:100::100", 50, 12, 20, 50, 0);
    settle_down(turns, "100:100::100", 50);
    turns_free(turns);
}

static void reads_again_from_the_lower_of_a_cut_and_a_let_go(void **state) {
    struct turns *turns = begin(0);

    (void)state;
    take_turn(turns, "100:100::100", 5000, 0, LIMIT, 1700, 900);
    assert_int_equal(turns_snapshot(turns, "100:100::100", 5000), 899);
    turns_free(turns);
}

// A turn that was too long for its time is followed by shorter ones, and those by longer ones.
static void halves_its_limit_when_events_are_let_go(void **state) {
    struct turns *turns = begin(0);
    static const int limits[] = {500, 250, 125, LIMIT_LEAST, LIMIT_LEAST};

    (void)state;
    for (int index = 0; index < 5; index++) {
        take_turn(turns, "100:100::100", 40, index == 0 ? 0 : 12, 40, 40, 13);
        assert_int_equal(limit_of_next(turns), limits[index]);
    }
    static const int longer[] = {200, 400, 800, LIMIT, LIMIT};
    for (int index = 0; index < 5; index++) {
        take_turn(turns, "100:100::100", 50 + index, index == 0 ? 12 : 49 + index, 1, 50 + index, 0);
        assert_int_equal(limit_of_next(turns), longer[index]);
    }
    turns_free(turns);
}

// Transaction 95 had drawn ids when 20 to 40 were read, so they are read again when it has ended.
static void reads_again_what_a_late_transaction_may_have_left(void **state) {
    struct turns *turns = begin(20);

    (void)state;
    take_turn(turns, "95:100:95:100", 40, 20, 15, 40, 0);
    settle_down(turns, "95:100:95:100", 40);
    turns_expect(turns);
    struct range range;
    assert_true(turns_next(turns, NOW + VAIN_US, LIMIT, &range));
    assert_int_equal(turns_snapshot(turns, "100:100::100", 40), 20);
    turns_free(turns);
}

static void reads_all_when_a_snapshot_is_not_understood(void **state) {
    struct turns *turns = begin(20);

    (void)state;
    take_turn(turns, "95:100:95:100", 40, 20, 15, 40, 0);
    assert_int_equal(turns_snapshot(turns, "nonsense", 60), 20);
    turns_free(turns);
}

static void forgets_all_when_reset(void **state) {
    struct turns *turns = begin(0);
    struct range range;

    (void)state;
    take_turn(turns, "100:100::100", 40, 0, 40, 40, 13);
    turns_reset(turns, 10);
    assert_true(turns_next(turns, 0, LIMIT, &range));
    assert_int_equal(range.limit, LIMIT);
    assert_int_equal(turns_snapshot(turns, "100:100::100", 40), 10);
    turns_free(turns);
}

// As when the connection is lost in the middle of a turn.
static void learns_nothing_from_a_turn_that_began_before_a_reset(void **state) {
    struct turns *turns = begin(0);
    struct claim claim = {.rows = 0};

    (void)state;
    assert_true(turns_next(turns, NOW, LIMIT, &claim.range));
    claim.range.after = turns_snapshot(turns, "100:100::100", 90);
    turns_reset(turns, 0);
    turns_fetched(turns, &claim);
    assert_true(turns_pending(turns));
    turns_finished(turns, &claim, NOW);
    assert_true(turns_pending(turns));
    take_turn(turns, "100:100::100", 90, 0, 5, 90, 0);
    turns_free(turns);
}

// A simulated table: writers that draw ids and commit late or never, and turns that settle, put off or let go
// what they read.
enum { EVENTS_MAX = 2000, WRITERS = 6 };

enum event_state { UNSENT, PUT_OFF, SETTLED };

struct event {
    uint64_t xid;
    bool committed;
    enum event_state state;
};

struct table {
    uint32_t random;
    struct event events[EVENTS_MAX + 1]; // by id
    int64_t last_id;
    uint64_t next_xid;
    uint64_t last_ended;
    uint64_t writers[WRITERS]; // running transactions, 0: none
    int64_t refused_until;     // the ordered lock
};

static uint32_t pick(struct table *table, uint32_t below) {
    table->random = table->random * 1664525U + 1013904223U;
    return (table->random >> 8) % below;
}

static void end_writer(struct table *table, int writer, bool commit) {
    uint64_t xid = table->writers[writer];

    for (int64_t id = 1; id <= table->last_id; id++) {
        if (table->events[id].xid == xid) {
            table->events[id].committed = commit;
            table->events[id].state = commit ? UNSENT : SETTLED;
        }
    }
    table->last_ended = xid > table->last_ended ? xid : table->last_ended;
    table->writers[writer] = 0;
}

static void write_something(struct table *table, int64_t most) {
    int writer = (int)pick(table, WRITERS);

    if (table->writers[writer] == 0) {
        table->writers[writer] = table->next_xid++;
    } else if (table->last_id < most && pick(table, 100) < 60) {
        table->events[++table->last_id] = (struct event){.xid = table->writers[writer]};
    } else {
        end_writer(table, writer, pick(table, 100) < 80);
    }
}

static bool is_visible(const struct table *table, int64_t id) {
    return table->events[id].committed;
}

static int compare_xids(const void *one, const void *other) {
    const uint64_t *a = one;
    const uint64_t *b = other;

    return *a < *b ? -1 : *a > *b;
}

static void write_snapshot(const struct table *table, char *text, size_t size) {
    uint64_t running[WRITERS];
    size_t count = 0;
    uint64_t xmax = table->last_ended + 1;

    for (int writer = 0; writer < WRITERS; writer++) {
        if (table->writers[writer] != 0 && table->writers[writer] < xmax) {
            running[count++] = table->writers[writer];
        }
    }
    qsort(running, count, sizeof running[0], compare_xids);
    int length = snprintf(text, size, "%" PRIu64 ":%" PRIu64 ":", count > 0 ? running[0] : xmax, xmax);
    for (size_t index = 0; index < count; index++) {
        length += snprintf(text + length, size - (size_t)length, "%s%" PRIu64, index > 0 ? "," : "",
                           running[index]);
    }
    snprintf(text + length, size - (size_t)length, ":%" PRIu64, table->next_xid);
}

static int64_t newest_visible(const struct table *table) {
    int64_t newest = table->last_id;

    while (newest > 0 && !is_visible(table, newest)) {
        newest--;
    }
    return newest;
}

static int64_t lowest_unsent(const struct table *table) {
    for (int64_t id = 1; id <= table->last_id; id++) {
        if (is_visible(table, id) && table->events[id].state == UNSENT) {
            return id;
        }
    }
    return 0;
}

// Reads what the claim's statement would; what was put off is due now and then.
static int read_rows(struct table *table, int64_t after, int limit, int64_t *ids) {
    bool due = pick(table, 3) == 0;
    int rows = 0;

    for (int64_t id = 1; id <= table->last_id && rows < limit; id++) {
        enum event_state state = table->events[id].state;
        if (is_visible(table, id) && ((state == UNSENT && id > after) || (state == PUT_OFF && due))) {
            ids[rows++] = id;
        }
    }
    return rows;
}

static void settle_rows(struct table *table, struct claim *claim, const int64_t *ids, bool smoothly) {
    bool stopped = false; // let go from here on, as by a turn that was cut short

    for (int row = 0; row < claim->rows; row++) {
        struct event *event = &table->events[ids[row]];
        uint32_t chance = smoothly ? 0 : pick(table, 100);
        stopped = stopped || chance == 99;
        if (stopped || chance >= 95) {
            claim->lowest_let_go = claim->lowest_let_go == 0 ? ids[row] : claim->lowest_let_go;
        } else if (chance >= 90) {
            event->state = PUT_OFF;
        } else {
            event->state = SETTLED;
            claim->sent++;
        }
    }
}

static void simulate_turn(struct table *table, struct turns *turns, int64_t now, bool smoothly) {
    static int64_t ids[EVENTS_MAX];
    struct claim claim = {0};
    char snapshot[256];

    if (!turns_next(turns, now, 1 + (int)pick(table, 40), &claim.range)) {
        return;
    }
    assert_true(now >= table->refused_until);
    if (!smoothly && pick(table, 10) == 0) {
        claim.refused = true;
        table->refused_until = now + REFUSED_US;
        turns_finished(turns, &claim, now);
        return;
    }
    write_snapshot(table, snapshot, sizeof snapshot);
    int64_t newest = newest_visible(table);
    int64_t after = claim.range.after = turns_snapshot(turns, snapshot, newest);
    int64_t lowest = lowest_unsent(table);
    if (lowest != 0 && lowest <= after) {
        fail_msg("event %" PRId64 " is visible, and the turn reads from %" PRId64, lowest, after);
    }
    claim.rows = read_rows(table, after, claim.range.limit, ids);
    claim.last_id = claim.rows > 0 ? ids[claim.rows - 1] : 0;
    for (int writes = (int)pick(table, 8); !smoothly && writes > 0; writes--) {
        write_something(table, EVENTS_MAX); // not visible to this turn
    }
    turns_fetched(turns, &claim);
    settle_rows(table, &claim, ids, smoothly);
    turns_finished(turns, &claim, now);
}

static void look(const struct table *table, struct turns *turns) {
    struct look found = quiet;
    char snapshot[256];

    write_snapshot(table, snapshot, sizeof snapshot);
    found.snapshot = snapshot;

    found.newest = newest_visible(table);
    found.lowest_unsent = lowest_unsent(table);
    for (int64_t id = 1; id <= table->last_id; id++) {
        found.due_in_us = table->events[id].state == PUT_OFF ? 0 : found.due_in_us;
    }
    turns_looked(turns, &found);
}

static bool is_all_settled(const struct table *table) {
    bool settled = true;

    for (int64_t id = 1; settled && id <= table->last_id; id++) {
        settled = table->events[id].state == SETTLED;
    }
    return settled;
}

static void simulate(uint32_t seed) {
    static struct table table;
    struct turns *turns = begin(0);
    int64_t now = NOW;

    table = (struct table){.random = seed, .next_xid = 100, .last_ended = 99};
    for (int step = 0; step < 1500; step++, now += pick(&table, 2) == 0 ? VAIN_US : VAIN_MOST_US) {
        write_something(&table, EVENTS_MAX);
        if (pick(&table, 3) == 0) {
            look(&table, turns);
        }
        if (pick(&table, 200) == 0) { // the connection was lost
            turns_reset(turns, 0);
            table.refused_until = 0;
        }
        simulate_turn(&table, turns, now, false);
    }
    for (int writer = 0; writer < WRITERS; writer++) {
        if (table.writers[writer] != 0) {
            end_writer(&table, writer, true);
        }
    }
    for (int step = 0; step < 3000 && !is_all_settled(&table); step++, now += REFUSED_US) {
        look(&table, turns);
        simulate_turn(&table, turns, now, true);
    }
    assert_true(is_all_settled(&table));
    assert_true(table.last_id > 300);
    turns_free(turns);
}

static void no_turn_reads_past_an_unsettled_event(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        simulate(seed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_at_the_stored_floor),
        cmocka_unit_test(goes_on_at_once_where_something_is_left),
        cmocka_unit_test(a_look_brings_a_turn_when_it_finds_something),
        cmocka_unit_test(a_transaction_that_ends_brings_a_turn_while_there_are_gaps),
        cmocka_unit_test(other_news_bring_a_turn),
        cmocka_unit_test(keeps_news_that_come_during_a_turn),
        cmocka_unit_test(waits_longer_after_each_vain_turn),
        cmocka_unit_test(waits_no_longer_after_a_turn_that_was_not_for_news),
        cmocka_unit_test(asks_again_later_when_another_relay_has_the_lock),
        cmocka_unit_test(a_refusal_forgets_nothing),
        cmocka_unit_test(reads_on_where_its_limit_has_cut_it),
        cmocka_unit_test(reads_again_what_was_let_go),
        cmocka_unit_test(reads_again_from_the_lower_of_a_cut_and_a_let_go),
        cmocka_unit_test(halves_its_limit_when_events_are_let_go),
        cmocka_unit_test(reads_again_what_a_late_transaction_may_have_left),
        cmocka_unit_test(reads_all_when_a_snapshot_is_not_understood),
        cmocka_unit_test(forgets_all_when_reset),
        cmocka_unit_test(learns_nothing_from_a_turn_that_began_before_a_reset),
        cmocka_unit_test(no_turn_reads_past_an_unsettled_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
