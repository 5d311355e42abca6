// SPDX-License-Identifier: Apache-2.0
// Indexes of outbox.event: those that the relay's statements need, and those that make marks expensive. A
// mark is a HOT update as long as no index mentions a column that it changes, in its key or its predicate; a
// BRIN index does not count since PostgreSQL 16 (source: "Heap-Only Tuples (HOT)").
#include "check/look.h"
#include "check/rows.h"

#include <string.h>

// An index depends on the columns that it mentions; that of a constraint on the constraint instead.
const char indexes_sql[] =
    "SELECT i.relname AS name, quote_ident(i.relname) AS name_sql, x.indisvalid AS valid,"
    " con.conname IS NOT NULL AS constrained, quote_ident(con.conname) AS constraint_sql,"
    " substring(pg_get_indexdef(i.oid) FROM ' USING (.*)$') AS definition,"
    " CASE WHEN m.amname = 'brin' AND current_setting('server_version_num')::int >= 160000 THEN NULL ELSE"
    " (SELECT string_agg(a.attname, ', ' ORDER BY a.attname) FROM pg_attribute AS a"
    " WHERE a.attrelid = x.indrelid AND a.attname IN ('sent_at', 'message_id', 'last_error', 'attempts')"
    " AND (a.attnum = ANY (x.indkey) OR EXISTS (SELECT FROM pg_depend AS d"
    " WHERE d.classid = 'pg_class'::regclass AND d.objid = i.oid AND d.refclassid = 'pg_class'::regclass"
    " AND d.refobjid = x.indrelid AND d.refobjsubid = a.attnum))) END AS marked"
    " FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_am AS m ON m.oid = i.relam"
    " JOIN pg_class AS c ON c.oid = x.indrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_constraint AS con ON con.conindid = i.oid AND con.conrelid = c.oid"
    " WHERE n.nspname = 'outbox' AND c.relname = 'event' ORDER BY i.relname";

// What the migration has made, whatever its name is by now.
static const struct {
    const char *definition; // as PostgreSQL writes it
    const char *create;
} needed[] = {
    {"btree (id)", "ALTER TABLE outbox.event ADD PRIMARY KEY (id);"},
    {"btree (due_at) WHERE (due_at IS NOT NULL)",
     "CREATE INDEX CONCURRENTLY event_due_at_idx ON outbox.event (due_at) WHERE due_at IS NOT NULL;"},
    {"btree (parked_at) WHERE (parked_at IS NOT NULL)",
     "CREATE INDEX CONCURRENTLY event_parked_at_idx ON outbox.event (parked_at) WHERE parked_at IS NOT "
     "NULL;"},
    {"btree (aggregate_id, id) WHERE (COALESCE(due_at, parked_at) IS NOT NULL)",
     "CREATE INDEX CONCURRENTLY event_held_idx ON outbox.event (aggregate_id, id)\n"
     "WHERE coalesce(due_at, parked_at) IS NOT NULL;"},
};

static bool has(const PGresult *rows, const char *definition) {
    for (int row = 0; row < PQntuples(rows); row++) {
        if (strcmp(row_text(rows, row, "definition"), definition) == 0) {
            return true; // one that is not valid is a finding of its own
        }
    }
    return false;
}

static bool judge_one(struct subject *subject, const PGresult *rows, int row) {
    const char *name = row_text(rows, row, "name");
    const char *marked = row_text(rows, row, "marked");
    if (marked[0] != '\0') {
        bool constrained = row_true(rows, row, "constrained");
        finding_remedy(
            finding_add(
                subject, FINDING_WARNING, "table.index",
                "the index %s mentions what a mark changes (%s): no mark is HOT, each writes all indexes "
                "anew, and they grow",
                name, marked),
            constrained ? "ALTER TABLE outbox.event DROP CONSTRAINT %s;"
                        : "DROP INDEX CONCURRENTLY outbox.%s;",
            row_text(rows, row, constrained ? "constraint_sql" : "name_sql"));
    } else if (!row_true(rows, row, "valid")) {
        finding_remedy(finding_add(subject, FINDING_WARNING, "table.index_invalid",
                                   "the index %s is not valid: it is written, but not used", name),
                       "REINDEX INDEX CONCURRENTLY outbox.%s;", row_text(rows, row, "name_sql"));
    } else {
        return true;
    }
    return false;
}

void indexes_judge(struct subject *subject, const PGresult *rows, struct look_context *context) {
    (void)context;
    bool good = true;
    for (size_t index = 0; index < sizeof needed / sizeof needed[0]; index++) {
        if (!has(rows, needed[index].definition)) {
            finding_remedy(finding_add(subject, FINDING_WARNING, "table.index_missing",
                                       "an index of outbox.event is missing, %s: looks for events read the "
                                       "whole table instead",
                                       needed[index].definition),
                           "%s", needed[index].create);
            good = false;
        }
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        good = judge_one(subject, rows, row) && good;
    }
    if (good) {
        finding_add(subject, FINDING_OK, "table.indexes", "%d indexes, none of which a mark changes",
                    PQntuples(rows));
    }
}
