// SPDX-License-Identifier: Apache-2.0
#include "check/database.h"

#include "check/inbox.h"
#include "check/installed.h"
#include "check/look.h"
#include "check/rows.h"
#include "migrate/query.h"

#include <string.h>

PGresult *database_ask(PGconn *connection, const char *sql, const char *what, struct error *error) {
    bool begun =
        query_do(connection,
                 "BEGIN READ ONLY; SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '5s';"
                 "SET LOCAL search_path = pg_catalog, pg_temp",
                 what, error);
    PGresult *rows = begun ? query_run_with(connection, sql, 0, NULL, what, error) : NULL;
    PQclear(PQexec(connection, "ROLLBACK"));
    return rows;
}

// In the order of the report. Those of the schema are looked at only where it is there and may be used.
static const struct look server_looks[] = {
    {"Database", "database.unknown", "the server", connection_sql, connection_judge},
    {"Server settings", "server.unknown", "the server's settings", server_sql, server_judge},
    {"Server settings", "server.unknown", "the server's connections", server_connections_sql,
     server_judge_connections},
};

static const struct look rights_looks[] = {
    {"Role", "rights.unknown", "the role's rights", rights_sql, rights_judge},
    {"Role", "rights.unknown", "who may insert events", rights_writers_sql, rights_judge_writers},
};

static const struct look table_looks[] = {
    {"Table outbox.event", "table.unknown", "the table", table_sql, table_judge},
    {"Table outbox.event", "table.unknown", "the table's options", table_options_sql, table_judge_options},
    {"Table outbox.event", "table.unknown", "the table's triggers", triggers_sql, triggers_judge},
    {"Table outbox.event", "table.unknown", "the table's indexes", indexes_sql, indexes_judge},
    {"Table outbox.event", "table.unknown", "the table's statistics", vacuum_sql, vacuum_judge},
};

static const struct look work_looks[] = {
    {"Held back", "blockers.unknown", "what holds the relay back", blockers_sql, blockers_judge},
    {"Events", "events.unknown", "how many events wait", events_sql, events_judge},
    {"Events", "events.unknown", "what events wait for", events_waiting_sql, events_judge_waiting},
    {"Relays", "relays.unknown", "which relays there are", relays_sql, relays_judge},
};

static void look(const struct look *look, struct subject *subject, PGconn *connection,
                 struct look_context *context) {
    struct error error = {0};
    PGresult *rows = database_ask(connection, look->sql, look->what, &error);
    if (rows != NULL) {
        look->judge(subject, rows, context);
    } else {
        finding_add(subject, FINDING_WARNING, look->unknown, "not known: %s", error.text);
    }
    PQclear(rows);
}

static void look_all(struct findings *findings, const struct look *looks, size_t count, PGconn *connection,
                     struct look_context *context) {
    struct subject *subject = NULL;
    for (size_t index = 0; index < count && PQstatus(connection) == CONNECTION_OK; index++) {
        if (subject == NULL || strcmp(looks[index].about, subject->about) != 0) {
            subject = findings_subject(findings, NULL, looks[index].about);
        }
        look(&looks[index], subject, connection, context);
    }
}

#define LOOK_ALL(findings, looks, connection, context)                                                       \
    look_all(findings, looks, sizeof(looks) / sizeof(looks)[0], connection, context)

static const char *text_or(const char *text, const char *otherwise) {
    return text != NULL ? text : otherwise;
}

static struct look_context context_of(PGconn *connection, const struct settings *settings) {
    const char *tls = PQsslInUse(connection) ? text_or(PQsslAttribute(connection, "protocol"), "TLS") : "";
    return (struct look_context){.host = text_or(PQhost(connection), ""),
                                 .port = text_or(PQport(connection), ""),
                                 .tls = tls,
                                 .backend_pid = PQbackendPID(connection),
                                 .claims = settings->claims,
                                 .claim_timeout_ms = settings->claim_timeout / 1000,
                                 .max_message_bytes = settings->max_message_bytes};
}

void database_open(struct database *database, const struct settings *settings, struct findings *findings) {
    struct error error = {0};
    *database =
        (struct database){.connection = query_connect(settings->database_url, "outbox-relay check", &error)};
    PGconn *connection = database->connection;
    if (connection == NULL) {
        connection_explain(findings_subject(findings, NULL, "Database"), error.text);
        return;
    }
    struct look_context context = context_of(connection, settings);
    LOOK_ALL(findings, server_looks, connection, &context);
    enum installed schema = installed_check(findings, connection, &schema_outbox, false);
    database->usable = schema == INSTALLED;
    if (schema != INSTALLED_NOT) {
        LOOK_ALL(findings, rights_looks, connection, &context);
    }
    if (database->usable) {
        LOOK_ALL(findings, table_looks, connection, &context);
        LOOK_ALL(findings, work_looks, connection, &context);
    }
    inbox_check(findings, connection, settings);
}

void database_close(struct database *database) {
    PQfinish(database->connection);
    database->connection = NULL;
}
