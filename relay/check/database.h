// SPDX-License-Identifier: Apache-2.0
// The database's part of the check: one connection, by which one thing after the other is looked at, each in
// a read-only transaction with a time-out. It blocks, and is over before the event loop runs. Nobody else
// includes this.
#pragma once

#include "base/error.h"
#include "check/findings.h"
#include "settings/settings.h"

#include <libpq-fe.h>
#include <stdbool.h>

struct database {
    PGconn *connection; // NULL: there is none
    bool usable;        // schema outbox is there, and can be read
};

// database_open connects and adds all that is found about server, schema, role, table and events. `database`
// is to be closed whatever came of it.
void database_open(struct database *database, const struct settings *settings, struct findings *findings);
void database_close(struct database *database);

// database_ask runs one statement in a transaction of its own that cannot change anything and ends after 10
// s. Returns its rows, or NULL and `error`; `what` begins its text.
PGresult *database_ask(PGconn *connection, const char *sql, const char *what, struct error *error);
