// SPDX-License-Identifier: Apache-2.0
#include "outbox/rows.h"

#include "base/backoff.h"
#include "base/memory.h"
#include "outbox/followers.h"
#include "postgres/array.h"

#include <stdlib.h>

enum { TEXTS_LIMIT = 64 << 20, ARRAY_LIMIT = 64 << 20, MESSAGE_ID_MAX = 128 };

// In the array of delays: what is no delay.
static const int64_t park = -1;
static const int64_t wait_forever = INT64_MAX;

enum outcome_kind retry_judge(const struct retry_policy *policy, int attempts, const struct outcome *outcome,
                              int64_t *retry_after_us) {
    *retry_after_us = outcome->retry_after_us;
    if (outcome->kind != OUTCOME_REFUSED) {
        return outcome->kind;
    }
    int64_t backoff = backoff_us(attempts + 1, policy->base_us, policy->max_us);
    *retry_after_us = backoff > outcome->retry_after_us ? backoff : outcome->retry_after_us;
    return attempts + 1 >= policy->max_attempts ? OUTCOME_PARK : OUTCOME_REFUSED;
}

void rows_init(struct rows *rows, const struct retry_policy *policy) {
    *rows = (struct rows){.policy = policy};
    buffer_init(&rows->texts, TEXTS_LIMIT);
    for (int index = 0; index < ROWS_ARRAYS; index++) {
        buffer_init(&rows->arrays[index], ARRAY_LIMIT);
    }
}

void rows_free(struct rows *rows) {
    free(rows->items);
    buffer_free(&rows->texts);
    for (int index = 0; index < ROWS_ARRAYS; index++) {
        buffer_free(&rows->arrays[index]);
    }
}

void rows_trim(struct rows *rows) {
    rows_free(rows);
    rows_init(rows, rows->policy);
}

void rows_clear(struct rows *rows) {
    rows->count = rows->unsettled = rows->marked = rows->released = 0;
    rows->last_id = 0;
    buffer_clear(&rows->texts);
}

static void keep_text(struct rows *rows, struct slice text, size_t most, size_t *offset, size_t *length) {
    *offset = rows->texts.length;
    *length = text.length < most ? text.length : most;
    buffer_append(&rows->texts, text.data, *length);
}

int rows_add(struct rows *rows, const struct outbox_event *event, bool due, const char *place) {
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity * 2 + 64;
        rows->items = memory_resize(rows->items, (size_t)rows->capacity, sizeof(struct row));
    }
    struct row *row = &rows->items[rows->count];
    *row =
        (struct row){.id = event->id, .attempts = event->attempts, .wanted_at = event->wanted_at, .due = due};
    memcpy(row->event_id, event->event_id, EVENT_ID_BYTES);
    if (place != NULL) {
        memcpy(row->place, place, PLACE_BYTES);
    } else {
        keep_text(rows, event->aggregate_id, event->aggregate_id.length, &row->aggregate_offset,
                  &row->aggregate_length);
    }
    rows->last_id = event->id > rows->last_id ? event->id : rows->last_id;
    rows->unsettled++;
    return rows->count++;
}

void reason_make_ascii(char *reason, size_t length) {
    for (size_t index = 0; index < length; index++) {
        reason[index] = reason[index] < ' ' || reason[index] > '~' ? '?' : reason[index];
    }
}

static void keep_reason(struct rows *rows, struct row *row, const char *reason) {
    keep_text(rows, slice_of_text(reason), REASON_MAX, &row->text_offset, &row->text_length);
    if (row->text_length > 0) {
        reason_make_ascii(rows->texts.data + row->text_offset, row->text_length);
    }
}

void rows_settle(struct rows *rows, int number, const struct outcome *outcome) {
    struct row *row = &rows->items[number];
    rows->unsettled--;
    row->settled = true;
    row->kind = retry_judge(rows->policy, row->attempts, outcome, &row->retry_after_us);
    if (outcome->kind == OUTCOME_SENT) {
        keep_text(rows, outcome->message_id, MESSAGE_ID_MAX, &row->text_offset, &row->text_length);
    } else if (outcome->kind != OUTCOME_LET_GO) {
        keep_reason(rows, row, outcome->reason);
    }
}

