// SPDX-License-Identifier: Apache-2.0
// What comes from a database moves no cursor, and fits.
#include "status/text.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define GONE "\xEF\xBF\xBD"
#define DOTS "\xE2\x80\xA6"

static void assert_shown(const char *text, size_t columns, const char *expected) {
    struct buffer out;
    buffer_init(&out, 4096);
    size_t used = text_append(&out, text, columns);
    assert_string_equal(buffer_text(&out), expected);
    assert_int_equal(used, text_columns(expected));
    assert_true(used <= columns);
    buffer_free(&out);
}

static void plain_texts_stay_as_they_are(void **state) {
    (void)state;
    assert_shown("", 5, "");
    assert_shown("order.created", 13, "order.created");
    assert_shown("Gr\xC3\xB6\xC3\x9F"
                 "e",
                 6,
                 "Gr\xC3\xB6\xC3\x9F"
                 "e");
    assert_int_equal(text_columns("\xE6\xB3\xA8\xE6\x96\x87"), 4); // two wide characters
}

static void escape_sequences_are_harmless(void **state) {
    (void)state;
    assert_shown("\033[2Jgone", 20, GONE "[2Jgone");
    assert_shown("a\nb\rc\td\be\x7F", 20, "a" GONE "b" GONE "c" GONE "d" GONE "e" GONE);
    assert_shown("\xC2\x9B"
                 "31m",
                 20, GONE "31m"); // CSI as one character
    assert_shown("\xE2\x80\xAE"
                 "abc",
                 20, GONE "abc");           // right-to-left override
    assert_shown("\xE2\x80\xA8", 20, GONE); // line separator
    assert_shown("a\xE2\x80\x8B"
                 "b",
                 20, "a" GONE "b");          // zero width
    assert_shown("\xFF\xC3", 20, GONE GONE); // no UTF-8
}

static void long_texts_are_cut(void **state) {
    (void)state;
    assert_shown("order.created", 12, "order.creat" DOTS);
    assert_shown("order.created", 1, DOTS);
    assert_shown("\xE6\xB3\xA8\xE6\x96\x87\xE6\xB3\xA8", 4, "\xE6\xB3\xA8" DOTS);
    assert_shown("\033\033\033\033", 3, GONE GONE DOTS);
}

static void assert_count(double count, bool exact, const char *expected) {
    struct buffer out;
    buffer_init(&out, 4096);
    text_append_count(&out, count, exact);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void counts_have_commas(void **state) {
    (void)state;
    assert_count(0, true, "0");
    assert_count(999, true, "999");
    assert_count(1000, true, "1,000");
    assert_count(12345678, false, "about 12,345,678");
    assert_count(123456, true, "123,456");
    assert_count(-1, true, "0");
    assert_count(1e300, true, "0");
}

static void assert_age(double seconds, const char *expected) {
    struct buffer out;
    buffer_init(&out, 4096);
    text_append_age(&out, seconds);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void ages_have_two_units(void **state) {
    (void)state;
    assert_age(0, "0ms");
    assert_age(-5, "0ms");
    assert_age(0.8504, "850ms");
    assert_age(12.9, "12s");
    assert_age(60, "1m");
    assert_age(200, "3m 20s");
    assert_age(7500, "2h 5m");
    assert_age(7230, "2h");
    assert_age(356400, "4d 3h");
    assert_age(1e300, "11574074d 1h");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_texts_stay_as_they_are), cmocka_unit_test(escape_sequences_are_harmless),
        cmocka_unit_test(long_texts_are_cut),           cmocka_unit_test(counts_have_commas),
        cmocka_unit_test(ages_have_two_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
