// SPDX-License-Identifier: Apache-2.0
// The schemas (schema.h), from the SQL files that are part of the program: apply, take back, report, print,
// and check. Every migration is a transaction of its own together with its row in the history; the sql/ files
// (functions and views) are one transaction more, whenever they changed. A session advisory lock keeps two
// migrations apart, so the connection must reach PostgreSQL itself: a pooler is refused.
#pragma once

#include "base/error.h"
#include "migrate/history.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>

// migrate_up applies what is missing and writes a line for each step to `out`; on an up-to-date database it
// says so and changes nothing. Fails with ERROR_SCHEMA when the database is newer than the program or was
// given other files, with ERROR_DATABASE when a statement fails: the error names the file, and that file's
// transaction is rolled back.
bool migrate_up(PGconn *connection, const struct schema *schema, FILE *out, struct error *error);

// migrate_down takes back the newest migration. Fails with ERROR_SCHEMA when that is the first, whose table
// would go with what is still needed in it (outbox: events that are not sent; inbox: which events were
// processed), unless `force`. The later ones leave the table.
bool migrate_down(PGconn *connection, const struct schema *schema, bool force, FILE *out,
                  struct error *error);

// migrate_status lists the migrations, then succeeds when the database is up to date and fails with
// ERROR_SCHEMA (and what to do) when it is not.
bool migrate_status(PGconn *connection, const struct schema *schema, FILE *out, struct error *error);

// migrate_print writes all SQL in order, with what records it, for another tool to apply. Needs no database.
bool migrate_print(const struct schema *schema, FILE *out, struct error *error);

// migrate_require succeeds when the database is fit for this program, and fails with ERROR_SCHEMA (and what
// to do) when it is not.
bool migrate_require(PGconn *connection, const struct schema *schema, struct error *error);

// migrate_look tells how a schema stands, and in `why` (ERROR_SCHEMA) what it is that is not as it should be;
// nothing when it is SCHEMA_CURRENT. Fails when the database cannot be asked.
enum schema_state {
    SCHEMA_CURRENT,
    SCHEMA_MISSING,
    SCHEMA_OLDER,         // a migration is not applied
    SCHEMA_NEWER,         // it has one that this program does not know
    SCHEMA_OTHER,         // one was applied from another file
    SCHEMA_OLD_FUNCTIONS, // the sql/ files are not this program's
};
bool migrate_look(PGconn *connection, const struct schema *schema, enum schema_state *ret, struct error *why,
                  struct error *error);

// migrate_check is history_check against this program's own files.
bool migrate_check(const struct history *history, const struct schema *schema, struct error *error);
