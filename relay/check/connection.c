// SPDX-License-Identifier: Apache-2.0
// The server and the way to it; and, where there is no way, why.
#include "check/look.h"
#include "check/rows.h"
#include "http/host.h"

#include <stdio.h>
#include <string.h>

enum { VERSION_OLDEST = 14, VERSION_NEWEST = 18, NAME_SIZE = 256 };

// default_transaction_read_only as a new session gets it, since the check's own transactions are read-only.
const char connection_sql[] =
    "SELECT split_part(current_setting('server_version'), ' ', 1) AS version, "
    "current_setting('server_version_num') AS number,"
    " pg_is_in_recovery() AS standby, s.reset_val AS read_only, s.source, pg_backend_pid() AS pid,"
    " current_database() AS database, session_user AS role, quote_ident(current_database()) AS database_sql,"
    " quote_ident(session_user) AS role_sql, current_setting('server_encoding') AS encoding,"
    " (SELECT w.sender_host || ' port ' || w.sender_port FROM pg_stat_wal_receiver AS w) AS sender"
    " FROM pg_settings AS s WHERE s.name = 'default_transaction_read_only'";

static bool is_local(const char *host) {
    return host[0] == '\0' || host[0] == '/' || host[0] == '@' || host_is_loopback(host);
}

static void judge_version(struct subject *subject, const PGresult *rows) {
    int64_t major = row_int(rows, 0, "number") / 10000;
    if (major < VERSION_OLDEST || major > VERSION_NEWEST) {
        finding_remedy(finding_add(subject, FINDING_WARNING, "database.version",
                                   "PostgreSQL %s is none of the versions that are supported, %d to %d",
                                   row_text(rows, 0, "version"), VERSION_OLDEST, VERSION_NEWEST),
                       major < VERSION_OLDEST ? "upgrade PostgreSQL to one of them"
                                              : "look for a newer release of outbox-relay");
    }
}

static void judge_tls(struct subject *subject, const struct look_context *context) {
    if (context->tls[0] != '\0') {
        finding_add(subject, FINDING_OK, "database.tls", "the connection is encrypted (%s)", context->tls);
    } else if (!is_local(context->host)) {
        finding_remedy(
            finding_add(subject, FINDING_NOTE, "database.plain", "the connection to %s is not encrypted",
                        context->host),
            "add to DATABASE_URL: sslmode=verify-full and, for a certificate authority of your own, "
            "sslrootcert=FILE; or:\nexport PGSSLMODE=verify-full "
            "PGSSLROOTCERT=/etc/ssl/certs/ca-certificates.crt");
    }
}

static void judge_pooler(struct subject *subject, const struct look_context *context) {
    if (context->pooled) {
        finding_remedy(
            finding_add(subject, FINDING_NOTE, "database.pooler",
                        "a pooler is between: nothing can be listened to, so events are found by polling, on "
                        "average half of OUTBOX_POLL_INTERVAL late"),
            "where that is too late, point DATABASE_URL at PostgreSQL itself, or set a shorter interval:\n"
            "export OUTBOX_POLL_INTERVAL=100ms");
    }
}

static void judge_standby(struct subject *subject, const PGresult *rows) {
    const char *sender = row_text(rows, 0, "sender");
    finding_remedy(
        finding_add(subject, FINDING_ERROR, "database.standby",
                    "is a read-only standby%s%s: no event can be marked there",
                    sender[0] != '\0' ? " of " : "", sender),
        "name the primary in DATABASE_URL, or all hosts with target_session_attrs=read-write; or:\n"
        "export PGTARGETSESSIONATTRS=read-write");
}

static void judge_read_only(struct subject *subject, const PGresult *rows) {
    struct finding *finding =
        finding_add(subject, FINDING_ERROR, "database.read_only",
                    "default_transaction_read_only is on: no event can be marked (set by: %s)",
                    row_text(rows, 0, "source"));
    if (strcmp(row_text(rows, 0, "source"), "client") == 0) {
        finding_remedy(finding, "take it out of PGOPTIONS, and of options in DATABASE_URL");
    } else {
        // Who pastes it may be bound by the same setting.
        finding_remedy(finding,
                       "SET default_transaction_read_only = off;\n"
                       "ALTER ROLE %s IN DATABASE %s SET default_transaction_read_only = off;",
                       row_text(rows, 0, "role_sql"), row_text(rows, 0, "database_sql"));
    }
}

static void judge_encoding(struct subject *subject, const PGresult *rows) {
    if (strcmp(row_text(rows, 0, "encoding"), "SQL_ASCII") == 0) {
        finding_remedy(finding_add(subject, FINDING_ERROR, "database.encoding",
                                   "the database's encoding is SQL_ASCII, which says nothing about what its "
                                   "bytes mean: run and migrate refuse it, as messages are UTF-8"),
                       "move to a database with an encoding:\n"
                       "CREATE DATABASE \"NAME\" ENCODING 'UTF8' TEMPLATE template0;");
    }
}

