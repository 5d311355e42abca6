// SPDX-License-Identifier: Apache-2.0
// What the role that the relay logs in as may do: less than it needs is an error, more is a note.
#include "base/buffer.h"
#include "check/look.h"
#include "check/rows.h"

enum { LIST_SIZE = 6000, SHOWN = 8 };

// A row for each right that the relay uses and that the role has not, and a last one without. What does not
// exist is a matter of the schema's version, not of rights.
const char rights_sql[] =
    "WITH needed (kind, object, privilege, detail) AS (VALUES"
    " ('schema', 'outbox', 'USAGE', NULL), ('table', 'event', 'SELECT', NULL),"
    " ('table', 'state', 'SELECT', NULL), ('table', 'topic_route', 'SELECT', NULL),"
    " ('table', 'paused_topic', 'SELECT', NULL), ('table', 'migration', 'SELECT', NULL),"
    " ('table', 'event_id_seq', 'SELECT', NULL), ('column', 'event', 'UPDATE', 'due_at'),"
    " ('column', 'event', 'UPDATE', 'attempts'), ('column', 'event', 'UPDATE', 'last_error'),"
    " ('column', 'event', 'UPDATE', 'parked_at'), ('column', 'event', 'UPDATE', 'sent_at'),"
    " ('column', 'event', 'UPDATE', 'message_id'), ('column', 'state', 'UPDATE', 'floor'),"
    " ('column', 'state', 'UPDATE', 'floor_moved_at'), ('function', 'look', 'EXECUTE', NULL),"
    " ('function', 'has_unsent', 'EXECUTE', NULL), ('function', 'backlog', 'EXECUTE', NULL),"
    " ('function', 'backlog_new', 'EXECUTE', NULL), ('function', 'held', 'EXECUTE', NULL),"
    " ('function', 'sample_blocks', 'EXECUTE', NULL), ('function', 'sent_recently', 'EXECUTE', NULL),"
    " ('function', 'sent_since', 'EXECUTE', NULL),"
    " ('function', 'report_backlog', 'EXECUTE', NULL), ('function', 'report_lists', 'EXECUTE', NULL),"
    " ('function', 'seconds', 'EXECUTE', NULL), ('function', 'report', 'EXECUTE', NULL),"
    " ('function', 'report_table', 'EXECUTE', NULL), ('function', 'topic_of', 'EXECUTE', NULL),"
    " ('function', 'pattern_regex', 'EXECUTE', NULL), ('table', 'lag', 'SELECT', NULL),"
    " ('table', 'parked', 'SELECT', NULL), ('table', 'pruning', 'SELECT', NULL),"
    " ('function', 'prune_step', 'EXECUTE', NULL), ('table', 'relays', 'SELECT', NULL),"
    " ('table', 'waiting', 'SELECT', NULL), ('table', 'blockers', 'SELECT', NULL)),"
    " found AS (SELECT w.*, n.oid AS schema_oid, c.oid AS table_oid, p.oid AS function_oid FROM needed AS w"
    " JOIN pg_namespace AS n ON n.nspname = 'outbox'"
    " LEFT JOIN pg_class AS c ON w.kind IN ('table', 'column') AND c.relnamespace = n.oid"
    " AND c.relname = w.object"
    " LEFT JOIN pg_proc AS p ON w.kind = 'function' AND p.pronamespace = n.oid AND p.proname = w.object),"
    " held AS (SELECT f.*, r.oid AS role_oid, CASE f.kind"
    " WHEN 'schema' THEN has_schema_privilege(r.oid, f.schema_oid, f.privilege)"
    " WHEN 'table' THEN has_table_privilege(r.oid, f.table_oid, f.privilege)"
    " WHEN 'column' THEN has_column_privilege(r.oid, f.table_oid, f.detail, f.privilege)"
    " ELSE has_function_privilege(r.oid, f.function_oid, f.privilege) END AS has"
    " FROM found AS f, pg_roles AS r WHERE r.rolname IN (current_user, 'outbox_relay')),"
    " missing AS (SELECT m.privilege || coalesce(' (' || m.detail || ')', '') || ' ON ' || CASE m.kind"
    " WHEN 'schema' THEN 'SCHEMA outbox' WHEN 'function' THEN 'FUNCTION ' || m.function_oid::regprocedure"
    " ELSE 'outbox.' || m.object END AS right,"
    " coalesce((SELECT g.has FROM held AS g, pg_roles AS r WHERE r.rolname = 'outbox_relay'"
    " AND g.role_oid = r.oid AND (g.kind, g.object, g.privilege) = (m.kind, m.object, m.privilege)"
    " AND g.detail IS NOT DISTINCT FROM m.detail AND g.function_oid IS NOT DISTINCT FROM m.function_oid),"
    " false) AS group_has"
    " FROM held AS m, pg_roles AS r WHERE r.rolname = current_user AND m.role_oid = r.oid AND NOT m.has)"
    " SELECT m.right, m.group_has, current_user AS role, quote_ident(current_user) AS role_sql,"
    " r.rolsuper AS superuser, coalesce(pg_has_role(r.oid, c.relowner, 'USAGE'), false) AS owner,"
    " g.oid IS NOT NULL AS group_there,"
    " coalesce(pg_has_role(r.oid, g.oid, 'MEMBER') AND NOT pg_has_role(r.oid, g.oid, 'USAGE'), false)"
    " AS inherits_not, current_setting('server_version_num')::int AS number,"
    " coalesce(row_security_active(c.oid), false) AS row_security"
    " FROM pg_roles AS r LEFT JOIN pg_roles AS g ON g.rolname = 'outbox_relay'"
    " LEFT JOIN pg_class AS c ON c.oid = (SELECT e.oid FROM pg_class AS e JOIN pg_namespace AS n"
    " ON n.oid = e.relnamespace WHERE n.nspname = 'outbox' AND e.relname = 'event')"
    " LEFT JOIN (SELECT * FROM missing UNION ALL SELECT NULL, true) AS m ON true"
    " WHERE r.rolname = current_user ORDER BY m.right NULLS LAST";

