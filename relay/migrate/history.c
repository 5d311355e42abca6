// SPDX-License-Identifier: Apache-2.0
// What was applied to a database, and whether it suits; see history.h.
#include "migrate/history.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char advice[] = "run \"outbox-relay migrate up\"";

const char *history_exists_query(void) {
    return "SELECT (pg_catalog.to_regclass('outbox.migration') IS NOT NULL)::pg_catalog.text";
}

const char *history_query(void) {
    return "SELECT version::pg_catalog.text, name, checksum, pg_catalog.date_trunc('second', "
           "applied_at)::pg_catalog.text"
           " || ' by ' || applied_by FROM outbox.migration ORDER BY migration.version";
}

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
            "schema outbox is newer than this program: it has migration %d (%s), the program knows %d; "
            "upgrade outbox-relay",
            applied->version, applied->name, catalog_newest(catalog));
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
        return error_set(error, ERROR_SCHEMA,
                         "table outbox.migration has more than %d rows; remove the foreign ones",
                         HISTORY_MAX);
    }
    for (int index = 0; index < history->count; index++) {
        if (!check_row(&history->rows[index], catalog, error)) {
            return false;
        }
    }
    return true;
}

bool history_check(const struct history *history, const struct catalog *catalog, struct error *error) {
    if (history->count == 0) {
        return error_set(error, ERROR_SCHEMA, "schema outbox is missing in this database; %s", advice);
    }
    if (!history_check_known(history, catalog, error)) {
        return false;
    }
    for (int version = 1; version <= catalog_newest(catalog); version++) {
        if (history_find(history, version) == NULL) {
            return error_set(error, ERROR_SCHEMA,
                             "schema outbox is older than this program: %s is not applied; %s",
                             catalog->migrations[version - 1].up->name, advice);
        }
    }
    if (!history_sql_is_current(history, catalog)) {
        log_warn("the functions and views of schema outbox are not this program's",
                 LOG_TEXT("advice", advice));
    }
    return true;
}
