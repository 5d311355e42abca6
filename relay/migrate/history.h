// SPDX-License-Identifier: Apache-2.0
// What a database says was applied to it (table outbox.migration or inbox.migration), and whether that suits
// this program.
// Nothing here talks to a database: the caller runs the queries, in its own way, and adds the rows.
#pragma once

#include "base/error.h"
#include "migrate/catalog.h"

#include <libpq-fe.h>
#include <stdbool.h>

enum { HISTORY_MAX = 160, HISTORY_NAME_SIZE = 128, HISTORY_DETAIL_SIZE = 128 };

struct applied {
    int version; // 0: the set of sql/ files
    char name[HISTORY_NAME_SIZE];
    char checksum[CHECKSUM_SIZE];
    char detail[HISTORY_DETAIL_SIZE]; // when and by whom, for people
};

struct history {
    int count;
    bool overflow; // there were more rows than HISTORY_MAX
    struct applied rows[HISTORY_MAX];
};

// The caller's queries are the schema's (schema.h). exists_query returns one row with one text: 'true' when
// the history table exists, else 'false'. It is a query of its own because a query that names a missing table
// fails, and fails its transaction. history_query returns the rows that history_add takes.

// history_add copies one row of history_query's result; start with a zeroed struct history.
void history_add(struct history *history, const PGresult *result, int row);

// history_find returns what is recorded for a version, or NULL.
const struct applied *history_find(const struct history *history, int version);

// history_check_known fails (ERROR_SCHEMA) when the database has a migration that this program does not know
// (it is newer: upgrade the program) or one whose text was another (naming the file). Missing migrations are
// no failure.
bool history_check_known(const struct history *history, const struct catalog *catalog, struct error *error);

// history_check is what a program that uses the schema asks: all of the above, and that no migration is
// missing. An empty history means that the schema is missing. A different set of sql/ files is only logged,
// as a warning.
bool history_check(const struct history *history, const struct catalog *catalog, struct error *error);

// history_sql_is_current tells whether the sql/ files that were applied last are this program's.
bool history_sql_is_current(const struct history *history, const struct catalog *catalog);
