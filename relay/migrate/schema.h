// SPDX-License-Identifier: Apache-2.0
// The schemas that this program brings along: outbox, of those who publish events, and inbox, of those who
// consume them. Each has its own migrations, history table and sql/ files, so that they can live in one
// database or in two.
#pragma once

struct schema {
    const char *name;              // "outbox"
    const char *table;             // its history table: "outbox.migration"
    const char *migrations_folder; // of its numbered files: "migrations/"; what lies deeper is another's
    const char *sql_folder;        // of its functions and views: "sql/"
    const char *flag; // what a user writes behind "outbox-relay migrate up" for it: "" or " --inbox"

    // Statements; history.h tells what the first two return.
    const char *exists_query;
    const char *history_query;
    const char *record; // that a file was applied, in the place of an earlier record: version, name, checksum
    const char *forget; // the record of a version and that of the sql/ files: version

    // What taking back a migration would lose: how many rows, at most LOSS_MAX; nobody can add one until the
    // transaction has ended. Then what an error says about them, before and after their number.
    const char *loss_query;
    const char *loss;
    const char *loss_remedy;
};

#define LOSS_MAX "1000"

extern const struct schema schema_outbox;
extern const struct schema schema_inbox;