static void append_grant(struct buffer *remedy, const PGresult *rows) {
    const char *role = row_text(rows, 0, "role_sql");
    if (!row_true(rows, 0, "inherits_not")) {
        buffer_append_format(remedy, "GRANT outbox_relay TO %s;", role);
    } else if (row_int(rows, 0, "number") >= 160000) {
        buffer_append_format(remedy, "GRANT outbox_relay TO %s WITH INHERIT TRUE;", role);
    } else {
        buffer_append_format(remedy, "ALTER ROLE %s INHERIT;", role);
    }
}

// The group's own grants, where it has lost some, before its membership.
static void judge_missing(struct subject *subject, const PGresult *rows, int missing) {
    struct buffer list;
    struct buffer remedy;
    buffer_init(&list, LIST_SIZE);
    buffer_init(&remedy, LIST_SIZE);
    if (!row_true(rows, 0, "group_there")) {
        buffer_append_text(&remedy, "CREATE ROLE outbox_relay NOLOGIN;\n");
    }
    for (int row = 0; row < missing; row++) {
        if (row < SHOWN) {
            buffer_append_format(&list, "%s%s", row > 0 ? ", " : "", row_text(rows, row, "right"));
        }
        if (!row_true(rows, row, "group_has")) {
            buffer_append_format(&remedy, "GRANT %s TO outbox_relay;\n", row_text(rows, row, "right"));
        }
    }
    if (missing > SHOWN) {
        buffer_append_format(&list, ", and %d more", missing - SHOWN);
    }
    append_grant(&remedy, rows);
    finding_remedy(finding_add(subject, FINDING_ERROR, "rights.missing", "role %s lacks: %s",
                               row_text(rows, 0, "role"), buffer_text(&list)),
                   "%s", buffer_text(&remedy));
    buffer_free(&list);
    buffer_free(&remedy);
}

static void judge_more(struct subject *subject, const PGresult *rows) {
    bool superuser = row_true(rows, 0, "superuser");
    if (superuser || row_true(rows, 0, "owner")) {
        finding_remedy(finding_add(subject, FINDING_NOTE, "rights.more",
                                   "role %s is %s: more than the relay needs", row_text(rows, 0, "role"),
                                   superuser ? "a superuser" : "an owner of outbox.event"),
                       "CREATE ROLE relay LOGIN IN ROLE outbox_relay;\n"
                       "-- then, in psql: \\password relay, and name that role in DATABASE_URL");
    }
}

void rights_judge(struct subject *subject, const PGresult *rows, struct look_context *context) {
    (void)context;
    int missing = 0;
    while (row_text(rows, missing, "right")[0] != '\0') {
        missing++;
    }
    if (missing > 0) {
        judge_missing(subject, rows, missing);
    } else {
        finding_add(subject, FINDING_OK, "rights", "role %s has all rights that the relay needs",
                    row_text(rows, 0, "role"));
    }
    judge_more(subject, rows);
    if (row_true(rows, 0, "row_security")) {
        finding_remedy(
            finding_add(subject, FINDING_ERROR, "rights.row_security",
                        "row-level security of outbox.event is on for role %s: claims are refused, since "
                        "events could be hidden from them",
                        row_text(rows, 0, "role")),
            "ALTER TABLE outbox.event DISABLE ROW LEVEL SECURITY;\n"
            "-- or, where writers need it:\n-- ALTER ROLE %s BYPASSRLS;",
            row_text(rows, 0, "role_sql"));
    }
}

const char rights_writers_sql[] =
    "SELECT count(*) AS number, string_agg(w.rolname, ', ') FILTER (WHERE w.place <= 10) AS names"
    " FROM (SELECT r.rolname, row_number() OVER (ORDER BY r.rolname) AS place FROM pg_roles AS r, pg_class "
    "AS c"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'outbox'"
    " WHERE c.relname = 'event' AND r.rolcanlogin AND NOT r.rolsuper AND r.oid <> c.relowner"
    " AND has_any_column_privilege(r.oid, c.oid, 'INSERT')) AS w";

void rights_judge_writers(struct subject *subject, const PGresult *rows, struct look_context *context) {
    (void)context;
    long long number = row_int(rows, 0, "number");
    if (number > 0) {
        finding_add(subject, FINDING_OK, "rights.writers", "roles that may insert events: %s%s",
                    row_text(rows, 0, "names"), number > 10 ? ", ..." : "");
    } else {
        finding_remedy(finding_add(subject, FINDING_NOTE, "rights.writers",
                                   "no role may insert events but superusers and the owner"),
                       "GRANT outbox_writer TO \"ROLE OF THE APPLICATION\";");
    }
}
