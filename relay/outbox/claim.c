// SPDX-License-Identifier: Apache-2.0
#include "outbox/claim.h"

#include "base/backoff.h"
#include "base/memory.h"
#include "postgres/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXTS_LIMIT = 64 << 20, ARRAY_LIMIT = 64 << 20, MESSAGE_ID_MAX = 128, REASON_MAX = 500 };

enum claim_state {
    CLAIM_CLOSED,
    CLAIM_CONNECTING,
    CLAIM_IDLE,
    CLAIM_FETCHING,
    CLAIM_PUBLISHING,
    CLAIM_MARKING
};

enum row_state { ROW_PENDING, ROW_SENT, ROW_DEFERRED, ROW_LET_GO };

// A claimed event and what became of it. The text is the message id or the reason, in claim->texts.
struct row {
    int64_t id;
    unsigned char event_id[EVENT_ID_BYTES];
    enum row_state state;
    int attempts;
    bool counts;
    size_t text_offset;
    size_t text_length;
    int64_t retry_after_us;
};

struct claim {
    struct claim_listener listener;
    struct claim_options options;
    struct pg_connection *connection;
    struct ledger *ledger; // set once abandoned: where late news go
    enum claim_state state;
    struct range range;
    uint64_t transaction;
    struct row *rows;
    int row_count;
    int row_capacity;
    int unsettled;
    int64_t last_id;
    struct buffer texts;
    struct buffer arrays[4];
};

struct claim *claim_new(const struct claim_listener *listener, const struct claim_options *options) {
    struct claim *claim = memory_allocate(1, sizeof *claim);
    claim->listener = *listener;
    claim->options = *options;
    buffer_init(&claim->texts, TEXTS_LIMIT);
    for (int index = 0; index < 4; index++) {
        buffer_init(&claim->arrays[index], ARRAY_LIMIT);
    }
    return claim;
}

void claim_free(struct claim *claim) {
    if (claim == NULL) {
        return;
    }
    pg_close(claim->connection);
    free(claim->rows);
    buffer_free(&claim->texts);
    for (int index = 0; index < 4; index++) {
        buffer_free(&claim->arrays[index]);
    }
    free(claim);
}

static void on_ready(void *context) {
    struct claim *claim = context;
    claim->state = CLAIM_IDLE;
    claim->listener.ready(claim->listener.context, claim);
}

static void on_lost(void *context, const struct error *error) {
    struct claim *claim = context;
    claim->listener.lost(claim->listener.context, claim, error);
}

bool claim_connect(struct claim *claim, struct event_base *base, struct error *error) {
    const struct pg_handler handler = {.context = claim, .ready = on_ready, .lost = on_lost};
    claim->ledger = NULL;
    claim->row_count = 0;
    claim->transaction = 0;
    claim->connection = pg_open(base, claim->options.conninfo, &handler, error);
    claim->state = claim->connection != NULL ? CLAIM_CONNECTING : CLAIM_CLOSED;
    return claim->connection != NULL;
}

static struct slice row_text(const struct claim *claim, const struct row *row) {
    return (struct slice){row->text_length > 0 ? claim->texts.data + row->text_offset : "", row->text_length};
}

void claim_abandon(struct claim *claim, struct ledger *ledger) {
    bool busy = claim_is_busy(claim);
    pg_close(claim->connection);
    claim->connection = NULL;
    claim->state = CLAIM_CLOSED;
    claim->ledger = ledger;
    for (int index = 0; busy && index < claim->row_count; index++) {
        const struct row *row = &claim->rows[index];
        if (row->state == ROW_SENT) {
            ledger_add(ledger, row->id, row->event_id, row_text(claim, row));
        }
    }
}

bool claim_is_closed(const struct claim *claim) {
    return claim->state == CLAIM_CLOSED;
}

bool claim_is_open(const struct claim *claim) {
    return claim->state >= CLAIM_IDLE;
}

bool claim_is_connecting(const struct claim *claim) {
    return claim->state == CLAIM_CONNECTING;
}

bool claim_is_busy(const struct claim *claim) {
    return claim->state >= CLAIM_FETCHING;
}

bool claim_is_idle(const struct claim *claim) {
    return claim->state == CLAIM_IDLE;
}

