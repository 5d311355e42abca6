// SPDX-License-Identifier: Apache-2.0
// What a handler says, made fit for a log.
#include "handle/line.h"

#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void takes_the_first_line(void **state) {
    static const struct {
        struct slice text;
        const char *line;
    } cases[] = {
        {{NULL, 0}, ""},
        {{" \r\n\t", 4}, ""},
        {{"one", 3}, "one"},
        {{"\n\n  one \r\ntwo\n", 14}, "one"},
        {{"a\tb\x1b[31m\x7f!", 10}, "a b [31m !"},
        {{"gr\xc3\xb6\xff\x80", 6}, "gr????"},
        {{"a\0b", 3}, "a b"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        char line[LINE_SIZE];
        line_first(cases[index].text, line);
        assert_string_equal(line, cases[index].line);
    }
}

// A sanitizer sees what is read or written behind the ends.
static void cuts_a_long_line(void **state) {
    enum { LONG = 1000 };
    char *text = malloc(LONG);
    char line[LINE_SIZE];

    (void)state;
    memset(text, 'x', LONG);
    line_first((struct slice){text, LONG}, line);
    assert_int_equal(strlen(line), LINE_SIZE - 1);
    line_first((struct slice){text + LONG - 5, 5}, line);
    assert_string_equal(line, "xxxxx");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_first_line),
        cmocka_unit_test(cuts_a_long_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
