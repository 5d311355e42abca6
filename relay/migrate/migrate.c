// SPDX-License-Identifier: Apache-2.0
// Applying and taking back migrations; see migrate.h.
#include "migrate/migrate.h"

#include "migrate/query.h"

#include <stdlib.h>
#include <string.h>

#define LOCK_KEYS "1869968482, 3" // 'outb' as a number; 3 of that family is the migration lock

static bool read_exists(PGconn *connection, const struct schema *schema, bool *exists, struct error *error) {
    PGresult *result = query_run(connection, schema->exists_query, schema->table, error);
    if (result != NULL) {
        *exists = strcmp(PQgetvalue(result, 0, 0), "true") == 0;
    }
    PQclear(result);
    return result != NULL;
}

// A missing table is an empty history.
static bool read_history(PGconn *connection, const struct schema *schema, struct history *history,
                         struct error *error) {
    memset(history, 0, sizeof *history);
    bool exists = false;
    if (!read_exists(connection, schema, &exists, error)) {
        return false;
    }
    if (!exists) {
        return true;
    }
    PGresult *result = query_run(connection, schema->history_query, schema->table, error);
    for (int row = 0; row < PQntuples(result); row++) {
        history_add(history, result, row);
    }
    PQclear(result);
    return result != NULL;
}

// Behind a pooler the session is not ours: what is set in it would meet its next user, and the lock stay
// behind. Whether it is a pooler that keeps sessions apart cannot be told.
static bool check_session(PGconn *connection, struct error *error) {
    PGresult *result =
        query_run(connection, "SELECT pg_catalog.pg_backend_pid()", "asking who answers", error);
    if (result == NULL) {
        return false;
    }
    bool direct = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10) == PQbackendPID(connection);
    PQclear(result);
    return direct ||
           error_set(error, ERROR_DATABASE,
                     "a pooler (PgBouncer, say) stands between, and migrations need a session of their "
                     "own: let DATABASE_URL name PostgreSQL itself");
}

// Time-outs that a role or database sets are meant for short statements; a search path that a user controls
// must not decide which function a migration calls.
static bool lock(PGconn *connection, struct error *error) {
    return check_session(connection, error) &&
           query_do(connection,
                    "SET client_min_messages = warning; SET statement_timeout = 0; SET lock_timeout = '60s';"
                    "SET idle_in_transaction_session_timeout = 0; SET search_path = pg_catalog, pg_temp;"
                    "SELECT pg_catalog.pg_advisory_lock(" LOCK_KEYS ")",
                    "waiting at most 60 s for other migrations of this database", error);
}

// Failing to unlock needs no report: the connection is closed soon, and the lock goes with it.
static void unlock(PGconn *connection) {
    PQclear(PQexec(connection, "SELECT pg_catalog.pg_advisory_unlock(" LOCK_KEYS ")"));
}

static bool begin(PGconn *connection, struct error *error) {
    return query_do(connection,
                    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = '5s'",
                    "beginning a transaction", error);
}

// Ends the transaction: commits when all went well so far, and else rolls back.
static bool end(PGconn *connection, bool good, const char *what, struct error *error) {
    if (good && query_do(connection, "COMMIT", what, error)) {
        return true;
    }
    PQclear(PQexec(connection, "ROLLBACK"));
    return false;
}

static bool record(PGconn *connection, const struct schema *schema, int version, const char *name,
                   const char *checksum, struct error *error) {
    char number[16];
    (void)snprintf(number, sizeof number, "%d", version);
    const char *const parameters[] = {number, name, checksum};
    PGresult *result =
        query_run_with(connection, schema->record, 3, parameters, "recording the migration", error);
    PQclear(result);
    return result != NULL;
}

static bool apply(PGconn *connection, const struct schema *schema, const struct migration *migration,
                  FILE *out, struct error *error) {
    const char *name = migration->up->name;
    bool good = begin(connection, error) && query_do(connection, migration->up->text, name, error) &&
                record(connection, schema, migration->version, name, migration->checksum, error);
    if (!end(connection, good, name, error)) {
        return false;
    }
    (void)fprintf(out, "applied %s\n", name);
    return true;
}

