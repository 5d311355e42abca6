// SPDX-License-Identifier: Apache-2.0
// Tests of base/utf8.h: the borders of each length, and RFC 3629's forbidden forms.
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

static const struct {
    const char *bytes;
    size_t length; // expected; 0 for what is not UTF-8
    uint32_t character;
} cases[] = {
    {"a", 1, 'a'},
    {"\x7f", 1, 0x7F},
    {"\xc2\x80", 2, 0x80},
    {"\xdf\xbf", 2, 0x7FF},
    {"\xe0\xa0\x80", 3, 0x800},
    {"\xed\x9f\xbf", 3, 0xD7FF},
    {"\xee\x80\x80", 3, 0xE000},
    {"\xef\xbf\xbf", 3, 0xFFFF},
    {"\xf0\x90\x80\x80", 4, 0x10000},
    {"\xf4\x8f\xbf\xbf", 4, 0x10FFFF},
    {"\x80", 0, 0}, // a continuation byte alone
    {"\xbf\x80", 0, 0},
    {"\xc3", 0, 0}, // cut
    {"\xe2\x82", 0, 0},
    {"\xf0\x9f\x98", 0, 0},
    {"\xc3(", 0, 0}, // no continuation
    {"\xe2\x82(", 0, 0},
    {"\xc0\xaf", 0, 0}, // overlong
    {"\xc1\xbf", 0, 0},
    {"\xe0\x9f\xbf", 0, 0},
    {"\xf0\x8f\xbf\xbf", 0, 0},
    {"\xed\xa0\x80", 0, 0}, // surrogates
    {"\xed\xbf\xbf", 0, 0},
    {"\xf4\x90\x80\x80", 0, 0}, // above U+10FFFF
    {"\xf8\x88\x80\x80\x80", 0, 0},
    {"\xff", 0, 0},
};

static void characters_are_read_as_rfc_3629_says(void **state) {
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        uint32_t character = 0;
        size_t length = utf8_decode(cases[index].bytes, strlen(cases[index].bytes), &character);
        assert_int_equal(length, cases[index].length);
        assert_int_equal(character, cases[index].character);
    }
}

static void what_lies_behind_the_end_is_not_read(void **state) {
    (void)state;
    uint32_t character = 0;
    assert_int_equal(utf8_decode("", 0, &character), 0);
    assert_int_equal(utf8_decode("\xc3\xa4", 1, &character), 0);
    assert_int_equal(utf8_decode("\0", 1, &character), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_read_as_rfc_3629_says),
        cmocka_unit_test(what_lies_behind_the_end_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
