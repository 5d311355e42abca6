// SPDX-License-Identifier: Apache-2.0
// The SQL of all migrations as one text, for a team that has a migration tool of its own; see migrate.h.
#include "migrate/migrate.h"

#include <string.h>

static void print_file(FILE *out, const struct embedded_file *file) {
    size_t length = strlen(file->text);
    bool ended = length > 0 && file->text[length - 1] == '\n';
    (void)fprintf(out, "\n-- %s\n%s%s", file->name, file->text, ended ? "" : "\n");
}

// Names and checksums are this program's own and hold no quotes.
static void print_record(FILE *out, const struct schema *schema, int version, const char *name,
                         const char *checksum) {
    (void)fprintf(
        out,
        "INSERT INTO %s (version, name, checksum)\n    VALUES (%d, '%s',\n        '%s')\n"
        "    ON CONFLICT (version) DO UPDATE SET name = excluded.name, checksum = excluded.checksum;\n",
        schema->table, version, name, checksum);
}

bool migrate_print(const struct schema *schema, FILE *out, struct error *error) {
    struct catalog catalog;
    if (!catalog_load(&catalog, schema, embedded_files, error)) {
        return false;
    }
    (void)fprintf(out,
                  "-- Schema %s, for a migration tool of your own. Apply each part in a transaction, in this "
                  "order. The\n"
                  "-- INSERT at the end of a part tells outbox-relay that it was applied.\n",
                  schema->name);
    for (int index = 0; index < catalog.count; index++) {
        const struct migration *migration = &catalog.migrations[index];
        print_file(out, migration->up);
        print_record(out, schema, migration->version, migration->up->name, migration->checksum);
    }
    for (const struct embedded_file *file = catalog.files; file->name != NULL; file++) {
        if (catalog_is_sql(&catalog, file)) {
            print_file(out, file);
        }
    }
    print_record(out, schema, 0, "sql", catalog.sql_checksum);
    return true;
}