struct slice rows_text(const struct rows *rows, const struct row *row) {
    return (struct slice){row->text_length > 0 ? rows->texts.data + row->text_offset : "", row->text_length};
}

int64_t rows_lowest_let_go(const struct rows *rows) {
    int64_t lowest = 0;
    for (int index = 0; index < rows->count; index++) {
        const struct row *row = &rows->items[index];
        if (row->settled && row->kind == OUTCOME_LET_GO && !row->due && (lowest == 0 || row->id < lowest)) {
            lowest = row->id;
        }
    }
    return lowest;
}

bool rows_hold(const struct rows *rows, int64_t id) {
    for (int index = 0; index < rows->count; index++) {
        if (rows->items[index].id == id) {
            return true;
        }
    }
    return false;
}

// A row that is not settled when a claim is cut short is let go.
static bool is_sent(const struct row *row) {
    return row->settled && row->kind == OUTCOME_SENT;
}

static bool is_put_off(const struct row *row) {
    return row->settled && row->kind != OUTCOME_SENT && row->kind != OUTCOME_LET_GO;
}

// What waits for this ordered event has nothing to wait for any more.
static bool makes_way(const struct rows *rows, const struct row *row) {
    return is_sent(row) || (row->settled && row->kind == OUTCOME_PARK && !rows->policy->parked_blocks);
}

static int count_rows(const struct rows *rows, bool (*is)(const struct row *)) {
    int count = 0;
    for (int index = 0; index < rows->count; index++) {
        count += is(&rows->items[index]);
    }
    return count;
}

int rows_sent(const struct rows *rows) {
    return count_rows(rows, is_sent);
}

bool rows_have_marks(const struct rows *rows) {
    return rows_sent(rows) > 0 || count_rows(rows, is_put_off) > 0;
}

static struct pg_parameter parameter(const struct buffer *array) {
    return (struct pg_parameter){array->data, (int)array->length};
}

static void clear_arrays(struct rows *rows) {
    for (int index = 0; index < ROWS_ARRAYS; index++) {
        buffer_clear(&rows->arrays[index]);
    }
}

static void on_marked(void *context, int64_t affected) {
    struct rows *rows = context;
    rows->marked += (int)affected;
}

// Ordered events are read by id.
static int by_id(const void *key, const void *item) {
    const int64_t *id = key;
    const struct row *row = item;
    return (*id > row->id) - (*id < row->id);
}

static void on_marked_row(void *context, const PGresult *result, int index) {
    struct rows *rows = context;
    int64_t id = pg_int(result, index, 0);
    struct row *row = bsearch(&id, rows->items, (size_t)rows->count, sizeof(struct row), by_id);
    if (row != NULL) {
        row->marked = true;
    }
}

// due_at is NULL already unless the event was scheduled or tried before, so this stays a HOT update.
#define MARK_SENT                                                                                            \
    "UPDATE outbox.event AS e"                                                                               \
    " SET sent_at = pg_catalog.statement_timestamp(), message_id = m.message_id, due_at = NULL"              \
    " FROM "
#define SENT_ARRAYS                                                                                          \
    "ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]), pg_catalog.unnest($2::pg_catalog.text[])"

// A locked row stays where it is, so it is found without the index.
static const char mark_locked[] =
    MARK_SENT SENT_ARRAYS ", pg_catalog.unnest($3::pg_catalog.tid[])) AS m(id, message_id, place) WHERE "
                          "e.ctid = m.place AND e.id = m.id";

// Nobody keeps others from ordered events but by the ordered lock. So what a person has locked is passed
// over: who waits for it keeps that lock. And another event may have the id by now. (LATERAL, and a place: a
// join by id is planned as a walk over all events while they are few, and then done so when they are many.
// What somebody has changed since this statement began is elsewhere, so it is not marked either.)
#define UNLOCKED(condition)                                                                                  \
    " CROSS JOIN LATERAL (SELECT l.ctid AS place FROM outbox.event AS l"                                     \
    " WHERE l.id = m.id AND l.event_id = m.event_id" condition                                               \
    " FOR NO KEY UPDATE SKIP LOCKED) AS l WHERE e.ctid = l.place RETURNING e.id"

