// SPDX-License-Identifier: Apache-2.0
// Whether outbox.event is what was installed. What each of these is for is said in migrations/0001.
#include "check/look.h"
#include "check/rows.h"

#include <string.h>

// Whether logical decoding is on decides what a publication or a replica identity costs.
const char table_sql[] =
    "SELECT c.relkind AS kind, c.relpersistence AS persistence, c.relreplident AS replica_identity,"
    " a.attidentity AS identity, s.seqrelid IS NOT NULL AS has_sequence, s.seqcache AS cache,"
    " s.seqincrement AS increment, s.seqcycle AS cycle, s.seqrelid::regclass AS sequence_sql,"
    " (SELECT string_agg(quote_ident(p.pubname), ', ' ORDER BY p.pubname) FROM pg_publication_tables AS p"
    " WHERE p.schemaname = 'outbox' AND p.tablename = 'event') AS publications,"
    " (SELECT string_agg(format('ALTER PUBLICATION %I DROP TABLE outbox.event;', p.pubname), E'\\n'"
    " ORDER BY p.pubname) FROM pg_publication AS p JOIN pg_publication_rel AS r ON r.prpubid = p.oid"
    " WHERE r.prrelid = c.oid) AS unpublish"
    " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'outbox'"
    " LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'id' AND NOT a.attisdropped"
    " LEFT JOIN pg_sequence AS s ON s.seqrelid = (SELECT d.objid FROM pg_depend AS d"
    " WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid"
    " AND d.refobjsubid = a.attnum AND d.deptype = 'i')"
    " WHERE c.relname = 'event'";

static bool is(const PGresult *rows, const char *column, const char *value) {
    return strcmp(row_text(rows, 0, column), value) == 0;
}

static bool judge_kind(struct subject *subject, const PGresult *rows) {
    if (!is(rows, "kind", "r")) {
        finding_remedy(
            finding_add(subject, FINDING_WARNING, "table.kind", "outbox.event is %s, not a plain table",
                        is(rows, "kind", "p") ? "partitioned" : "something else"),
            "move its events to the table that outbox-relay migrate up makes: it is what was measured and "
            "tested");
    } else if (is(rows, "persistence", "u")) {
        finding_remedy(finding_add(subject, FINDING_WARNING, "table.unlogged",
                                   "outbox.event is unlogged: a crash of the server empties it, and standbys "
                                   "have no event"),
                       "ALTER TABLE outbox.event SET LOGGED;");
    } else {
        return true;
    }
    return false;
}

// An id that appears late, below what the relay has settled, is never looked at.
static bool judge_identity(struct subject *subject, const PGresult *rows) {
    bool good = true;
    if (!is(rows, "identity", "a")) {
        finding_remedy(
            finding_add(subject, FINDING_ERROR, "table.identity",
                        "outbox.event.id is not GENERATED ALWAYS: ids that writers choose can be below what "
                        "the relay has passed, and such events are never published"),
            is(rows, "identity", "d")
                ? "ALTER TABLE outbox.event ALTER COLUMN id SET GENERATED ALWAYS;"
                : "ALTER TABLE outbox.event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (CACHE 1);");
        good = false;
    }
    bool straight = is(rows, "cache", "1") && is(rows, "increment", "1") && !row_true(rows, 0, "cycle");
    if (row_true(rows, 0, "has_sequence") && !straight) {
        finding_remedy(
            finding_add(
                subject, FINDING_ERROR, "table.sequence",
                "the sequence of outbox.event.id has CACHE %s, INCREMENT %s%s: ids come out of order, "
                "and events below what the relay has passed are never published",
                row_text(rows, 0, "cache"), row_text(rows, 0, "increment"),
                row_true(rows, 0, "cycle") ? ", CYCLE" : ""),
            "ALTER SEQUENCE %s CACHE 1 INCREMENT 1 NO CYCLE;", row_text(rows, 0, "sequence_sql"));
        good = false;
    }
    return good;
}

static void judge_replication(struct subject *subject, const PGresult *rows) {
    if (row_text(rows, 0, "publications")[0] != '\0') {
        struct finding *finding = finding_add(subject, FINDING_NOTE, "table.published",
                                              "publications replicate each event, and each mark: %s",
                                              row_text(rows, 0, "publications"));
        if (row_text(rows, 0, "unpublish")[0] != '\0') {
            finding_remedy(finding, "%s", row_text(rows, 0, "unpublish"));
        } else {
            finding_remedy(finding, "where subscribers do not need events, name the tables that they need "
                                    "instead of FOR ALL TABLES, or FOR TABLES IN SCHEMA without outbox");
        }
    }
    if (is(rows, "replica_identity", "f")) {
        finding_remedy(finding_add(subject, FINDING_NOTE, "table.replica_identity",
                                   "REPLICA IDENTITY is FULL: with wal_level = logical each mark logs the "
                                   "whole event once more"),
                       "ALTER TABLE outbox.event REPLICA IDENTITY DEFAULT;");
    }
}

void table_judge(struct subject *subject, const PGresult *rows, struct look_context *context) {
    (void)context;
    if (PQntuples(rows) == 0) {
        finding_remedy(finding_add(subject, FINDING_ERROR, "table.missing", "there is no table outbox.event"),
                       "restore it from a backup; outbox-relay migrate down force and migrate up begin anew");
        return;
    }
    bool good = judge_kind(subject, rows);
    good = judge_identity(subject, rows) && good;
    if (good) {
        finding_add(subject, FINDING_OK, "table", "a plain table whose ids come in order");
    }
    judge_replication(subject, rows);
}

// What the migration has set. Less is good as well: more room on a page, vacuums that come sooner.
const char table_options_sql[] =
    "SELECT w.name, w.wanted, coalesce(lower(o.option_value), 'unset') AS actual,"
    " CASE WHEN w.name = 'autovacuum_enabled'"
    " THEN coalesce(NOT o.option_value::boolean, false)"
    " ELSE o.option_value IS NULL OR o.option_value::numeric > w.wanted::numeric END AS differs"
    " FROM (VALUES ('fillfactor', '40'), ('autovacuum_enabled', 'true'),"
    " ('autovacuum_vacuum_scale_factor', '0.05')) AS w (name, wanted)"
    " LEFT JOIN (SELECT p.* FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " AND n.nspname = 'outbox', pg_options_to_table(c.reloptions) AS p WHERE c.relname = 'event') AS o"
    " ON o.option_name = w.name ORDER BY w.name";

static const char *purpose(const char *option) {
    if (strcmp(option, "fillfactor") == 0) {
        return "marks find no room on the page of their event, and are not HOT";
    }
    return strcmp(option, "autovacuum_enabled") == 0
               ? "nothing clears dead rows away, and the table grows and becomes slow"
               : "dead rows are cleared away later than they should be";
}

void table_judge_options(struct subject *subject, const PGresult *rows, struct look_context *context) {
    (void)context;
    for (int row = 0; row < PQntuples(rows); row++) {
        const char *name = row_text(rows, row, "name");
        const char *wanted = row_text(rows, row, "wanted");
        if (row_true(rows, row, "differs")) {
            bool fillfactor = strcmp(name, "fillfactor") == 0;
            finding_remedy(finding_add(subject, FINDING_WARNING,
                                       fillfactor ? "table.fillfactor" : "table.autovacuum",
                                       "%s of outbox.event is %s, and was installed as %s: %s", name,
                                       row_text(rows, row, "actual"), wanted, purpose(name)),
                           "ALTER TABLE outbox.event SET (%s = %s);", name, wanted);
        }
    }
}