static bool apply_sql(PGconn *connection, const struct catalog *catalog, FILE *out, struct error *error) {
    bool good = begin(connection, error);
    for (const struct embedded_file *file = catalog->files; good && file->name != NULL; file++) {
        good = !catalog_is_sql(catalog, file) || query_do(connection, file->text, file->name, error);
    }
    good = good && record(connection, catalog->schema, 0, "sql", catalog->sql_checksum, error);
    if (!end(connection, good, "sql", error)) {
        return false;
    }
    (void)fprintf(out, "applied the functions and views of %s\n", catalog->schema->sql_folder);
    return true;
}

static bool bring_up(PGconn *connection, const struct catalog *catalog, FILE *out, struct error *error) {
    struct history history;
    if (!read_history(connection, catalog->schema, &history, error) ||
        !history_check_known(&history, catalog, error)) {
        return false;
    }
    bool changed = false;
    for (int version = 1; version <= catalog_newest(catalog); version++) {
        if (history_find(&history, version) == NULL) {
            if (!apply(connection, catalog->schema, &catalog->migrations[version - 1], out, error)) {
                return false;
            }
            changed = true;
        }
    }
    if (changed || !history_sql_is_current(&history, catalog)) {
        return apply_sql(connection, catalog, out, error);
    }
    (void)fprintf(out, "schema %s is up to date (migration %d)\n", catalog->schema->name,
                  catalog_newest(catalog));
    return true;
}

bool migrate_up(PGconn *connection, const struct schema *schema, FILE *out, struct error *error) {
    struct catalog catalog;
    if (!catalog_load(&catalog, schema, embedded_files, error) || !lock(connection, error)) {
        return false;
    }
    bool done = bring_up(connection, &catalog, out, error);
    unlock(connection);
    return done;
}

static bool check_loss(PGconn *connection, const struct schema *schema, struct error *error) {
    PGresult *result = query_run(connection, schema->loss_query, "looking for what would be lost", error);
    if (result == NULL) {
        return false;
    }
    const char *lost = PQgetvalue(result, 0, 0);
    bool none = strcmp(lost, "0") == 0;
    if (!none) {
        error_set(error, ERROR_SCHEMA, "%s (%s%s) %s", schema->loss, lost,
                  strcmp(lost, LOSS_MAX) == 0 ? " or more" : "", schema->loss_remedy);
    }
    PQclear(result);
    return none;
}

// The first migration's down file takes the table away, the later ones leave it. The sql/ files are forgotten
// too, so that the next migrate up applies them again.
static bool forget(PGconn *connection, const struct schema *schema, int version, struct error *error) {
    bool exists = false;
    if (!read_exists(connection, schema, &exists, error)) {
        return false;
    }
    if (!exists) {
        return true;
    }
    char number[16];
    (void)snprintf(number, sizeof number, "%d", version);
    const char *const parameters[] = {number};
    PGresult *result =
        query_run_with(connection, schema->forget, 1, parameters, "recording the migration", error);
    PQclear(result);
    return result != NULL;
}

// The first one is what made the table.
static bool takes_table(const struct migration *migration) {
    return migration->version == 1;
}

static bool take_back(PGconn *connection, const struct schema *schema, const struct migration *migration,
                      bool force, FILE *out, struct error *error) {
    if (migration->down == NULL) {
        return error_set(error, ERROR_SCHEMA, "%s cannot be taken back: it has no .down.sql",
                         migration->up->name);
    }
    const char *name = migration->down->name;
    bool good = begin(connection, error) &&
                (force || !takes_table(migration) || check_loss(connection, schema, error)) &&
                query_do(connection, migration->down->text, name, error) &&
                forget(connection, schema, migration->version, error);
    if (!end(connection, good, name, error)) {
        return false;
    }
    (void)fprintf(out, "applied %s\n", name);
    return true;
}

