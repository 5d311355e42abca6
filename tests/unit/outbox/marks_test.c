// SPDX-License-Identifier: Apache-2.0
// Tests of outbox/rows.h and outbox/ledger.h: what becomes of an event is written down once, and nothing
// that is known is forgotten before it is. The test's own pg_send stands in for the connection.
#include "outbox/rows.h"

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

enum { STATEMENTS = 32, ELEMENT_BYTES = 8, ARRAY_HEADER_BYTES = 20, MS = 1000 };

// What was sent: the beginning of each statement, and of those that change events how many, with the lowest
// id.
static struct {
    char sql[64];
    int elements;
    int64_t first_id;
} sent[STATEMENTS];
static int sent_count;
static int unchanged; // of each statement's rows, those that the server does not change
// Of the rows that statements return, the id (0: none is returned), and a column with an event's id.
static int64_t returned_id;
static const char *returned_event_id;

static int64_t read_big_endian(const char *bytes, int count) {
    uint64_t value = 0;
    for (int index = 0; index < count; index++) {
        value = value << 8 | (unsigned char)bytes[index];
    }
    return (int64_t)value;
}

static void return_row(const struct pg_statement *statement) {
    char name[] = "column";
    PGresAttDesc columns[] = {{.name = name, .format = 1}, {.name = name, .format = 1}};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    char id[8];
    for (int index = 0; index < 8; index++) {
        id[index] = (char)((uint64_t)returned_id >> (56 - 8 * index));
    }
    assert_true(PQsetResultAttrs(result, 2, columns));
    assert_true(PQsetvalue(result, 0, 0, id, 8));
    if (returned_event_id != NULL) {
        char event_id[EVENT_ID_BYTES];
        memcpy(event_id, returned_event_id, EVENT_ID_BYTES);
        assert_true(PQsetvalue(result, 0, 1, event_id, EVENT_ID_BYTES));
    }
    statement->row(statement->context, result, 0);
    PQclear(result);
}

// A binary array: its dimensions, flags and type, the number of elements at byte 12, and each with its
// length.
void pg_send(struct pg_connection *connection, const struct pg_statement *statement) {
    (void)connection;
    assert_true(sent_count < STATEMENTS);
    snprintf(sent[sent_count].sql, sizeof sent[0].sql, "%s", statement->sql);
    if (statement->parameter_count > 0) {
        const char *array = statement->parameters[0].value;
        sent[sent_count].elements = (int)read_big_endian(array + 12, 4);
        sent[sent_count].first_id = read_big_endian(array + ARRAY_HEADER_BYTES + 4, ELEMENT_BYTES);
    }
    if (statement->row != NULL && returned_id != 0) {
        return_row(statement);
    }
    if (statement->done != NULL) {
        statement->done(statement->context, sent[sent_count].elements - unchanged);
    }
    sent_count++;
}

void pg_sync(struct pg_connection *connection) {
    (void)connection;
}

static const struct retry_policy policy = {
    .base_us = 1000 * MS, .max_us = 8000 * MS, .max_attempts = 3, .parked_blocks = true};

static int set_up(void **state) {
    static struct rows rows;
    rows_init(&rows, &policy);
    memset(sent, 0, sizeof sent);
    sent_count = unchanged = 0;
    returned_id = 0;
    returned_event_id = NULL;
    *state = &rows;
    return 0;
}

static int tear_down(void **state) {
    rows_free(*state);
    return 0;
}

static int add(struct rows *rows, int64_t id, int attempts, bool due) {
    struct outbox_event event = {.id = id, .attempts = attempts, .aggregate_id = slice_of_text("order-1")};
    return rows_add(rows, &event, due, NULL);
}

static void settle(struct rows *rows, int row, enum outcome_kind kind) {
    rows_settle(rows, row,
                &(struct outcome){.kind = kind, .message_id = slice_of_text("receipt"), .reason = "because"});
}

// The first statement from number `from` on that has this in its beginning; -1: none.
static int find_sent(const char *text, int from) {
    int index = from;
    while (index < sent_count && strstr(sent[index].sql, text) == NULL) {
        index++;
    }
    return index < sent_count ? index : -1;
}

