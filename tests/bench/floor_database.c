// SPDX-License-Identifier: Apache-2.0
#include "floor_database.h"

#include "base/buffer.h"
#include "bench.h"
#include "postgres/array.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

enum { SQL_SIZE = 1024, ARRAY_LIMIT = 64 << 20, RECEIPT_LENGTH = 36, PARAMETERS = 2 };

#define FROM_PARAMETERS                                                                                      \
    " FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]), pg_catalog.unnest($2::pg_catalog.text[]))"   \
    " AS m(id, message_id)"

static const char mark_sql[] = "UPDATE outbox.event AS e SET sent_at = pg_catalog.statement_timestamp(), "
                               "message_id = m.message_id" FROM_PARAMETERS " WHERE e.id = m.id";

static void die_of(const struct floor_database *database) {
    bench_die("PostgreSQL", PQerrorMessage(database->connection));
}

static void check(const struct floor_database *database, PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        die_of(database);
    }
    PQclear(result);
}

static void make_cursor(struct floor_database *database, int number) {
    char sql[SQL_SIZE];
    snprintf(
        sql, sizeof sql,
        "SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS bench_floor;"
        " CREATE TABLE IF NOT EXISTS bench_floor.cursor (number int, position bigint) WITH (fillfactor = 25);"
        " CREATE TABLE IF NOT EXISTS bench_floor.receipt (id bigint, sent_at timestamptz, message_id text);"
        " INSERT INTO bench_floor.cursor VALUES (%d, 0)",
        number);
    check(database, PQexec(database->connection, sql));
}

static void prepare(struct floor_database *database, int64_t rows, bool cursor, int number) {
    char read[SQL_SIZE];
    char move[SQL_SIZE];
    snprintf(
        read, sizeof read,
        "SELECT id, event_id, attempts, occurred_at, event_type, event_version, aggregate_id, metadata, data"
        " FROM outbox.event WHERE id > $1 ORDER BY id LIMIT %lld",
        (long long)rows);
    snprintf(move, sizeof move,
             "WITH log AS (INSERT INTO bench_floor.receipt"
             " SELECT m.id, pg_catalog.statement_timestamp(), m.message_id" FROM_PARAMETERS ")"
             " UPDATE bench_floor.cursor SET position = $1[array_upper($1, 1)] WHERE number = %d",
             number);
    check(database, PQprepare(database->connection, "read", read, 0, NULL));
    check(database, PQprepare(database->connection, "mark", cursor ? move : mark_sql, 0, NULL));
}

static void take_ids(struct floor_batch *batch, const PGresult *result) {
    batch->count = PQntuples(result);
    for (int row = 0; row < batch->count; row++) {
        batch->ids[row] = pg_int(result, row, 0);
    }
}

static void on_readable(evutil_socket_t fd, short kinds, void *context) {
    (void)fd;
    (void)kinds;
    struct floor_database *database = context;
    if (PQconsumeInput(database->connection) == 0) {
        die_of(database);
    }
    while (database->batch != NULL && PQisBusy(database->connection) == 0) {
        struct floor_batch *batch = database->batch;
        PGresult *result = PQgetResult(database->connection);
        if (result == NULL) {
            database->batch = NULL;
            database->done(batch);
            return;
        }
        if (batch->state == BATCH_READING) {
            take_ids(batch, result);
        }
        check(database, result);
    }
}

void floor_database_open(struct floor_database *database, struct event_base *base, const char *conninfo,
                         int64_t rows, bool cursor, int number) {
    database->connection = PQconnectdb(conninfo);
    if (PQstatus(database->connection) != CONNECTION_OK) {
        die_of(database);
    }
    check(database,
          PQexec(database->connection, "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;"
                                       " SET enable_bitmapscan = off; SET enable_hashjoin = off;"
                                       " SET enable_mergejoin = off; SET jit = off"));
    if (cursor) {
        make_cursor(database, number);
    }
    prepare(database, rows, cursor, number);
    event_add(event_new(base, PQsocket(database->connection), EV_READ | EV_PERSIST, on_readable, database),
              NULL);
}

// (In blocking mode libpq sends all of it at once; the server is waiting for it.)
static void run(struct floor_database *database, struct floor_batch *batch, const char *name, int count,
                const char *const *values, const int *lengths) {
    static const int formats[PARAMETERS] = {1, 1};
    database->batch = batch;
    if (PQsendQueryPrepared(database->connection, name, count, values, lengths, formats, 1) == 0) {
        die_of(database);
    }
}

void floor_database_read(struct floor_database *database, struct floor_batch *batch, int64_t after) {
    int64_t id = (int64_t)htobe64((uint64_t)after);
    batch->state = BATCH_READING;
    run(database, batch, "read", 1, (const char *const[]){(const char *)&id}, (const int[]){sizeof id});
}

void floor_database_mark(struct floor_database *database, struct floor_batch *batch) {
    static const char receipt[] = "00000000-0000-4000-8000-000000000000";
    struct buffer ids;
    struct buffer receipts;
    buffer_init(&ids, ARRAY_LIMIT);
    buffer_init(&receipts, ARRAY_LIMIT);
    pg_array_begin(&ids, PG_ELEMENT_BIGINT, batch->count);
    pg_array_begin(&receipts, PG_ELEMENT_TEXT, batch->count);
    for (int index = 0; index < batch->count; index++) {
        pg_array_append_bigint(&ids, batch->ids[index]);
        pg_array_append_bytes(&receipts, (struct slice){receipt, RECEIPT_LENGTH});
    }
    batch->state = BATCH_MARKING;
    run(database, batch, "mark", PARAMETERS, (const char *const[]){ids.data, receipts.data},
        (const int[]){(int)ids.length, (int)receipts.length});
    buffer_free(&ids);
    buffer_free(&receipts);
}
