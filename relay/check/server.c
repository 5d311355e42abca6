// SPDX-License-Identifier: Apache-2.0
// Settings of the server that hurt, as a new session of the role gets them; and whether there are connections
// left. (Of the time-outs, idle_in_transaction_session_timeout is not looked at: claims set their own.)
#include "check/look.h"
#include "check/rows.h"

#include <string.h>

const char server_sql[] =
    "SELECT s.name, s.reset_val AS value, s.source, s.context, quote_ident(session_user) AS role_sql,"
    " quote_ident(current_database()) AS database_sql FROM pg_settings AS s WHERE s.name IN ('fsync',"
    " 'full_page_writes', 'synchronous_commit', 'autovacuum', 'track_counts', 'track_activities',"
    " 'log_statement', 'statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout')"
    " ORDER BY s.name";

// A rule is broken by that value or, where there is none, by a time-out below `limit_ms`; 0 is no time-out.
enum { LIMIT_OF_CLAIMS = -1 };

static const struct rule {
    const char *setting;
    const char *value;
    int64_t limit_ms;
    enum finding_level level;
    const char *name;
    const char *found;
    const char *better;
} rules[] = {
    {"fsync", "off", 0, FINDING_WARNING, "server.fsync",
     "a crash of the machine can destroy the database, events included", "on"},
    {"full_page_writes", "off", 0, FINDING_WARNING, "server.full_page_writes",
     "a crash of the machine can destroy pages, events included", "on"},
    {"synchronous_commit", "off", 0, FINDING_NOTE, "server.synchronous_commit",
     "a crash loses the last commits: of this role, marks, so that events are published again; of writers, "
     "events with all else of their transactions",
     "on"},
    {"autovacuum", "off", 0, FINDING_WARNING, "server.autovacuum",
     "nothing clears dead rows away, and tables grow and become slow", "on"},
    {"track_counts", "off", 0, FINDING_WARNING, "server.track_counts",
     "autovacuum does not learn of this role's changes", "on"},
    {"track_activities", "off", 0, FINDING_NOTE, "server.track_activities",
     "what this role does is not shown in pg_stat_activity", "on"},
    {"log_statement", "all", 0, FINDING_NOTE, "server.log_statement",
     "statements are logged, and those that insert events have payloads in them", "ddl"},
    {"log_statement", "mod", 0, FINDING_NOTE, "server.log_statement",
     "statements are logged, and those that insert events have payloads in them", "ddl"},
    {"statement_timeout", NULL, 5000, FINDING_WARNING, "server.statement_timeout",
     "claims of many events may be cut", "'30s'"},
    {"lock_timeout", NULL, 1000, FINDING_WARNING, "server.lock_timeout",
     "marks that wait for another transaction are cut, and their events published again", "0"},
    {"transaction_timeout", NULL, LIMIT_OF_CLAIMS, FINDING_WARNING, "server.transaction_timeout",
     "claims, which may last as long as OUTBOX_CLAIM_TIMEOUT, are cut, and their events published again",
     "0"},
    {"idle_session_timeout", NULL, INT64_MAX, FINDING_NOTE, "server.idle_session_timeout",
     "connections that the relay keeps for the next burst are cut, and made anew", "0"},
};

static bool is_broken(const struct rule *rule, const char *value, int64_t number,
                      const struct look_context *context) {
    int64_t limit = rule->limit_ms == LIMIT_OF_CLAIMS ? context->claim_timeout_ms * 2 : rule->limit_ms;
    return rule->value != NULL ? strcmp(value, rule->value) == 0 : number > 0 && number < limit;
}

// Where the value is to be changed: what only counts for the whole server, for the server; all else for this
// role alone, which goes before database and server.
static void remedy(struct finding *finding, const PGresult *rows, int row, const char *better) {
    const char *name = row_text(rows, row, "name");
    const char *context = row_text(rows, row, "context");
    const char *source = row_text(rows, row, "source");
    if (strcmp(source, "command line") == 0 || strcmp(source, "environment variable") == 0) {
        finding_remedy(finding, "start PostgreSQL without it (set by: %s), or with -c %s=%s", source, name,
                       better);
    } else if (strcmp(source, "client") == 0) {
        finding_remedy(finding, "take %s out of PGOPTIONS, and of options in DATABASE_URL", name);
    } else if (strcmp(context, "user") == 0 || strcmp(context, "superuser") == 0) {
        finding_remedy(finding, "ALTER ROLE %s IN DATABASE %s SET %s = %s;", row_text(rows, row, "role_sql"),
                       row_text(rows, row, "database_sql"), name, better);
    } else {
        finding_remedy(finding, "ALTER SYSTEM SET %s = %s;\nSELECT pg_reload_conf();", name, better);
    }
}

