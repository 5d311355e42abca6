// SPDX-License-Identifier: Apache-2.0
#include "outbox/claim_sql.h"

#define COLUMNS "id, event_id, attempts, occurred_at, event_type, event_version, aggregate_id, metadata, data"
// When it was to be published: a due_at with an error is none that the writer has set.
#define WANTED_AT ", greatest(occurred_at, CASE WHEN last_error IS NULL THEN due_at END)"
#define FOR_WANTED_AT ", due_at, last_error"
#define IS_NEW " AND sent_at IS NULL AND parked_at IS NULL AND due_at IS NULL"
#define IS_DUE "due_at <= pg_catalog.now() AND sent_at IS NULL AND parked_at IS NULL"

// What another claim has locked can be told by its number: that transaction is in the statement's snapshot,
// or not older than it. So hardly a row is left to SKIP LOCKED, which asks the lock manager about each. (A
// lock that several share has a number of another kind, a multixact's. Where that looks like one that is
// given out soon, the row is passed over whether it is locked or not: the sweep finds it, which does without
// this.)
#define IS_FREE                                                                                              \
    " AND (pg_catalog.xideq(xmax, '0') OR NOT (pg_catalog.age(xmax) > -65536 AND pg_catalog.age(xmax) <="    \
    " (SELECT pg_catalog.age(pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::xid))"           \
    " OR xmax = ANY (ARRAY(SELECT x::xid FROM pg_catalog.pg_snapshot_xip(pg_catalog.pg_current_snapshot())"  \
    " AS x))))"

static void append_unordered(struct buffer *sql, const struct range *range) {
    buffer_append_text(sql, "SELECT " COLUMNS WANTED_AT ", ctid FROM outbox.event WHERE ");
    if (range->kind == RANGE_DUE) {
        buffer_append_text(sql, IS_DUE);
    } else {
        buffer_append_text(sql, "id > $2 AND id <= $3" IS_NEW);
    }
    if (range->ordered_sql != NULL) {
        buffer_append_format(sql, " AND NOT (%s)", range->ordered_sql);
    }
    if (range->kind == RANGE_FORWARD || range->kind == RANGE_GAP) {
        buffer_append_text(sql, IS_FREE);
    }
    buffer_append_format(sql, " ORDER BY %s LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED",
                         range->kind == RANGE_DUE ? "due_at" : "id");
}

enum { AGGREGATE_MAX = 100 };

// The first of an aggregate that holds up any that is read here: one that is tried again later, or waits, or
// is parked. (Compared as rows, so that the index by aggregate is the only way: by the primary key, which
// statistics may make look cheaper, all of history would be walked over.)
static void append_held(struct buffer *sql, const struct range *range, bool parked_blocks) {
    buffer_append_format(
        sql,
        "SELECT b.id FROM outbox.event AS b WHERE (b.aggregate_id, b.id) > (e.aggregate_id, 0)"
        " AND (b.aggregate_id, b.id) < (e.aggregate_id, e.last)"
        " AND coalesce(b.due_at, b.parked_at) IS NOT NULL AND b.sent_at IS NULL"
        " AND CASE WHEN b.parked_at IS NOT NULL THEN %s"
        " ELSE b.last_error IS NOT NULL AND b.due_at > pg_catalog.now() END AND (%s)"
        " ORDER BY b.aggregate_id, b.id LIMIT 1",
        parked_blocks ? "true" : "false", range->ordered_sql);
}

// What is new and what is due, in one order.
static void append_both(struct buffer *sql, const struct range *range) {
    buffer_append_format(sql,
                         "SELECT * FROM ((SELECT " COLUMNS FOR_WANTED_AT " FROM outbox.event"
                         " WHERE id > $2" IS_NEW " AND (%s) ORDER BY id LIMIT $1)",
                         range->ordered_sql);
    // (id + 0 keeps the planner from the primary key, by which it would walk the whole history.)
    buffer_append_format(sql,
                         " UNION ALL (SELECT " COLUMNS FOR_WANTED_AT " FROM outbox.event"
                         " WHERE " IS_DUE " AND (%s) ORDER BY id + 0 LIMIT $1)"
                         ") AS a ORDER BY id LIMIT $1",
                         range->ordered_sql);
}

// Of each whether it must wait: behind an earlier event of its aggregate that is held up, or behind so many
// that are read here that one aggregate would keep the others out. What holds up an aggregate is looked for
// once, for the first of its events.
static void append_ordered(struct buffer *sql, const struct range *range, bool parked_blocks) {
    buffer_append_format(sql,
                         "SELECT " COLUMNS WANTED_AT
                         ", coalesce(pg_catalog.max(held) OVER (PARTITION BY aggregate_id) < id, false)"
                         " OR place > %d, due_at IS NOT NULL FROM (SELECT e.*, CASE WHEN place = 1 THEN (",
                         AGGREGATE_MAX);
    append_held(sql, range, parked_blocks);
    buffer_append_text(sql, ") END AS held FROM (SELECT u.*, pg_catalog.row_number() OVER w AS place,"
                            " pg_catalog.last_value(id) OVER w AS last FROM (");
    append_both(sql, range);
    buffer_append_text(sql,
                       ") AS u WINDOW w AS (PARTITION BY aggregate_id ORDER BY id"
                       " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS e) AS h ORDER BY id");
}

void claim_sql_append(struct buffer *sql, const struct range *range, bool parked_blocks) {
    if (range->kind == RANGE_ORDERED) {
        append_ordered(sql, range, parked_blocks);
    } else {
        append_unordered(sql, range);
    }
}
