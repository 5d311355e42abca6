// SPDX-License-Identifier: Apache-2.0
// What was applied to a database, and whether it suits; see history.h.
#include "migrate/history.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADVICE "run \"outbox-relay migrate up%s\""

// A version that is no number cannot come from an integer column; -1 makes it unknown to everyone.
static int parse_version(const char *text) {
    char *end = NULL;
    long version = strtol(text, &end, 10);
    bool valid = end != text && *end == '\0' && version >= 0 && version <= 1000000;
    return valid ? (int)version : -1;
}

void history_add(struct history *history, const PGresult *result, int row) {
    if (history->count == HISTORY_MAX) {
        history->overflow = true;
        return;
    }
    struct applied *applied = &history->rows[history->count++];
    applied->version = parse_version(PQgetvalue(result, row, 0));
    (void)snprintf(applied->name, sizeof applied->name, "%s", PQgetvalue(result, row, 1));
    (void)snprintf(applied->checksum, sizeof applied->checksum, "%s", PQgetvalue(result, row, 2));
    (void)snprintf(applied->detail, sizeof applied->detail, "%s", PQgetvalue(result, row, 3));
}

const struct applied *history_find(const struct history *history, int version) {
    for (int index = 0; index < history->count; index++) {
        if (history->rows[index].version == version) {
            return &history->rows[index];
        }
    }
    return NULL;
}

bool history_sql_is_current(const struct history *history, const struct catalog *catalog) {
    const struct applied *applied = history_find(history, 0);
    return applied != NULL && strcmp(applied->checksum, catalog->sql_checksum) == 0;
}

static bool check_row(const struct applied *applied, const struct catalog *catalog, struct error *error) {
    if (applied->version == 0) {
        return true;
    }
    if (applied->version < 0 || applied->version > catalog_newest(catalog)) {
        return error_set(
            error, ERROR_SCHEMA,
            "schema %s is newer than this program: it has migration %d (%s), the program knows %d; "
            "upgrade outbox-relay",
            catalog->schema->name, applied->version, applied->name, catalog_newest(catalog));
    }
    const struct migration *migration = &catalog->migrations[applied->version - 1];
    if (strcmp(applied->checksum, migration->checksum) != 0) {
        return error_set(
            error, ERROR_SCHEMA,
            "%s is not the file that was applied to this database (checksum %.12s, applied: %.12s); use "
            "the program that applied it, or one of the same release",
            migration->up->name, migration->checksum, applied->checksum);
    }
    return true;
}

bool history_check_known(const struct history *history, const struct catalog *catalog, struct error *error) {
    if (history->overflow) {
        return error_set(error, ERROR_SCHEMA, "table %s has more than %d rows; remove the foreign ones",
                         catalog->schema->table, HISTORY_MAX);
    }
    for (int index = 0; index < history->count; index++) {
        if (!check_row(&history->rows[index], catalog, error)) {
            return false;
        }
    }
    return true;
}

static void warn_of_other_sql(const struct schema *schema) {
    char advice[64];
    (void)snprintf(advice, sizeof advice, ADVICE, schema->flag);
    log_warn("the functions and views of a schema are not this program's", LOG_TEXT("schema", schema->name),
             LOG_TEXT("advice", advice));
}

bool history_check(const struct history *history, const struct catalog *catalog, struct error *error) {
    const struct schema *schema = catalog->schema;
    if (history->count == 0) {
        return error_set(error, ERROR_SCHEMA, "schema %s is missing in this database; " ADVICE, schema->name,
                         schema->flag);
    }
    if (!history_check_known(history, catalog, error)) {
        return false;
    }
    for (int version = 1; version <= catalog_newest(catalog); version++) {
        if (history_find(history, version) == NULL) {
            return error_set(error, ERROR_SCHEMA,
                             "schema %s is older than this program: %s is not applied; " ADVICE, schema->name,
                             catalog->migrations[version - 1].up->name, schema->flag);
        }
    }
    if (!history_sql_is_current(history, catalog)) {
        warn_of_other_sql(schema);
    }
    return true;
}
