// SPDX-License-Identifier: Apache-2.0
// Tests of migrate/history.h: results as libpq would deliver them, and the verdict on them.
#include "base/log.h"
#include "migrate/history.h"

#include <stdio.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { COLUMNS = 4 };

static const struct embedded_file files[] = {
    {"migrations/0001_outbox.up.sql", "one"},
    {"migrations/0002_more.up.sql", "two"},
    {"sql/a.sql", "a"},
    {NULL, NULL},
};

static struct catalog catalog;

static int load(void **state) {
    (void)state;
    struct error error;
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return catalog_load(&catalog, &schema_outbox, files, &error) ? 0 : -1;
}

static PGresult *empty_result(void) {
    static char name[] = "column";
    PGresAttDesc columns[COLUMNS];
    memset(columns, 0, sizeof columns);
    for (int index = 0; index < COLUMNS; index++) {
        columns[index].name = name;
    }
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    assert_true(PQsetResultAttrs(result, COLUMNS, columns));
    return result;
}

// Adds a row to a history the way its user does: out of a result.
static void add(struct history *history, const char *version, const char *name, const char *checksum) {
    const char *values[COLUMNS] = {version, name, checksum, "2026-01-31 by somebody"};
    PGresult *result = empty_result();
    for (int column = 0; column < COLUMNS; column++) {
        char value[256];
        (void)snprintf(value, sizeof value, "%s", values[column]);
        assert_true(PQsetvalue(result, 0, column, value, (int)strlen(value)));
    }
    history_add(history, result, 0);
    PQclear(result);
}

static void add_known(struct history *history, int version) {
    const struct migration *migration = &catalog.migrations[version - 1];
    add(history, version == 1 ? "1" : "2", migration->up->name, migration->checksum);
}

static void assert_refused(const struct history *history, const char *text) {
    struct error error = {.code = ERROR_NONE};
    assert_false(history_check(history, &catalog, &error));
    assert_int_equal(error.code, ERROR_SCHEMA);
    assert_string_equal(error.text, text);
}

static void a_row_is_copied(void **state) {
    (void)state;
    struct history history = {.count = 0};
    add(&history, "7", "name", "checksum");
    const struct applied *applied = history_find(&history, 7);
    assert_non_null(applied);
    assert_string_equal(applied->name, "name");
    assert_string_equal(applied->checksum, "checksum");
    assert_string_equal(applied->detail, "2026-01-31 by somebody");
    assert_null(history_find(&history, 1));
}

static void a_database_that_has_everything_is_accepted(void **state) {
    (void)state;
    struct history history = {.count = 0};
    struct error error = {.code = ERROR_NONE};
    add(&history, "0", "sql", catalog.sql_checksum);
    add_known(&history, 1);
    add_known(&history, 2);
    assert_true(history_check(&history, &catalog, &error));
    assert_true(history_sql_is_current(&history, &catalog));
}

static void other_sql_files_are_no_failure(void **state) {
    (void)state;
    struct history history = {.count = 0};
    struct error error = {.code = ERROR_NONE};
    add_known(&history, 1);
    add_known(&history, 2);
    assert_true(history_check(&history, &catalog, &error));
    assert_false(history_sql_is_current(&history, &catalog));
    add(&history, "0", "sql", "other");
    assert_true(history_check(&history, &catalog, &error));
    assert_false(history_sql_is_current(&history, &catalog));
}

static void a_missing_schema_is_told(void **state) {
    (void)state;
    struct history history = {.count = 0};
    struct error error;
    assert_refused(&history, "schema outbox is missing in this database; run \"outbox-relay migrate up\"");
    assert_true(history_check_known(&history, &catalog, &error));
}

static void an_older_schema_is_told(void **state) {
    (void)state;
    struct history history = {.count = 0};
    struct error error;
    add_known(&history, 1);
    assert_refused(&history,
                   "schema outbox is older than this program: migrations/0002_more.up.sql is not applied; "
                   "run \"outbox-relay migrate up\"");
    assert_true(history_check_known(&history, &catalog, &error));
}