void server_judge(struct subject *subject, const PGresult *rows, struct look_context *context) {
    bool good = true;
    for (int row = 0; row < PQntuples(rows); row++) {
        const char *name = row_text(rows, row, "name");
        const char *value = row_text(rows, row, "value");
        for (size_t index = 0; index < sizeof rules / sizeof rules[0]; index++) {
            const struct rule *rule = &rules[index];
            if (strcmp(name, rule->setting) == 0 &&
                is_broken(rule, value, row_int(rows, row, "value"), context)) {
                remedy(finding_add(subject, rule->level, rule->name, "%s is %s%s: %s", name, value,
                                   rule->value == NULL ? " ms" : "", rule->found),
                       rows, row, rule->better);
                good = false;
            }
        }
    }
    if (good) {
        finding_add(subject, FINDING_OK, "server.settings", "no setting is in the relay's way");
    }
}

// Limits of -1 are none; a superuser has none.
const char server_connections_sql[] =
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    " - coalesce(current_setting('reserved_connections', true)::int, 0) AS server_limit, u.server_used,"
    " u.relay_has, r.rolconnlimit AS role_limit, u.role_used, d.datconnlimit AS database_limit,"
    " u.database_used, quote_ident(r.rolname) AS role_sql, quote_ident(d.datname) AS database_sql,"
    " r.rolname AS role, d.datname AS database, r.rolsuper AS superuser"
    " FROM pg_roles AS r, pg_database AS d, LATERAL (SELECT count(*) AS server_used,"
    " count(*) FILTER (WHERE a.usesysid = r.oid) AS role_used,"
    " count(*) FILTER (WHERE a.datid = d.oid) AS database_used,"
    " count(*) FILTER (WHERE a.usesysid = r.oid AND a.application_name LIKE 'outbox-relay%') AS relay_has"
    " FROM pg_stat_activity AS a WHERE a.datid IS NOT NULL AND a.usesysid IS NOT NULL"
    " AND a.pid <> pg_backend_pid()) AS u"
    " WHERE r.rolname = session_user AND d.datname = current_database()";

// Tells what is short of connections; `needed` more have to be free.
static bool is_short(const PGresult *rows, const char *limit, const char *used, long long needed) {
    long long allowed = row_int(rows, 0, limit);
    return allowed >= 0 && allowed - row_int(rows, 0, used) < needed;
}

static struct finding *add_short(struct subject *subject, const PGresult *rows, const char *who,
                                 const char *limit, const char *used, long long needed) {
    return finding_add(subject, FINDING_WARNING, "server.connections",
                       "%s has %s of %s connections in use: the relay needs %lld more", who,
                       row_text(rows, 0, used), row_text(rows, 0, limit), needed);
}

// Besides its claims the relay has the control connection, and one to look, as this check does. Behind a
// pooler it is the pooler that has connections.
void server_judge_connections(struct subject *subject, const PGresult *rows, struct look_context *context) {
    long long needed = context->claims + 2 - row_int(rows, 0, "relay_has");
    if (needed <= 0 || context->pooled) {
        return;
    }
    bool limited = !row_true(rows, 0, "superuser");
    if (limited && is_short(rows, "role_limit", "role_used", needed)) {
        finding_remedy(add_short(subject, rows, "the role", "role_limit", "role_used", needed),
                       "ALTER ROLE %s CONNECTION LIMIT %lld;", row_text(rows, 0, "role_sql"),
                       (long long)row_int(rows, 0, "role_used") + needed);
    }
    if (limited && is_short(rows, "database_limit", "database_used", needed)) {
        finding_remedy(add_short(subject, rows, "the database", "database_limit", "database_used", needed),
                       "ALTER DATABASE %s CONNECTION LIMIT %lld;", row_text(rows, 0, "database_sql"),
                       (long long)row_int(rows, 0, "database_used") + needed);
    }
    if (is_short(rows, "server_limit", "server_used", needed)) {
        finding_remedy(add_short(subject, rows, "the server", "server_limit", "server_used", needed),
                       "-- end those that nobody needs, set a lower OUTBOX_CLAIMS, or, with a restart:\n"
                       "ALTER SYSTEM SET max_connections = %lld;",
                       (long long)row_int(rows, 0, "server_used") + needed + 20);
    }
}
