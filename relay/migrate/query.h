// SPDX-License-Identifier: Apache-2.0
// Synchronous statements for the commands that do one thing and end. Errors (ERROR_DATABASE) carry what
// PostgreSQL said: message, detail and hint, and its SQLSTATE.
#pragma once

#include "base/error.h"

#include <libpq-fe.h>

// query_connect opens a connection; `database_url` may be "", which leaves all to libpq's PG* variables.
// `application` is as in struct pg_handler. The URL never appears in an error, for it can hold a password.
// Gives up after 10 seconds unless told otherwise there. Returns NULL on failure; the connection is closed
// with PQfinish.
PGconn *query_connect(const char *database_url, const char *application, struct error *error);

// query_run executes SQL, possibly several statements, and returns the last one's result, or NULL. `what`
// begins the error's text.
PGresult *query_run(PGconn *connection, const char *sql, const char *what, struct error *error);

// query_do is query_run for statements whose result does not matter.
bool query_do(PGconn *connection, const char *sql, const char *what, struct error *error);

// query_run_with executes one statement with text parameters; returns its result, or NULL.
PGresult *query_run_with(PGconn *connection, const char *sql, int count, const char *const *parameters,
                         const char *what, struct error *error);