static void a_newer_schema_is_told(void **state) {
    (void)state;
    struct history history = {.count = 0};
    add_known(&history, 1);
    add_known(&history, 2);
    add(&history, "3", "migrations/0003_new.up.sql", "x");
    assert_refused(
        &history,
        "schema outbox is newer than this program: it has migration 3 (migrations/0003_new.up.sql), "
        "the program knows 2; upgrade outbox-relay");
}

static void versions_that_are_no_numbers_are_unknown(void **state) {
    (void)state;
    static const char *const versions[] = {"", "x", "1x", "-1", "99999999999999999999"};
    for (size_t index = 0; index < sizeof versions / sizeof versions[0]; index++) {
        struct history history = {.count = 0};
        struct error error = {.code = ERROR_NONE};
        add(&history, versions[index], "name", "checksum");
        assert_int_equal(history.rows[0].version, -1);
        assert_false(history_check_known(&history, &catalog, &error));
        assert_int_equal(error.code, ERROR_SCHEMA);
    }
}

static void a_changed_file_is_told(void **state) {
    (void)state;
    struct history history = {.count = 0};
    add(&history, "1", "migrations/0001_outbox.up.sql", "0123456789abcdef");
    char expected[ERROR_TEXT_SIZE];
    (void)snprintf(
        expected, sizeof expected,
        "migrations/0001_outbox.up.sql is not the file that was applied to this database (checksum %.12s, "
        "applied: 0123456789ab); use the program that applied it, or one of the same release",
        catalog.migrations[0].checksum);
    assert_refused(&history, expected);
}

static void too_many_rows_are_refused(void **state) {
    (void)state;
    static struct history history;
    for (int count = 0; count < HISTORY_MAX; count++) {
        add(&history, "0", "sql", "x");
    }
    assert_false(history.overflow);
    add(&history, "0", "sql", "x");
    assert_true(history.overflow);
    assert_int_equal(history.count, HISTORY_MAX);
    assert_refused(&history, "table outbox.migration has more than 160 rows; remove the foreign ones");
}

static void an_error_about_the_inbox_says_so(void **state) {
    (void)state;
    static const struct embedded_file inbox_files[] = {
        {"migrations/inbox/0001_inbox.up.sql", "one"},
        {"migrations/inbox/0002_more.up.sql", "two"},
        {NULL, NULL},
    };
    struct catalog inbox;
    struct history history = {.count = 0};
    struct error error = {.code = ERROR_NONE};
    assert_true(catalog_load(&inbox, &schema_inbox, inbox_files, &error));
    assert_false(history_check(&history, &inbox, &error));
    assert_string_equal(error.text,
                        "schema inbox is missing in this database; run \"outbox-relay migrate up --inbox\"");
    add(&history, "1", inbox.migrations[0].up->name, inbox.migrations[0].checksum);
    assert_false(history_check(&history, &inbox, &error));
    assert_string_equal(error.text,
                        "schema inbox is older than this program: migrations/inbox/0002_more.up.sql is not "
                        "applied; run \"outbox-relay migrate up --inbox\"");
    add(&history, "3", "migrations/inbox/0003_new.up.sql", "x");
    assert_false(history_check(&history, &inbox, &error));
    assert_non_null(strstr(error.text, "schema inbox is newer than this program"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_copied),
        cmocka_unit_test(a_database_that_has_everything_is_accepted),
        cmocka_unit_test(other_sql_files_are_no_failure),
        cmocka_unit_test(a_missing_schema_is_told),
        cmocka_unit_test(an_older_schema_is_told),
        cmocka_unit_test(a_newer_schema_is_told),
        cmocka_unit_test(versions_that_are_no_numbers_are_unknown),
        cmocka_unit_test(a_changed_file_is_told),
        cmocka_unit_test(too_many_rows_are_refused),
        cmocka_unit_test(an_error_about_the_inbox_says_so),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
