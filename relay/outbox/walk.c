// SPDX-License-Identifier: Apache-2.0
#include "outbox/walk.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "outbox/transaction.h"
#include "postgres/array.h"

#include <inttypes.h>
#include <stdlib.h>

enum { STEP = 1000, SQL_MAX = 32 << 20, IDS_MAX = 1 << 20 };

struct walk {
    struct walk_listener listener;
    struct pg_connection *connection; // during a step
    bool has_more;
    bool under_way;
    bool again;         // it is to begin anew after the step under way
    int64_t left;       // how many events it may still let go
    char *aggregate_id; // of the last event it came to
    int64_t id;
    int64_t released[STEP];
    int release_count;
    int row_count;
};

struct walk *walk_new(const struct walk_listener *listener) {
    struct walk *walk = memory_allocate(1, sizeof *walk);
    walk->listener = *listener;
    walk->aggregate_id = memory_copy_text("");
    return walk;
}

void walk_free(struct walk *walk) {
    if (walk != NULL) {
        free(walk->aggregate_id);
        free(walk);
    }
}

static void move_to(struct walk *walk, const char *aggregate_id, int64_t id) {
    char *copy = memory_copy_text(aggregate_id);
    free(walk->aggregate_id);
    walk->aggregate_id = copy;
    walk->id = id;
}

void walk_begin(struct walk *walk, int64_t most) {
    walk->again = walk->under_way;
    walk->has_more = true;
    walk->left = most;
    move_to(walk, "", 0);
}

void walk_forget(struct walk *walk) {
    walk->under_way = walk->has_more = walk->again = false;
}

bool walk_is_taken(const struct walk *walk) {
    return walk->has_more || walk->under_way;
}

bool walk_has_more(const struct walk *walk) {
    return walk->has_more && !walk->under_way;
}

static void on_row(void *context, const PGresult *result, int row) {
    struct walk *walk = context;
    bool blocked = pg_bool(result, row, 3);
    move_to(walk, pg_bytes(result, row, 1).data, pg_int(result, row, 0));
    walk->row_count++;
    if (!blocked && walk->release_count < STEP && walk->release_count < walk->left &&
        walk->listener.admits(walk->listener.context, pg_bytes(result, row, 2))) {
        walk->released[walk->release_count++] = walk->id;
    }
}

static void on_done(void *context, int64_t affected) {
    (void)affected;
    struct walk *walk = context;
    walk->under_way = false;
    if (walk->again) {
        walk_begin(walk, walk->left);
    }
    walk->listener.stepped(walk->listener.context, walk->release_count);
}

static void send_settings(struct pg_connection *connection) {
    pg_send(connection, &(struct pg_statement){.sql = TRANSACTION_SETTINGS ", " PLAN_SETTINGS("true")});
}

// What is locked comes due anyhow, or is not to: behind an event that is being sent, or by hand. The walk
// waits for nobody, so that nobody who waits for it makes a deadlock.
static void release(struct walk *walk) {
    struct buffer ids;
    buffer_init(&ids, IDS_MAX);
    pg_array_begin(&ids, PG_ELEMENT_BIGINT, walk->release_count);
    for (int index = 0; index < walk->release_count; index++) {
        pg_array_append_bigint(&ids, walk->released[index]);
    }
    pg_send(walk->connection, &(struct pg_statement){.sql = TRANSACTION_BEGIN});
    send_settings(walk->connection);
    pg_send(walk->connection,
            &(struct pg_statement){
                .sql = "UPDATE outbox.event AS e SET due_at = pg_catalog.clock_timestamp()"
                       " FROM (SELECT id FROM outbox.event WHERE id = ANY ($1::pg_catalog.int8[])"
                       " AND due_at = 'infinity' AND sent_at IS NULL AND parked_at IS NULL"
                       " FOR NO KEY UPDATE SKIP LOCKED) AS f WHERE e.id = f.id",
                .parameter_count = 1,
                .parameters = {{ids.data, (int)ids.length}},
                .label = "release"});
    pg_send(walk->connection,
            &(struct pg_statement){.sql = "COMMIT", .done = on_done, .context = walk, .label = "commit"});
    pg_sync(walk->connection);
    buffer_free(&ids);
}

static void on_read(void *context, int64_t rows) {
    (void)rows;
    struct walk *walk = context;
    if (!walk->again) {
        walk->left -= walk->release_count;
        walk->has_more = walk->row_count == STEP && walk->left > 0;
    }
    if (walk->release_count > 0) {
        release(walk);
    } else {
        on_done(walk, 0);
    }
}

// (The index in the order of aggregates has what is scheduled as well. So that a million of those is not gone
// through for nothing, it is asked first, once, whether anything waits. For the comparison of rows see
// claim_sql.c.)
static void append_select(struct buffer *sql, const char *ordered_sql, bool parked_blocks) {
    const char *condition = ordered_sql != NULL ? ordered_sql : "false";
    buffer_append_format(
        sql,
        "SELECT id, aggregate_id, event_type, (%s) AND EXISTS (SELECT FROM outbox.event AS b"
        " WHERE (b.aggregate_id, b.id) > (e.aggregate_id, 0)"
        " AND (b.aggregate_id, b.id) < (e.aggregate_id, e.id)"
        " AND coalesce(b.due_at, b.parked_at) IS NOT NULL AND b.sent_at IS NULL AND CASE WHEN b.parked_at IS "
        "NOT NULL THEN %s ELSE b.last_error IS NOT NULL "
        "END"
        " AND (%s))"
        " FROM outbox.event AS e WHERE coalesce(due_at, parked_at) = 'infinity'"
        " AND sent_at IS NULL AND parked_at IS NULL AND last_error IS NOT NULL"
        " AND EXISTS (SELECT FROM outbox.event"
        " WHERE due_at = 'infinity' AND sent_at IS NULL AND parked_at IS NULL)"
        " AND (aggregate_id, id) > ($1::pg_catalog.text, $2::pg_catalog.int8) ORDER BY aggregate_id, id "
        "LIMIT %d",
        condition, parked_blocks ? "true" : "false", condition, STEP);
}

void walk_step(struct walk *walk, struct pg_connection *connection, const char *ordered_sql,
               bool parked_blocks) {
    struct buffer sql;
    char id[24];
    buffer_init(&sql, SQL_MAX);
    append_select(&sql, ordered_sql, parked_blocks);
    snprintf(id, sizeof id, "%" PRId64, walk->id);
    walk->connection = connection;
    walk->under_way = true;
    walk->release_count = walk->row_count = 0;
    pg_send(connection, &(struct pg_statement){.sql = TRANSACTION_BEGIN_READING});
    send_settings(connection);
    pg_send(connection, &(struct pg_statement){.sql = buffer_text(&sql),
                                               .parameter_count = 2,
                                               .parameters = {{walk->aggregate_id, 0}, {id, 0}},
                                               .row = on_row,
                                               .context = walk,
                                               .label = "walk"});
    pg_send(connection, &(struct pg_statement){.sql = "COMMIT", .done = on_read, .context = walk});
    pg_sync(connection);
    buffer_free(&sql);
}
