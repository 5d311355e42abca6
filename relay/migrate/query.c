// SPDX-License-Identifier: Apache-2.0
// Synchronous statements; see query.h.
#include "migrate/query.h"

#include "base/log.h"
#include "postgres/conninfo.h"

#include <stdlib.h>
#include <string.h>

static void log_notice(void *context, const PGresult *result) {
    (void)context;
    log_info("PostgreSQL notice", LOG_TEXT("message", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
}

PGconn *query_connect(const char *database_url, const char *application, struct error *error) {
    if (!conninfo_check(database_url, error)) {
        return NULL;
    }
    char name[CONNINFO_APPLICATION_SIZE];
    bool named = conninfo_application(database_url, application, name);
    // Later entries win over what the URL (dbname, expanded) says, earlier ones are only defaults.
    const char *timeout = getenv("PGCONNECT_TIMEOUT");
    const char *const names[] = {"fallback_application_name", "connect_timeout",  "dbname",
                                 "client_encoding",           "application_name", NULL};
    const char *const values[] = {application,
                                  timeout == NULL || *timeout == '\0' ? "10" : NULL,
                                  *database_url == '\0' ? NULL : database_url,
                                  "UTF8",
                                  named ? name : NULL,
                                  NULL};
    PGconn *connection = PQconnectdbParams(names, values, 1);
    if (connection == NULL || PQstatus(connection) != CONNECTION_OK) {
        error_set(error, ERROR_DATABASE, "cannot connect to PostgreSQL: %s",
                  connection == NULL ? "out of memory" : PQerrorMessage(connection));
        PQfinish(connection);
        return NULL;
    }
    PQsetNoticeReceiver(connection, log_notice, NULL);
    return connection;
}

// The line of a position that PostgreSQL counts in characters from 1.
static int line_of(const char *sql, long position) {
    int line = 1;
    for (const char *place = sql; *place != '\0' && position > 1; place++) {
        line += *place == '\n' ? 1 : 0;
        position -= ((unsigned char)place[1] & 0xC0) == 0x80 ? 0 : 1;
    }
    return line;
}

static const char *advice_for(const char *state) {
    if (state != NULL && strcmp(state, "55P03") == 0) {
        return "; another transaction holds the lock: wait for it or end it (pg_stat_activity), then try "
               "again";
    }
    return "";
}

static void fail(const PGconn *connection, const PGresult *result, const char *sql, const char *what,
                 struct error *error) {
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    error_set(error, ERROR_DATABASE, "%s%s%s%s%s%s", message == NULL ? PQerrorMessage(connection) : message,
              detail == NULL ? "" : "; ", detail == NULL ? "" : detail,
              hint == NULL ? "" : "; hint: ", hint == NULL ? "" : hint, advice_for(state));
    (void)snprintf(error->sqlstate, sizeof error->sqlstate, "%s", state == NULL ? "" : state);
    if (position != NULL && strchr(sql, '\n') != NULL) {
        error_prefix(error, "%s, line %d", what, line_of(sql, strtol(position, NULL, 10)));
    } else {
        error_prefix(error, "%s", what);
    }
}

static PGresult *checked(PGconn *connection, PGresult *result, const char *sql, const char *what,
                         struct error *error) {
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        return result;
    }
    fail(connection, result, sql, what, error);
    PQclear(result);
    return NULL;
}

PGresult *query_run(PGconn *connection, const char *sql, const char *what, struct error *error) {
    return checked(connection, PQexec(connection, sql), sql, what, error);
}

bool query_do(PGconn *connection, const char *sql, const char *what, struct error *error) {
    PGresult *result = query_run(connection, sql, what, error);
    PQclear(result);
    return result != NULL;
}

PGresult *query_run_with(PGconn *connection, const char *sql, int count, const char *const *parameters,
                         const char *what, struct error *error) {
    PGresult *result = PQexecParams(connection, sql, count, NULL, parameters, NULL, NULL, 0);
    return checked(connection, result, sql, what, error);
}