static const char mark_ordered[] = MARK_SENT SENT_ARRAYS
    ", pg_catalog.unnest($3::pg_catalog.uuid[])) AS m(id, message_id, event_id)" UNLOCKED("");

static void append_event_id(struct buffer *array, const struct row *row) {
    pg_array_append_bytes(array, (struct slice){(const char *)row->event_id, EVENT_ID_BYTES});
}

static void send_sent_marks(struct rows *rows, struct pg_connection *connection, int count, bool ordered) {
    struct buffer *arrays = rows->arrays;
    clear_arrays(rows);
    pg_array_begin(&arrays[0], PG_ELEMENT_BIGINT, count);
    pg_array_begin(&arrays[1], PG_ELEMENT_TEXT, count);
    pg_array_begin(&arrays[2], ordered ? PG_ELEMENT_UUID : PG_ELEMENT_TID, count);
    for (int index = 0; index < rows->count; index++) {
        const struct row *row = &rows->items[index];
        if (is_sent(row)) {
            pg_array_append_bigint(&arrays[0], row->id);
            pg_array_append_bytes(&arrays[1], rows_text(rows, row));
            if (ordered) {
                append_event_id(&arrays[2], row);
            } else {
                pg_array_append_bytes(&arrays[2], (struct slice){row->place, PLACE_BYTES});
            }
        }
    }
    pg_send(connection, &(struct pg_statement){.sql = ordered ? mark_ordered : mark_locked,
                                               .repeated = true,
                                               .parameter_count = 3,
                                               .parameters = {parameter(&arrays[0]), parameter(&arrays[1]),
                                                              parameter(&arrays[2])},
                                               .row = on_marked_row,
                                               .done = on_marked,
                                               .context = rows,
                                               .label = "mark"});
}

static int64_t delay_of(const struct row *row) {
    return row->kind == OUTCOME_PARK ? park : row->kind == OUTCOME_WAIT ? wait_forever : row->retry_after_us;
}

static bool counts(const struct row *row) {
    return row->kind == OUTCOME_REFUSED || row->kind == OUTCOME_PARK;
}

#define PUT_OFF                                                                                              \
    "UPDATE outbox.event AS e"                                                                               \
    " SET due_at = CASE WHEN m.delay < 0 THEN NULL"                                                          \
    " WHEN m.delay = 9223372036854775807 THEN timestamptz 'infinity'"                                        \
    " ELSE pg_catalog.clock_timestamp() + m.delay * interval '1 microsecond' END,"                           \
    " parked_at = CASE WHEN m.delay < 0 THEN pg_catalog.clock_timestamp() END,"                              \
    " attempts = (CASE WHEN e.attempts < 32767 THEN e.attempts + m.counts ELSE 32767 END)::int2,"            \
    " last_error = m.reason FROM "
#define PUT_OFF_ARRAYS                                                                                       \
    "ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]), pg_catalog.unnest($2::pg_catalog.int8[]),"         \
    " pg_catalog.unnest($3::pg_catalog.int8[]), pg_catalog.unnest($4::pg_catalog.text[])"

static const char put_off_locked[] =
    PUT_OFF PUT_OFF_ARRAYS ") AS m(id, delay, counts, reason) WHERE e.id = m.id";

// (One may have been parked by hand meanwhile: it stays parked.)
static const char put_off_ordered[] = PUT_OFF PUT_OFF_ARRAYS
    ", pg_catalog.unnest($5::pg_catalog.uuid[])) AS m(id, delay, counts, reason, event_id)" UNLOCKED(
        " AND l.parked_at IS NULL AND l.sent_at IS NULL");

