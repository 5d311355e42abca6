// SPDX-License-Identifier: Apache-2.0
// Command lines as Python's shlex.split takes them apart.
#include "process/words.h"

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

static void splits_as_shlex_does(void **state) {
    static const struct {
        const char *text;
        const char *words[6];
    } cases[] = {
        {"one", {"one"}},
        {"  one\ttwo \r\n three ", {"one", "two", "three"}},
        {"/opt/tool --name 'a b' \"c d\"", {"/opt/tool", "--name", "a b", "c d"}},
        {"a\\ b \\\"c\\\" \\\\", {"a b", "\"c\"", "\\"}},
        {"\"a\\\"b\" \"c\\\\d\" \"e\\f\" \"\\$x\"", {"a\"b", "c\\d", "e\\f", "\\$x"}},
        {"'a\\' 'b\"c' x'y'\"z\"", {"a\\", "b\"c", "xyz"}},
        {"'' \"\" a''b", {"", "", "ab"}},
        {"a#b # c", {"a#b", "#", "c"}},
        {"$HOME ~ * `x` | ;", {"$HOME", "~", "*", "`x`", "|", ";"}},
        {"\"a\nb\"", {"a\nb"}},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        char **words = words_split(cases[index].text, NULL);
        assert_non_null(words);
        for (int place = 0; place < 6 && cases[index].words[place] != NULL; place++) {
            assert_non_null(words[place]);
            assert_string_equal(words[place], cases[index].words[place]);
            assert_true(place == 5 || cases[index].words[place + 1] != NULL || words[place + 1] == NULL);
        }
        free(words);
    }
}

static void many_short_words_fit(void **state) {
    char text[2001];
    int count = 0;

    (void)state;
    for (size_t index = 0; index < sizeof text - 1; index++) {
        text[index] = index % 2 == 0 ? 'a' : ' ';
    }
    text[sizeof text - 1] = '\0';
    char **words = words_split(text, NULL);
    while (words[count] != NULL) {
        assert_string_equal(words[count++], "a");
    }
    assert_int_equal(count, 1000);
    free(words);
}

static void refuses_what_has_no_end(void **state) {
    static const struct {
        const char *text, *reason;
    } cases[] = {{"", "it is empty"},        {" \t\n", "it is empty"},       {"a 'b", "is not closed"},
                 {"a \"b", "is not closed"}, {"a \"b\\\"", "is not closed"}, {"a\\", "escapes nothing"}};

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct error error = {0};
        assert_null(words_split(cases[index].text, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, cases[index].reason));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_as_shlex_does),
        cmocka_unit_test(many_short_words_fit),
        cmocka_unit_test(refuses_what_has_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