static void a_refused_event_is_parked_after_its_last_attempt_only(void **state) {
    (void)state;
    const struct outcome refused = {.kind = OUTCOME_REFUSED};
    int64_t after = 0;
    assert_int_equal(retry_judge(&policy, 0, &refused, &after), OUTCOME_REFUSED);
    assert_in_range(after, 500 * MS, 1000 * MS);
    assert_int_equal(retry_judge(&policy, 1, &refused, &after), OUTCOME_REFUSED);
    assert_int_equal(retry_judge(&policy, 2, &refused, &after), OUTCOME_PARK);
    assert_int_equal(retry_judge(&policy, 32767, &refused, &after), OUTCOME_PARK);
}

static void an_outage_never_parks(void **state) {
    (void)state;
    const struct outcome retry = {.kind = OUTCOME_RETRY, .retry_after_us = 7};
    int64_t after = 0;
    assert_int_equal(retry_judge(&policy, 32767, &retry, &after), OUTCOME_RETRY);
    assert_int_equal(after, 7);
}

static void a_longer_wait_that_was_asked_for_counts(void **state) {
    (void)state;
    const struct outcome refused = {.kind = OUTCOME_REFUSED, .retry_after_us = 60000 * MS};
    int64_t after = 0;
    (void)retry_judge(&policy, 0, &refused, &after);
    assert_int_equal(after, 60000 * MS);
}

static void what_is_let_go_is_not_marked_and_is_looked_for_again(void **state) {
    struct rows *rows = *state;
    int kept = add(rows, 11, 0, false);
    int due = add(rows, 5, 0, true);
    int lower = add(rows, 9, 0, false);
    assert_int_equal(rows->unsettled, 3);
    settle(rows, kept, OUTCOME_LET_GO);
    settle(rows, due, OUTCOME_LET_GO); // comes again by due_at
    settle(rows, lower, OUTCOME_LET_GO);
    assert_int_equal(rows->unsettled, 0);
    assert_int_equal(rows_lowest_let_go(rows), 9);
    assert_false(rows_have_marks(rows));
    rows_send_marks(rows, NULL, false);
    assert_int_equal(sent_count, 0);
}

static void only_what_was_sent_is_marked_sent(void **state) {
    struct rows *rows = *state;
    int one = add(rows, 21, 0, false);
    int two = add(rows, 22, 0, false);
    add(rows, 23, 0, false); // not settled, as when a claim is cut short
    settle(rows, two, OUTCOME_SENT);
    settle(rows, one, OUTCOME_RETRY);
    assert_int_equal(rows_sent(rows), 1);
    rows_send_marks(rows, NULL, false);
    assert_int_equal(sent_count, 2);
    assert_non_null(strstr(sent[0].sql, "SET sent_at"));
    assert_int_equal(sent[0].elements, 1);
    assert_int_equal(sent[0].first_id, 22);
    assert_non_null(strstr(sent[1].sql, "SET due_at"));
    assert_int_equal(sent[1].elements, 1);
    assert_int_equal(sent[1].first_id, 21);
}

static void what_is_to_be_tried_again_is_marked_too(void **state) {
    struct rows *rows = *state;
    settle(rows, add(rows, 52, 0, false), OUTCOME_RETRY);
    assert_true(rows_have_marks(rows));
}

// What waits behind a parked event goes on only where it is to pass.
static void what_the_server_has_marked_is_counted(void **state) {
    struct rows *rows = *state;
    int one = add(rows, 21, 0, false);
    int two = add(rows, 22, 0, false);
    settle(rows, one, OUTCOME_SENT);
    rows_send_marks(rows, NULL, false); // cut short
    settle(rows, two, OUTCOME_SENT);    // too late for the marks that are under way
    assert_int_equal(rows->unsettled, 0);
    assert_int_equal(rows->marked, 1);
    rows_clear(rows);
    one = add(rows, 21, 0, false);
    two = add(rows, 22, 0, false);
    settle(rows, one, OUTCOME_SENT);
    settle(rows, two, OUTCOME_RETRY);
    rows_send_marks(rows, NULL, false);
    assert_int_equal(rows->marked, 2);
    rows_clear(rows);
    one = add(rows, 21, 0, false);
    settle(rows, one, OUTCOME_SENT);
    unchanged = 1; // a trigger of somebody's swallows the change
    rows_send_marks(rows, NULL, false);
    assert_int_equal(rows->marked, 0);
}