bool claim_is_fetching(const struct claim *claim) {
    return claim->state == CLAIM_FETCHING;
}

int claim_unsettled(const struct claim *claim) {
    return claim->unsettled;
}

const struct range *claim_range(const struct claim *claim) {
    return &claim->range;
}

int claim_rows(const struct claim *claim) {
    return claim->row_count;
}

int64_t claim_last_id(const struct claim *claim) {
    return claim->last_id;
}

uint64_t claim_transaction(const struct claim *claim) {
    return claim->transaction;
}

void claim_pause(struct claim *claim) {
    if (claim->connection != NULL) {
        pg_pause(claim->connection);
    }
}

void claim_resume(struct claim *claim) {
    if (claim->connection != NULL) {
        pg_resume(claim->connection);
    }
}

static void on_transaction_row(void *context, const PGresult *result, int row) {
    struct claim *claim = context;
    struct slice text = pg_bytes(result, row, 0);
    claim->transaction = strtoull(text.data, NULL, 10);
}

static struct row *add_row(struct claim *claim) {
    if (claim->row_count == claim->row_capacity) {
        claim->row_capacity = claim->row_capacity * 2 + 64;
        claim->rows = memory_resize(claim->rows, (size_t)claim->row_capacity, sizeof(struct row));
    }
    struct row *row = &claim->rows[claim->row_count++];
    *row = (struct row){0};
    return row;
}

static void on_event_row(void *context, const PGresult *result, int index) {
    struct claim *claim = context;
    struct outbox_event event = {.id = pg_int(result, index, 0),
                                 .occurred_at = pg_unix_us(result, index, 3),
                                 .event_type = pg_bytes(result, index, 4),
                                 .event_version = pg_bytes(result, index, 5),
                                 .aggregate_id = pg_bytes(result, index, 6),
                                 .metadata = pg_bytes(result, index, 7),
                                 .data = pg_bytes(result, index, 8)};
    memcpy(event.event_id, pg_bytes(result, index, 1).data, EVENT_ID_BYTES);
    struct row *row = add_row(claim);
    row->id = event.id;
    row->attempts = (int)pg_int(result, index, 2);
    memcpy(row->event_id, event.event_id, EVENT_ID_BYTES);
    claim->last_id = event.id > claim->last_id ? event.id : claim->last_id;
    claim->unsettled++;
    claim->listener.claimed(claim->listener.context, claim, &event, claim->row_count - 1);
}

static void become_idle(void *context, int64_t affected) {
    (void)affected;
    struct claim *claim = context;
    claim->state = CLAIM_IDLE;
    claim->transaction = 0;
    claim->listener.finished(claim->listener.context, claim);
}

static struct pg_parameter parameter(const struct buffer *array) {
    return (struct pg_parameter){array->data, (int)array->length};
}

static int count_rows(const struct claim *claim, enum row_state state) {
    int count = 0;
    for (int index = 0; index < claim->row_count; index++) {
        count += claim->rows[index].state == state;
    }
    return count;
}

static void send_sent_marks(struct claim *claim, int count) {
    pg_array_begin(&claim->arrays[0], PG_ELEMENT_BIGINT, count);
    pg_array_begin(&claim->arrays[1], PG_ELEMENT_TEXT, count);
    for (int index = 0; index < claim->row_count; index++) {
        const struct row *row = &claim->rows[index];
        if (row->state == ROW_SENT) {
            pg_array_append_bigint(&claim->arrays[0], row->id);
            pg_array_append_bytes(&claim->arrays[1], row_text(claim, row));
        }
    }
    // due_at is NULL already unless the event was scheduled or tried before, so this stays a HOT update.
    pg_send(claim->connection,
            &(struct pg_statement){
                .sql = "UPDATE outbox.event AS e"
                       " SET sent_at = pg_catalog.statement_timestamp(), message_id = m.message_id,"
                       " due_at = NULL"
                       " FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]), "
                       "pg_catalog.unnest($2::pg_catalog.text[]))"
                       " AS m(id, message_id) WHERE e.id = m.id",
                .parameter_count = 2,
                .parameters = {parameter(&claim->arrays[0]), parameter(&claim->arrays[1])}});
}