static bool bring_down(PGconn *connection, const struct catalog *catalog, bool force, FILE *out,
                       struct error *error) {
    struct history history;
    if (!read_history(connection, catalog->schema, &history, error) ||
        !history_check_known(&history, catalog, error)) {
        return false;
    }
    for (int version = catalog_newest(catalog); version > 0; version--) {
        if (history_find(&history, version) != NULL) {
            return take_back(connection, catalog->schema, &catalog->migrations[version - 1], force, out,
                             error);
        }
    }
    (void)fprintf(out, "schema %s is not there: nothing to take back\n", catalog->schema->name);
    return true;
}

bool migrate_down(PGconn *connection, const struct schema *schema, bool force, FILE *out,
                  struct error *error) {
    struct catalog catalog;
    if (!catalog_load(&catalog, schema, embedded_files, error) || !lock(connection, error)) {
        return false;
    }
    bool done = bring_down(connection, &catalog, force, out, error);
    unlock(connection);
    return done;
}

bool migrate_check(const struct history *history, const struct schema *schema, struct error *error) {
    struct catalog catalog;
    return catalog_load(&catalog, schema, embedded_files, error) && history_check(history, &catalog, error);
}

bool migrate_require(PGconn *connection, const struct schema *schema, struct error *error) {
    struct history history;
    return read_history(connection, schema, &history, error) && migrate_check(&history, schema, error);
}

static bool is_newer(const struct history *history, const struct catalog *catalog) {
    int newest = 0;
    for (int index = 0; index < history->count; index++) {
        newest = history->rows[index].version > newest ? history->rows[index].version : newest;
    }
    return newest > catalog_newest(catalog);
}

static enum schema_state state_of(const struct history *history, const struct catalog *catalog,
                                  struct error *why) {
    const struct schema *schema = catalog->schema;
    if (history->count > 0 && !history_check_known(history, catalog, why)) {
        return is_newer(history, catalog) ? SCHEMA_NEWER : SCHEMA_OTHER;
    }
    if (!history_sql_is_current(history, catalog)) {
        error_set(why, ERROR_SCHEMA, "the functions and views of schema %s are not this program's",
                  schema->name);
    }
    for (int version = 1; version <= catalog_newest(catalog); version++) {
        if (history_find(history, version) == NULL) {
            history_check(history, catalog, why);
            return history->count == 0 ? SCHEMA_MISSING : SCHEMA_OLDER;
        }
    }
    return history_sql_is_current(history, catalog) ? SCHEMA_CURRENT : SCHEMA_OLD_FUNCTIONS;
}

bool migrate_look(PGconn *connection, const struct schema *schema, enum schema_state *ret, struct error *why,
                  struct error *error) {
    struct catalog catalog;
    struct history history;
    bool known = catalog_load(&catalog, schema, embedded_files, error) &&
                 read_history(connection, schema, &history, error);
    if (known) {
        *ret = state_of(&history, &catalog, why);
    }
    return known;
}

static void print_status(const struct history *history, const struct catalog *catalog, FILE *out) {
    for (int version = 1; version <= catalog_newest(catalog); version++) {
        const struct applied *applied = history_find(history, version);
        (void)fprintf(out, "%-40s %s%s\n", catalog->migrations[version - 1].up->name,
                      applied == NULL ? "pending" : "applied ", applied == NULL ? "" : applied->detail);
    }
    const struct applied *sql = history_find(history, 0);
    (void)fprintf(out, "%-40s %s%s%s\n", catalog->schema->sql_folder, sql == NULL ? "pending" : "applied ",
                  sql == NULL ? "" : sql->detail,
                  sql == NULL || history_sql_is_current(history, catalog) ? "" : ", but not this program's");
}

bool migrate_status(PGconn *connection, const struct schema *schema, FILE *out, struct error *error) {
    struct catalog catalog;
    struct history history;
    if (!catalog_load(&catalog, schema, embedded_files, error) ||
        !read_history(connection, schema, &history, error)) {
        return false;
    }
    print_status(&history, &catalog, out);
    return history_check(&history, &catalog, error);
}