void connection_judge(struct subject *subject, const PGresult *rows, struct look_context *context) {
    context->pooled = row_int(rows, 0, "pid") != context->backend_pid;
    context->standby = row_true(rows, 0, "standby");
    finding_add(subject, FINDING_OK, "database", "PostgreSQL %s at %s port %s, database %s, as role %s",
                row_text(rows, 0, "version"), context->host[0] != '\0' ? context->host : "a local socket",
                context->port, row_text(rows, 0, "database"), row_text(rows, 0, "role"));
    judge_version(subject, rows);
    judge_tls(subject, context);
    judge_pooler(subject, context);
    if (context->standby) {
        judge_standby(subject, rows);
    } else if (strcmp(row_text(rows, 0, "read_only"), "on") == 0) {
        judge_read_only(subject, rows);
    }
    judge_encoding(subject, rows);
}

// libpq has no code for why there is no connection, only PostgreSQL's words. In another language than English
// (lc_messages) they lead to the last entry, which fits all. %s is the name that the words are about.
#define WHO_IS_CONNECTED                                                                                     \
    "SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3;"

static const struct reason {
    const char *words[2]; // both are in the message; "": any
    const char *name;
    const char *remedy; // NULL: the message says it
    const char *before; // what the name stands behind; NULL: the remedy has none
} reasons[] = {
    {{"no valid connection string", ""}, "database.url", NULL, NULL},
    {{"invalid port number", ""},
     "database.url",
     "set a port from 1 to 65535 in DATABASE_URL or PGPORT",
     NULL},
    {{"invalid ", " value"},
     "database.url",
     "set another value in DATABASE_URL, or in the PG variable of that name",
     NULL},
    {{"session is read-only", ""},
     "database.standby",
     "DATABASE_URL names standbys only: add the primary's host",
     NULL},
    {{"password authentication failed", ""},
     "database.password",
     "set the right password in DATABASE_URL, PGPASSWORD or ~/.pgpass (in a URL, @ : / ? # and % are "
     "percent-encoded)",
     NULL},
    {{"no password supplied", ""},
     "database.password",
     "give a password in DATABASE_URL, DATABASE_URL_FILE, PGPASSWORD or ~/.pgpass",
     NULL},
    {{"pg_hba.conf", ""},
     "database.hba",
     "let the role in by a line in pg_hba.conf, then SELECT pg_reload_conf(); where the error says \"no "
     "encryption\", sslmode=require may do",
     NULL},
    {{"too many", ""}, "database.full", "-- see who is connected:\n" WHO_IS_CONNECTED, NULL},
    {{"remaining connection slots", ""},
     "database.full",
     "-- see who is connected:\n" WHO_IS_CONNECTED,
     NULL},
    {{"role \"", "is not permitted to log in"}, "database.login", "ALTER ROLE \"%s\" LOGIN;", "role \""},
    {{"role \"", "does not exist"},
     "database.role",
     "-- name another role in DATABASE_URL, or make it:\n"
     "CREATE ROLE \"%s\" LOGIN IN ROLE outbox_relay;",
     "role \""},
    {{"database \"", "does not exist"},
     "database.missing",
     "-- name another database in DATABASE_URL, or make it:\nCREATE DATABASE \"%s\";",
     "database \""},
    {{"SSL", ""},
     "database.tls",
     "see sslmode and sslrootcert in DATABASE_URL; sslmode=prefer does without TLS where the server has none",
     NULL},
    {{"certificate", ""}, "database.tls", "see sslmode and sslrootcert in DATABASE_URL", NULL},
    {{"", ""},
     "database.unreachable",
     "see host and port in DATABASE_URL (outbox-relay help check), whether PostgreSQL runs and listens there "
     "(listen_addresses), and firewalls between",
     NULL},
};

// What stands in quotes behind those words.
static void copy_name(char *name, size_t size, const char *message, const char *before) {
    const char *start = strstr(message, before) + strlen(before);
    snprintf(name, size, "%.*s", (int)strcspn(start, "\""), start);
}

void connection_explain(struct subject *subject, const char *message) {
    const struct reason *reason = reasons;
    while (strstr(message, reason->words[0]) == NULL || strstr(message, reason->words[1]) == NULL) {
        reason++;
    }
    struct finding *finding = finding_add(subject, FINDING_ERROR, reason->name, "%s", message);
    if (reason->remedy == NULL) {
        return;
    }
    const char *place = reason->before != NULL ? strstr(reason->remedy, "%s") : NULL;
    if (place == NULL) {
        finding_remedy(finding, "%s", reason->remedy);
        return;
    }
    char name[NAME_SIZE];
    copy_name(name, sizeof name, message, reason->before);
    finding_remedy(finding, "%.*s%s%s", (int)(place - reason->remedy), reason->remedy,
                   finding_pasteable(name, "NAME"), place + strlen("%s"));
}