static void send_deferred_marks(struct claim *claim, int count) {
    struct buffer *arrays = claim->arrays;
    pg_array_begin(&arrays[0], PG_ELEMENT_BIGINT, count);
    pg_array_begin(&arrays[1], PG_ELEMENT_BIGINT, count);
    pg_array_begin(&arrays[2], PG_ELEMENT_BIGINT, count);
    pg_array_begin(&arrays[3], PG_ELEMENT_TEXT, count);
    for (int index = 0; index < claim->row_count; index++) {
        const struct row *row = &claim->rows[index];
        if (row->state == ROW_DEFERRED) {
            pg_array_append_bigint(&arrays[0], row->id);
            pg_array_append_bigint(&arrays[1], row->retry_after_us);
            pg_array_append_bigint(&arrays[2], row->counts ? 1 : 0);
            pg_array_append_bytes(&arrays[3], row_text(claim, row));
        }
    }
    pg_send(
        claim->connection,
        &(struct pg_statement){
            .sql =
                "UPDATE outbox.event AS e"
                " SET due_at = pg_catalog.clock_timestamp() + m.delay * interval '1 microsecond',"
                " attempts = (CASE WHEN e.attempts < 32767 THEN e.attempts + m.counts ELSE 32767 END)::int2,"
                " last_error = m.reason"
                " FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]),"
                " pg_catalog.unnest($2::pg_catalog.int8[]), pg_catalog.unnest($3::pg_catalog.int8[]),"
                " pg_catalog.unnest($4::pg_catalog.text[])) AS m(id, delay, counts, reason) WHERE e.id = "
                "m.id",
            .parameter_count = 4,
            .parameters = {parameter(&arrays[0]), parameter(&arrays[1]), parameter(&arrays[2]),
                           parameter(&arrays[3])}});
}

static void clear_arrays(struct claim *claim) {
    for (int index = 0; index < 4; index++) {
        buffer_clear(&claim->arrays[index]);
    }
}

static void mark(struct claim *claim) {
    int sent = count_rows(claim, ROW_SENT);
    int deferred = count_rows(claim, ROW_DEFERRED);
    claim->state = CLAIM_MARKING;
    clear_arrays(claim);
    if (sent > 0) {
        send_sent_marks(claim, sent);
        clear_arrays(claim);
    }
    if (deferred > 0) {
        send_deferred_marks(claim, deferred);
    }
    pg_send(claim->connection,
            &(struct pg_statement){.sql = "COMMIT", .done = become_idle, .context = claim});
    pg_sync(claim->connection);
}

void claim_cut(struct claim *claim) {
    if (claim->state == CLAIM_PUBLISHING) {
        mark(claim);
    }
}

void claim_ping(struct claim *claim) {
    if (claim->state == CLAIM_PUBLISHING) {
        pg_send(claim->connection, &(struct pg_statement){.sql = "SELECT"});
        pg_sync(claim->connection);
    }
}

static void on_fetched(void *context, int64_t affected) {
    (void)affected;
    struct claim *claim = context;
    claim->state = CLAIM_PUBLISHING;
    claim->listener.fetched(claim->listener.context, claim);
    if (claim->state == CLAIM_PUBLISHING && claim->unsettled == 0) {
        mark(claim);
    }
}