static void followers_are_let_go_behind_what_makes_way(void **state) {
    struct rows *rows = *state;
    settle(rows, add(rows, 31, 2, false), OUTCOME_REFUSED);
    rows_send_marks(rows, NULL, true);
    assert_int_equal(sent_count, 1);
    struct retry_policy passing = policy;
    passing.parked_blocks = false;
    rows->policy = &passing;
    rows_send_marks(rows, NULL, true);
    assert_int_equal(sent_count, 3);
    assert_int_equal(sent[2].elements, 1);
}

static void a_reason_is_short_and_printable(void **state) {
    struct rows *rows = *state;
    char reason[2 * REASON_MAX];
    memset(reason, '\n', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    int row = add(rows, 41, 0, false);
    rows_settle(rows, row, &(struct outcome){.kind = OUTCOME_WAIT, .reason = reason});
    struct slice text = rows_text(rows, &rows->items[row]);
    assert_int_equal(text.length, REASON_MAX);
    assert_int_equal(text.data[0], '?');
}

static void what_is_known_to_be_sent_outlives_the_claim(void **state) {
    struct rows *rows = *state;
    struct ledger *ledger = ledger_new();
    settle(rows, add(rows, 52, 0, false), OUTCOME_SENT);
    settle(rows, add(rows, 51, 0, false), OUTCOME_SENT);
    settle(rows, add(rows, 53, 0, false), OUTCOME_RETRY);
    add(rows, 54, 0, false);
    rows_to_ledger(rows, ledger, false);
    assert_int_equal(ledger_count(ledger), 2);
    ledger_send_marks(ledger, NULL, NULL, NULL);
    int marks = find_sent("SET sent_at", 0);
    assert_true(marks >= 0);
    assert_int_equal(sent[marks].elements, 2);
    assert_int_equal(sent[marks].first_id, 51); // in the order of the ids
    assert_int_equal(find_sent("SET sent_at", marks + 1), -1);
    assert_int_equal(find_sent("pg_advisory_xact_lock", 0), -1);
    ledger_free(ledger);
}

// Marks that were asked for may be refused, and more can be added before they are answered.
static void the_ledger_forgets_only_what_was_marked(void **state) {
    (void)state;
    static const unsigned char event_id[EVENT_ID_BYTES] = {7};
    struct ledger *ledger = ledger_new();
    ledger_add(ledger, 62, event_id, slice_of_text("receipt"), true);
    ledger_add_failed(ledger, &(struct failed_event){.id = 63, .reason = "late", .counts = true});
    ledger_send_marks(ledger, NULL, NULL, NULL);
    assert_int_equal(ledger_count(ledger), 2);
    ledger_add(ledger, 61, event_id, slice_of_text("receipt"), false);
    ledger_add_failed(ledger, &(struct failed_event){.id = 64, .reason = "late"});
    ledger_marked(ledger);
    assert_int_equal(ledger_count(ledger), 2);
    sent_count = 0;
    ledger_send_marks(ledger, NULL, NULL, NULL);
    int marks = find_sent("SET sent_at", 0);
    assert_true(marks >= 0);
    assert_int_equal(sent[marks].elements, 1);
    assert_int_equal(sent[marks].first_id, 61);
    ledger_marked(ledger);
    assert_int_equal(ledger_count(ledger), 0);
    ledger_free(ledger);
}

// Only what has an order needs the lock, which another relay may have for a while.
static void what_has_no_order_is_marked_before_the_ordered_lock(void **state) {
    struct rows *rows = *state;
    struct ledger *ledger = ledger_new();
    settle(rows, add(rows, 61, 0, false), OUTCOME_SENT);
    rows_to_ledger(rows, ledger, true);
    rows_clear(rows);
    settle(rows, add(rows, 62, 0, false), OUTCOME_SENT);
    rows_to_ledger(rows, ledger, false);
    ledger_send_marks(ledger, NULL, NULL, NULL);
    int lock = find_sent("pg_advisory_xact_lock", 0);
    int without = find_sent("SET sent_at", 0);
    assert_true(without >= 0 && without < lock);
    assert_int_equal(sent[without].elements, 1);
    assert_int_equal(sent[without].first_id, 62);
    int ordered = find_sent("SET sent_at", lock);
    assert_int_not_equal(ordered, -1);
    assert_int_equal(sent[ordered].first_id, 61);
    ledger_free(ledger);
}

static void what_is_sent_is_kept_when_failures_are_forgotten(void **state) {
    (void)state;
    static const unsigned char event_id[EVENT_ID_BYTES] = {7};
    struct ledger *ledger = ledger_new();
    ledger_add(ledger, 61, event_id, slice_of_text("receipt"), false);
    ledger_add_failed(ledger, &(struct failed_event){.id = 63, .reason = "late"});
    ledger_forget_failed(ledger);
    assert_int_equal(ledger_count(ledger), 1);
    ledger_free(ledger);
}

// Of three, the server says that one is marked: somebody has the others locked.
static void what_cannot_be_marked_is_kept_or_let_go(void **state) {
    struct rows *rows = *state;
    struct ledger *ledger = ledger_new();
    struct slice receipt;
    settle(rows, add(rows, 71, 0, false), OUTCOME_SENT);
    settle(rows, add(rows, 72, 0, false), OUTCOME_SENT);
    settle(rows, add(rows, 73, 0, false), OUTCOME_RETRY);
    returned_id = 72;
    rows_send_marks(rows, NULL, true);
    rows_leave_unmarked(rows, ledger);
    assert_int_equal(ledger_count(ledger), 1);
    assert_true(ledger_find(ledger, 71, rows->items[0].event_id, &receipt));
    assert_int_equal(receipt.length, strlen("receipt"));
    assert_memory_equal(receipt.data, "receipt", receipt.length);
    assert_int_equal(rows_lowest_let_go(rows), 73);
    rows_leave_unmarked(rows, ledger);
    assert_int_equal(ledger_count(ledger), 1); // once
    ledger_free(ledger);
}

static void the_ledger_keeps_what_somebody_has_locked(void **state) {
    (void)state;
    static const unsigned char event_id[EVENT_ID_BYTES] = {7}, other_id[EVENT_ID_BYTES] = {8};
    struct ledger *ledger = ledger_new();
    struct slice receipt;
    ledger_add(ledger, 82, event_id, slice_of_text("receipt"), true);
    ledger_add(ledger, 81, event_id, slice_of_text("receipt"), false);
    assert_int_equal(ledger_untried(ledger), 2);
    returned_id = 82;
    returned_event_id = (const char *)event_id;
    ledger_send_marks(ledger, NULL, NULL, NULL);
    assert_int_equal(ledger_marked(ledger), 1);
    assert_int_equal(ledger_count(ledger), 1);
    assert_int_equal(ledger_untried(ledger), 0);
    assert_true(ledger_find(ledger, 82, event_id, &receipt));
    assert_false(ledger_find(ledger, 82, other_id, &receipt)); // another event has its id by now
    assert_false(ledger_find(ledger, 81, event_id, &receipt));
    returned_id = 0; // the lock is gone
    ledger_send_marks(ledger, NULL, NULL, NULL);
    assert_int_equal(ledger_marked(ledger), 1);
    assert_int_equal(ledger_count(ledger), 0);
    ledger_free(ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_refused_event_is_parked_after_its_last_attempt_only),
        TEST(an_outage_never_parks),
        TEST(a_longer_wait_that_was_asked_for_counts),
        TEST(what_is_let_go_is_not_marked_and_is_looked_for_again),
        TEST(only_what_was_sent_is_marked_sent),
        TEST(what_is_to_be_tried_again_is_marked_too),
        TEST(what_the_server_has_marked_is_counted),
        TEST(followers_are_let_go_behind_what_makes_way),
        TEST(a_reason_is_short_and_printable),
        TEST(what_is_known_to_be_sent_outlives_the_claim),
        TEST(the_ledger_forgets_only_what_was_marked),
        TEST(what_has_no_order_is_marked_before_the_ordered_lock),
        TEST(what_is_sent_is_kept_when_failures_are_forgotten),
        TEST(what_cannot_be_marked_is_kept_or_let_go),
        TEST(the_ledger_keeps_what_somebody_has_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
