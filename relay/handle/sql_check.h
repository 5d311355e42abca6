// SPDX-License-Identifier: Apache-2.0
// What must be there before events can be handled in SQL: a server that writes, schema inbox, the functions,
// and the right to use them. Asked of the catalogs, since to_regprocedure is itself refused where the right
// to a schema is missing.
#pragma once

#include "handle/sql_call.h"

struct sql_check {
    const struct sql_function *functions;
    int count;
    int backend_pid;                                          // the server's process, as it says itself
    struct error problem;                                     // code ERROR_NONE: none
    void (*done)(void *context, const struct error *problem); // NULL: all is there
    void *context;
};

// sql_check_start asks; `done` is called once, from the loop, unless the connection is lost before. The
// problem is ERROR_SCHEMA (no schema inbox), ERROR_USAGE (a function is missing, or none) or ERROR_DATABASE
// (a right is missing, or the server is a standby), with the remedy. The check lives until then.
void sql_check_start(struct sql_check *check, struct pg_connection *connection);
