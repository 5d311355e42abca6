// SPDX-License-Identifier: Apache-2.0
// What this program knows of a schema: its numbered migrations, and its sql/ files as one set.
#pragma once

#include "base/error.h"
#include "migrate/embedded.h"
#include "migrate/schema.h"

#include <stdbool.h>

enum { CATALOG_MAX = 128, CHECKSUM_SIZE = 65 /* SHA-256 in hexadecimal */ };

struct migration {
    int version;                      // 1, 2, ...
    const struct embedded_file *up;   // its name is what is recorded as the migration's name
    const struct embedded_file *down; // NULL when there is none
    char checksum[CHECKSUM_SIZE];     // of the up file
};

struct catalog {
    const struct schema *schema;
    int count;
    struct migration migrations[CATALOG_MAX]; // by version, without gaps
    const struct embedded_file *files;        // all of them, those of other schemas too
    char sql_checksum[CHECKSUM_SIZE];         // of the names and contents of the sql/ files
};

// catalog_load picks the schema's files from a table that is in order of its names. Fails (ERROR_INTERNAL:
// the program was built wrong) when one in the schema's folder of migrations is not named NNNN_name.up.sql or
// .down.sql, on a gap in the versions, on a down file without its up file, and on a file of no schema.
bool catalog_load(struct catalog *catalog, const struct schema *schema, const struct embedded_file *files,
                  struct error *error);

// catalog_is_sql tells whether a file is one of the schema's sql/ files.
bool catalog_is_sql(const struct catalog *catalog, const struct embedded_file *file);

// catalog_newest is the highest version; 0 when there are no migrations.
int catalog_newest(const struct catalog *catalog);
