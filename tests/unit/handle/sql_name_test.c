// SPDX-License-Identifier: Apache-2.0
// Names of functions as users write them, in handle/sql_name.h.
#include "handle/sql_name.h"

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

static void names_are_read(void **state) {
    static const struct {
        const char *text, *schema, *function, *quoted;
    } cases[] = {
        {"shop.reserve_stock", "shop", "reserve_stock", "\"shop\".\"reserve_stock\""},
        {"_a1$._b", "_a1$", "_b", "\"_a1$\".\"_b\""},
        {"\"shop\".reserve", "shop", "reserve", "\"shop\".\"reserve\""},
        {"\"My Shop\".\"Reserve.Stock\"", "My Shop", "Reserve.Stock", "\"My Shop\".\"Reserve.Stock\""},
        {"\"a\"\"b\".\"\"\"\"", "a\"b", "\"", "\"a\"\"b\".\"\"\"\""},
        {"select.\"größe\"", "select", "größe", "\"select\".\"größe\""},
    };
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct sql_name name;
        assert_true(sql_name_parse(&name, cases[index].text, NULL));
        assert_string_equal(name.schema, cases[index].schema);
        assert_string_equal(name.function, cases[index].function);
        assert_string_equal(name.quoted, cases[index].quoted);
    }
}

static void what_is_wrong_is_said(void **state) {
    static const struct {
        const char *text, *rule;
    } cases[] = {
        {"", "lower case"},
        {"reserve", "the schema is missing"},
        {".reserve", "lower case"},
        {"shop.", "lower case"},
        {"Shop.reserve", "lower case"},
        {"shop.reserveStock", "lower case"},
        {"shop.Reserve", "lower case"},
        {"1shop.reserve", "lower case"},
        {"größe.reserve", "lower case"},
        {"shop.reserve()", "nothing may be behind the function"},
        {"shop.reserve(jsonb)", "nothing may be behind the function"},
        {"a.b.c", "nothing may be behind the function"},
        {"shop. reserve", "lower case"},
        {"shop .reserve", "with a dot between them"},
        {"\"\".reserve", "must not be empty"},
        {"shop.\"\"", "must not be empty"},
        {"\"shop.reserve", "a quote is not closed"},
        {"shop.\"reserve\"\"", "a quote is not closed"},
        {"shop.reserve; drop table stock", "nothing may be behind the function"},
    };
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct sql_name name;
        struct error error = {0};
        assert_false(sql_name_parse(&name, cases[index].text, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, cases[index].rule));
        assert_non_null(strstr(error.text, cases[index].text));
        assert_non_null(strstr(error.text, "as in shop.reserve_stock"));
    }
}

static void names_have_63_bytes_at_most(void **state) {
    char text[200];
    struct sql_name name;
    struct error error = {0};
    (void)state;
    snprintf(text, sizeof text, "%063d.%063d", 0, 0);
    text[0] = text[64] = 'a';
    assert_true(sql_name_parse(&name, text, NULL));
    assert_int_equal(strlen(name.function), 63);
    snprintf(text, sizeof text, "%063d.%064d", 0, 0);
    text[0] = text[64] = 'a';
    assert_false(sql_name_parse(&name, text, &error));
    assert_non_null(strstr(error.text, "63 bytes"));
}

static void quotes_that_are_doubled_fit(void **state) {
    char text[300] = "";
    char *out = text;
    struct sql_name name;
    (void)state;
    for (int part = 0; part < 2; part++) {
        *out++ = '"';
        memset(out, '"', 126);
        out += 126;
        *out++ = '"';
        *out++ = part == 0 ? '.' : '\0';
    }
    assert_true(sql_name_parse(&name, text, NULL));
    assert_string_equal(name.quoted, text);
    assert_int_equal(strlen(name.quoted) + 1, SQL_QUOTED_SIZE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(names_have_63_bytes_at_most),
        cmocka_unit_test(quotes_that_are_doubled_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