// The plan must not depend on statistics, which on a queue are always out of date: only index scans in order
// are left. The sleep lock, held shared as inserters do, keeps another relay from sleeping while events are
// claimed here: were this relay to die now, the other one would have to look.
static void send_begin(struct claim *claim) {
    char sql[768];
    snprintf(
        sql, sizeof sql,
        "SELECT pg_catalog.pg_try_advisory_xact_lock_shared(1869968482, 1),"
        " pg_catalog.set_config('enable_seqscan', 'off', true),"
        " pg_catalog.set_config('enable_bitmapscan', 'off', true),"
        " pg_catalog.set_config('enable_hashjoin', 'off', true),"
        " pg_catalog.set_config('enable_mergejoin', 'off', true), pg_catalog.set_config('jit', 'off', true),"
        " pg_catalog.set_config('row_security', 'off', true),"
        " pg_catalog.set_config('idle_in_transaction_session_timeout', '%" PRId64 "', true)",
        claim->options.idle_limit_us / 1000);
    pg_send(claim->connection, &(struct pg_statement){.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"});
    pg_send(claim->connection, &(struct pg_statement){.sql = sql});
}

#define CLAIM_SELECT                                                                                         \
    "SELECT id, event_id, attempts, occurred_at, event_type, event_version, aggregate_id, metadata, data"    \
    " FROM outbox.event WHERE "

static void send_select(struct claim *claim) {
    char sql[512];
    const struct range *range = &claim->range;
    if (range->kind == RANGE_DUE) {
        snprintf(sql, sizeof sql,
                 CLAIM_SELECT
                 "due_at <= pg_catalog.statement_timestamp() AND sent_at IS NULL AND parked_at IS NULL"
                 " ORDER BY due_at LIMIT %d FOR NO KEY UPDATE SKIP LOCKED",
                 range->limit);
    } else {
        snprintf(sql, sizeof sql,
                 CLAIM_SELECT "id > %" PRId64 " AND id <= %" PRId64
                              " AND sent_at IS NULL AND parked_at IS NULL AND due_at IS NULL"
                              " ORDER BY id LIMIT %d FOR NO KEY UPDATE SKIP LOCKED",
                 range->after, range->to, range->limit);
    }
    pg_send(claim->connection, &(struct pg_statement){.sql = sql, .row = on_event_row, .context = claim});
}

// Asked afterwards, since only a transaction that has locked something has, and uses up, an id.
static void send_transaction_question(struct claim *claim) {
    pg_send(claim->connection,
            &(struct pg_statement){
                .sql = "SELECT coalesce(pg_catalog.pg_current_xact_id_if_assigned()::text, '0')",
                .row = on_transaction_row,
                .done = on_fetched,
                .context = claim});
}

void claim_start(struct claim *claim, const struct range *range) {
    claim->state = CLAIM_FETCHING;
    claim->range = *range;
    claim->row_count = 0;
    claim->last_id = 0;
    claim->transaction = 0;
    buffer_clear(&claim->texts);
    send_begin(claim);
    send_select(claim);
    send_transaction_question(claim);
    pg_sync(claim->connection);
}

static void keep_text(struct claim *claim, struct row *row, struct slice text, size_t most) {
    row->text_offset = claim->texts.length;
    row->text_length = text.length < most ? text.length : most;
    buffer_append(&claim->texts, text.data, row->text_length);
}

// last_error is text of any encoding the database has, so only printable ASCII goes there.
static void keep_reason(struct claim *claim, struct row *row, const char *reason) {
    keep_text(claim, row, slice_of_text(reason), REASON_MAX);
    for (size_t index = 0; index < row->text_length; index++) {
        char *character = &claim->texts.data[row->text_offset + index];
        *character = *character < ' ' || *character > '~' ? '?' : *character;
    }
}

static void note_deferred(struct claim *claim, struct row *row, const struct outcome *outcome) {
    row->state = ROW_DEFERRED;
    row->counts = outcome->counts;
    row->retry_after_us = outcome->counts ? backoff_us(row->attempts + 1, claim->options.retry_base_us,
                                                       claim->options.retry_max_us)
                                          : outcome->retry_after_us;
    keep_reason(claim, row, outcome->reason);
}

static void mark_when_settled(struct claim *claim) {
    if (claim->state == CLAIM_PUBLISHING && claim->unsettled == 0) {
        mark(claim);
    }
}

bool claim_holds(const struct claim *claim, int64_t id) {
    for (int index = 0; claim_is_busy(claim) && index < claim->row_count; index++) {
        if (claim->rows[index].id == id) {
            return true;
        }
    }
    return false;
}

void claim_settle(struct claim *claim, int row_number, const struct outcome *outcome) {
    struct row *row = &claim->rows[row_number];
    claim->unsettled--;
    if (outcome->let_go) {
        row->state = ROW_LET_GO;
    } else if (!outcome->sent) {
        note_deferred(claim, row, outcome);
    } else {
        row->state = ROW_SENT;
        keep_text(claim, row, outcome->message_id, MESSAGE_ID_MAX);
        if (claim->ledger != NULL) {
            ledger_add(claim->ledger, row->id, row->event_id, row_text(claim, row));
        }
    }
    mark_when_settled(claim);
}
