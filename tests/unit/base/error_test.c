// SPDX-License-Identifier: Apache-2.0
// Tests of base/error.h.
#include "base/error.h"
#include "base/utf8.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void setting_an_error_returns_false(void **state) {
    (void)state;
    struct error error = {.code = ERROR_NONE};
    assert_false(error_set(&error, ERROR_USAGE, "%s is %d", "x", 3));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_string_equal(error.text, "x is 3");
    assert_false(error_set(NULL, ERROR_USAGE, "nobody listens"));
    assert_false(error_prefix(NULL, "nobody listens"));
}

static void a_prefix_goes_in_front(void **state) {
    (void)state;
    struct error error;
    error_set(&error, ERROR_DATABASE, "refused");
    assert_false(error_prefix(&error, "event %d", 7));
    assert_string_equal(error.text, "event 7: refused");
    assert_int_equal(error.code, ERROR_DATABASE);
}

static void the_sqlstate_is_that_of_this_error(void **state) {
    (void)state;
    struct error error = {.sqlstate = "42501"};
    error_prefix(&error, "publishing");
    assert_string_equal(error.sqlstate, "42501");
    error_set(&error, ERROR_DATABASE, "refused");
    assert_string_equal(error.sqlstate, "");
}

static void a_text_becomes_one_line(void **state) {
    (void)state;
    struct error error;
    error_set(&error, ERROR_DATABASE, "%s", "a\nb\r\n\tc\x1b[31md\x7f\n\n");
    assert_string_equal(error.text, "a b c [31md");
    error_set(&error, ERROR_DATABASE, "%s", "\n");
    assert_string_equal(error.text, "");
}

static void the_old_text_may_be_an_argument(void **state) {
    (void)state;
    struct error error;
    error_set(&error, ERROR_DATABASE, "inner");
    error_set(&error, ERROR_SCHEMA, "outer (%s)", error.text);
    assert_string_equal(error.text, "outer (inner)");
}

static void assert_valid_utf8(const char *text) {
    size_t left = strlen(text);
    while (left > 0) {
        uint32_t character = 0;
        size_t length = utf8_decode(text, left, &character);
        assert_true(length > 0);
        text += length;
        left -= length;
    }
}

static void long_texts_are_cut_between_characters(void **state) {
    (void)state;
    static const char *const characters[] = {"x", "\u00e4", "\u20ac", "\U0001F600"};
    for (size_t index = 0; index < 4; index++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char text[3000] = "";
            memset(text, '.', shift);
            size_t size = strlen(characters[index]);
            for (size_t place = shift; place + size < sizeof text; place += size) {
                memcpy(text + place, characters[index], size);
            }
            struct error error;
            error_set(&error, ERROR_USAGE, "%s", text);
            assert_true(strlen(error.text) > ERROR_TEXT_SIZE - 5);
            assert_valid_utf8(error.text);
            error_prefix(&error, "p%s", text);
            assert_true(strlen(error.text) > ERROR_TEXT_SIZE - 5);
            assert_valid_utf8(error.text);
        }
    }
}

static void every_code_has_a_meaning_and_nothing_else_has(void **state) {
    (void)state;
    for (int code = ERROR_NONE; code <= ERROR_FINDINGS; code++) {
        assert_non_null(error_code_meaning(code));
    }
    assert_null(error_code_meaning(ERROR_FINDINGS + 1));
    assert_null(error_code_meaning(-1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_an_error_returns_false),
        cmocka_unit_test(a_prefix_goes_in_front),
        cmocka_unit_test(the_sqlstate_is_that_of_this_error),
        cmocka_unit_test(a_text_becomes_one_line),
        cmocka_unit_test(the_old_text_may_be_an_argument),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(every_code_has_a_meaning_and_nothing_else_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
