// SPDX-License-Identifier: Apache-2.0
// Tests of postgres/prepared.h.
#include "postgres/prepared.h"

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

static void a_text_is_new_once(void **state) {
    (void)state;
    bool is_new;
    struct prepared *prepared = prepared_new();
    char text[] = "SELECT 1";
    const char *one = prepared_find(prepared, text, &is_new);
    assert_non_null(one);
    assert_true(is_new);
    text[7] = '2'; // the text was copied
    const char *other = prepared_find(prepared, text, &is_new);
    assert_true(is_new);
    assert_string_not_equal(one, other);
    assert_ptr_equal(prepared_find(prepared, "SELECT 1", &is_new), one);
    assert_false(is_new);
    assert_ptr_equal(prepared_find(prepared, "SELECT 2", &is_new), other);
    assert_false(is_new);
    prepared_free(prepared);
}

static void the_server_is_not_filled_with_statements(void **state) {
    (void)state;
    bool is_new = true;
    char sql[32];
    int count = 0;
    struct prepared *prepared = prepared_new();
    for (; count < 1000 && is_new; count++) {
        snprintf(sql, sizeof sql, "SELECT %d", count);
        const char *name = prepared_find(prepared, sql, &is_new);
        assert_int_equal(name != NULL, is_new);
    }
    assert_int_equal(count, 33);
    assert_non_null(prepared_find(prepared, "SELECT 31", &is_new));
    assert_false(is_new);
    prepared_free(prepared);
    prepared_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_new_once),
        cmocka_unit_test(the_server_is_not_filled_with_statements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
