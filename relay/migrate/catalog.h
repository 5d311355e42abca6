// SPDX-License-Identifier: Apache-2.0
// What this program knows of the schema: its numbered migrations, and the sql/ files as one set.
#pragma once

#include "base/error.h"
#include "migrate/embedded.h"

#include <stdbool.h>

enum { CATALOG_MAX = 128, CHECKSUM_SIZE = 65 /* SHA-256 in hexadecimal */ };

struct migration {
    int version;                      // 1, 2, ...
    const struct embedded_file *up;   // its name is what is recorded as the migration's name
    const struct embedded_file *down; // NULL when there is none
    char checksum[CHECKSUM_SIZE];     // of the up file
};

struct catalog {
    int count;
    struct migration migrations[CATALOG_MAX]; // by version, without gaps
    const struct embedded_file *files;        // all of them
    char sql_checksum[CHECKSUM_SIZE];         // of the names and contents of the sql/ files
};

// catalog_load reads a table that is in order of its names. Fails (ERROR_INTERNAL: the program was built
// wrong) on a name that is neither migrations/NNNN_name.up.sql, .down.sql nor sql/name.sql, on a gap in the
// versions, and on a down file without its up file.
bool catalog_load(struct catalog *catalog, const struct embedded_file *files, struct error *error);

// catalog_is_sql tells a file of sql/ from a migration.
bool catalog_is_sql(const struct embedded_file *file);

// catalog_newest is the highest version; 0 when there are no migrations.
int catalog_newest(const struct catalog *catalog);
