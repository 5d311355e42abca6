// SPDX-License-Identifier: Apache-2.0
// Tests of migrate/catalog.h.
#include "migrate/catalog.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define END                                                                                                  \
    { NULL, NULL }

static const struct embedded_file complete[] = {
    {"migrations/0001_outbox.down.sql", "DROP"},
    {"migrations/0001_outbox.up.sql", "abc"},
    {"migrations/0002_more.up.sql", ""},
    {"sql/one.sql", "1"},
    {"sql/two.sql", "2"},
    END,
};

static const struct embedded_file both[] = {
    {"migrations/0001_outbox.up.sql", "a"},
    {"migrations/inbox/0001_inbox.down.sql", "b"},
    {"migrations/inbox/0001_inbox.up.sql", "abc"},
    {"sql/inbox/one.sql", "1"},
    {"sql/two.sql", "2"},
    END,
};

static void migrations_are_found_with_their_checksums(void **state) {
    (void)state;
    struct catalog catalog;
    struct error error;
    assert_true(catalog_load(&catalog, &schema_outbox, complete, &error));
    assert_int_equal(catalog_newest(&catalog), 2);
    assert_int_equal(catalog.migrations[0].version, 1);
    assert_ptr_equal(catalog.migrations[0].up, &complete[1]);
    assert_ptr_equal(catalog.migrations[0].down, &complete[0]);
    assert_null(catalog.migrations[1].down);
    // FIPS 180-4: SHA-256 of "abc" and of nothing.
    assert_string_equal(catalog.migrations[0].checksum,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(catalog.migrations[1].checksum,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(strlen(catalog.sql_checksum), 64);
}

static void each_schema_has_its_own_files(void **state) {
    (void)state;
    struct catalog outbox;
    struct catalog inbox;
    struct error error;
    assert_true(catalog_load(&outbox, &schema_outbox, both, &error));
    assert_int_equal(outbox.count, 1);
    assert_ptr_equal(outbox.migrations[0].up, &both[0]);
    assert_null(outbox.migrations[0].down);
    assert_true(catalog_is_sql(&outbox, &both[4]) && !catalog_is_sql(&outbox, &both[3]));

    assert_true(catalog_load(&inbox, &schema_inbox, both, &error));
    assert_int_equal(inbox.count, 1);
    assert_ptr_equal(inbox.migrations[0].up, &both[2]);
    assert_ptr_equal(inbox.migrations[0].down, &both[1]);
    assert_true(catalog_is_sql(&inbox, &both[3]) && !catalog_is_sql(&inbox, &both[4]));
}

static void sql_files_of_another_schema_do_not_change_the_checksum(void **state) {
    (void)state;
    static const struct embedded_file alone[] = {{"sql/two.sql", "2"}, END};
    struct catalog one;
    struct catalog other;
    struct error error;
    assert_true(catalog_load(&one, &schema_outbox, alone, &error));
    assert_true(catalog_load(&other, &schema_outbox, both, &error));
    assert_string_equal(one.sql_checksum, other.sql_checksum);
    assert_true(catalog_load(&other, &schema_inbox, both, &error));
    assert_string_not_equal(one.sql_checksum, other.sql_checksum);
}

static void any_change_of_the_sql_files_changes_their_checksum(void **state) {
    (void)state;
    static const struct embedded_file changed[][3] = {
        {{"sql/one.sql", "1"}, {"sql/two.sql", "3"}, END},
        {{"sql/one.sql", "1"}, {"sql/three.sql", "2"}, END},
        {{"sql/one.sql", "12"}, {"sql/two.sql", ""}, END},
        {{"sql/one.sql", "1"}, END, END},
    };
    struct catalog before;
    struct catalog after;
    struct error error;
    assert_true(catalog_load(&before, &schema_outbox, complete, &error));
    assert_true(catalog_load(&after, &schema_outbox, complete + 3, &error));
    assert_string_equal(before.sql_checksum, after.sql_checksum); // the migrations do not matter
    for (size_t index = 0; index < 4; index++) {
        assert_true(catalog_load(&after, &schema_outbox, changed[index], &error));
        assert_string_not_equal(before.sql_checksum, after.sql_checksum);
    }
}

static void files_that_are_no_migrations_are_refused(void **state) {
    (void)state;
    static const struct embedded_file wrong[][3] = {
        {{"migrations/0002_x.up.sql", ""}, END, END},                                  // a gap
        {{"migrations/0000_x.up.sql", ""}, END, END},                                  // no version
        {{"migrations/001_x.up.sql", ""}, END, END},                                   // too short
        {{"migrations/0001x.up.sql", ""}, END, END},                                   // no underscore
        {{"migrations/0001_x.sql", ""}, END, END},                                     // neither up nor down
        {{"other/0001_x.up.sql", ""}, END, END},                                       // another folder
        {{"migrations/0001_a.up.sql", ""}, {"migrations/0001_b.up.sql", ""}, END},     // twice
        {{"migrations/0001_a.down.sql", ""}, {"migrations/0001_b.down.sql", ""}, END}, // twice
        {{"migrations/0001_a.down.sql", ""}, END, END},                                // nothing to take back
        {{"migrations/0001_a.down.sql", ""}, {"migrations/0002_b.up.sql", ""}, END},   // the same
    };
    for (size_t index = 0; index < sizeof wrong / sizeof wrong[0]; index++) {
        struct catalog catalog;
        struct error error = {.code = ERROR_NONE};
        assert_false(catalog_load(&catalog, &schema_outbox, wrong[index], &error));
        assert_int_equal(error.code, ERROR_INTERNAL);
        assert_non_null(strstr(error.text, "0"));
        assert_non_null(strstr(error.text, ".sql"));
    }
}

static void so_are_those_of_schema_inbox(void **state) {
    (void)state;
    static const struct embedded_file wrong[][2] = {
        {{"migrations/inbox/0002_x.up.sql", ""}, END},     // a gap
        {{"migrations/inbox/inbox.up.sql", ""}, END},      // no version
        {{"migrations/inbox/0001_x.down.sql", ""}, END},   // nothing to take back
        {{"migrations/inbox/old/0001_x.up.sql", ""}, END}, // too deep
        {{"migrations/postbox/0001_x.up.sql", ""}, END},   // of no schema
        {{"sql/inbox/0001/x.sql", ""}, END},               // of no schema either
    };
    for (size_t index = 0; index < sizeof wrong / sizeof wrong[0]; index++) {
        struct catalog catalog;
        struct error error = {.code = ERROR_NONE};
        assert_false(catalog_load(&catalog, &schema_inbox, wrong[index], &error));
        assert_int_equal(error.code, ERROR_INTERNAL);
        assert_non_null(strstr(error.text, wrong[index][0].name));
    }
}

static void the_files_of_this_program_make_catalogs(void **state) {
    (void)state;
    static const struct schema *const schemas[] = {&schema_outbox, &schema_inbox};
    for (size_t index = 0; index < 2; index++) {
        struct catalog catalog;
        struct error error;
        assert_true(catalog_load(&catalog, schemas[index], embedded_files, &error));
        assert_true(catalog.count >= 1);
        for (int version = 1; version <= catalog.count; version++) {
            assert_non_null(catalog.migrations[version - 1].down);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migrations_are_found_with_their_checksums),
        cmocka_unit_test(each_schema_has_its_own_files),
        cmocka_unit_test(sql_files_of_another_schema_do_not_change_the_checksum),
        cmocka_unit_test(any_change_of_the_sql_files_changes_their_checksum),
        cmocka_unit_test(files_that_are_no_migrations_are_refused),
        cmocka_unit_test(so_are_those_of_schema_inbox),
        cmocka_unit_test(the_files_of_this_program_make_catalogs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