static void send_put_off_marks(struct rows *rows, struct pg_connection *connection, int count, bool ordered) {
    struct buffer *arrays = rows->arrays;
    clear_arrays(rows);
    pg_array_begin(&arrays[0], PG_ELEMENT_BIGINT, count);
    pg_array_begin(&arrays[1], PG_ELEMENT_BIGINT, count);
    pg_array_begin(&arrays[2], PG_ELEMENT_BIGINT, count);
    pg_array_begin(&arrays[3], PG_ELEMENT_TEXT, count);
    pg_array_begin(&arrays[4], PG_ELEMENT_UUID, count);
    for (int index = 0; index < rows->count; index++) {
        const struct row *row = &rows->items[index];
        if (is_put_off(row)) {
            pg_array_append_bigint(&arrays[0], row->id);
            pg_array_append_bigint(&arrays[1], delay_of(row));
            pg_array_append_bigint(&arrays[2], counts(row) ? 1 : 0);
            pg_array_append_bytes(&arrays[3], rows_text(rows, row));
            append_event_id(&arrays[4], row);
        }
    }
    pg_send(connection, &(struct pg_statement){.sql = ordered ? put_off_ordered : put_off_locked,
                                               .parameter_count = ordered ? 5 : 4,
                                               .parameters = {parameter(&arrays[0]), parameter(&arrays[1]),
                                                              parameter(&arrays[2]), parameter(&arrays[3]),
                                                              parameter(&arrays[4])},
                                               .row = on_marked_row,
                                               .done = on_marked,
                                               .context = rows,
                                               .label = "put_off"});
}

static void on_released(void *context, int64_t affected) {
    struct rows *rows = context;
    rows->released += (int)affected;
}

static void send_followers(struct rows *rows, struct pg_connection *connection) {
    int count = 0;
    for (int index = 0; index < rows->count; index++) {
        count += makes_way(rows, &rows->items[index]);
    }
    if (count == 0) {
        return;
    }
    clear_arrays(rows);
    pg_array_begin(&rows->arrays[0], PG_ELEMENT_TEXT, count);
    for (int index = 0; index < rows->count; index++) {
        const struct row *row = &rows->items[index];
        if (makes_way(rows, row)) {
            pg_array_append_bytes(&rows->arrays[0], (struct slice){rows->texts.data + row->aggregate_offset,
                                                                   row->aggregate_length});
        }
    }
    pg_send(connection, &(struct pg_statement){
                            .sql = FOLLOWERS_SQL("SELECT DISTINCT pg_catalog.unnest($1::pg_catalog.text[])"),
                            .parameter_count = 1,
                            .parameters = {parameter(&rows->arrays[0])},
                            .done = on_released,
                            .context = rows,
                            .label = "followers"});
}

void rows_send_marks(struct rows *rows, struct pg_connection *connection, bool ordered) {
    int sent = rows_sent(rows);
    int put_off = count_rows(rows, is_put_off);
    if (sent > 0) {
        send_sent_marks(rows, connection, sent, ordered);
    }
    if (put_off > 0) {
        send_put_off_marks(rows, connection, put_off, ordered);
    }
    if (ordered) {
        send_followers(rows, connection);
    }
}

void rows_leave_unmarked(struct rows *rows, struct ledger *ledger) {
    struct slice known;
    for (int index = 0; index < rows->count; index++) {
        struct row *row = &rows->items[index];
        if (row->marked || !row->settled) {
            continue;
        }
        if (is_put_off(row)) {
            row->kind = OUTCOME_LET_GO;
        } else if (is_sent(row)) {
            row->kind = OUTCOME_WAIT; // for its mark
            if (!ledger_find(ledger, row->id, row->event_id, &known)) {
                ledger_add(ledger, row->id, row->event_id, rows_text(rows, row), true);
            }
        }
    }
}

void rows_to_ledger(const struct rows *rows, struct ledger *ledger, bool ordered) {
    for (int index = 0; index < rows->count; index++) {
        const struct row *row = &rows->items[index];
        if (is_sent(row)) {
            ledger_add(ledger, row->id, row->event_id, rows_text(rows, row), ordered);
        }
    }
}
