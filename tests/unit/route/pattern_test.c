// SPDX-License-Identifier: Apache-2.0
// Patterns: syntax, matching (also against a naive matcher over every small case), specificity.
#include "route/pattern.h"

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

static void accepts_words_and_wildcards(void **state) {
    (void)state;
    static const char *const patterns[] = {"order",   "order.created", "*",          "**",
                                           "order.*", "**.created",    "a.**.b.*.c", "order-2.item_added.7",
                                           "**.**"};

    for (size_t index = 0; index < sizeof patterns / sizeof patterns[0]; index++) {
        struct error error = {0};
        assert_true(pattern_valid(patterns[index], &error));
    }
}

static void refuses_everything_else(void **state) {
    (void)state;
    static const char *const patterns[] = {
        "",     ".",       "order.",  ".order", "order..created", "Order.created",
        "or*r", "order*",  "***",     "*.***",  "order. created", "order.created\n",
        "#",    "order/x", "\xc3\xa9"};

    for (size_t index = 0; index < sizeof patterns / sizeof patterns[0]; index++) {
        char quoted[64];
        struct error error = {0};
        snprintf(quoted, sizeof quoted, "\"%.*s", (int)strcspn(patterns[index], "\n"), patterns[index]);
        assert_false(pattern_valid(patterns[index], &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, quoted));
    }
}

static void a_pattern_has_at_most_256_bytes(void **state) {
    (void)state;
    char pattern[PATTERN_MAX + 2];
    struct error error;

    memset(pattern, 'x', sizeof pattern);
    pattern[PATTERN_MAX + 1] = '\0';
    assert_false(pattern_valid(pattern, &error));
    pattern[PATTERN_MAX] = '\0';
    assert_true(pattern_valid(pattern, &error));
}

static void matches_by_words(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *type;
        bool expected;
    } cases[] = {
        {"order.created", "order.created", true},
        {"order.created", "order.create", false},
        {"order.created", "order.created2", false},
        {"order.created", "order", false},
        {"order", "order.created", false},
        {"*", "order", true},
        {"*", "order.created", false},
        {"order.*", "order.created", true},
        {"order.*", "order", false},
        {"order.*", "order.item.added", false},
        {"*.created", "user.created", true},
        {"order.**", "order", true},
        {"order.**", "order.item.added", true},
        {"order.**", "orders.item", false},
        {"**", "order.item.added", true},
        {"**.added", "added", true},
        {"**.added", "order.item.added", true},
        {"**.added", "order.added.item", false},
        {"**.item.**", "order.item", true},
        {"**.item.**", "order.items", false},
        {"a.**.b.**.c", "a.b.b.c.b.c", true},
        {"a.**.b.**.c", "a.c.b", false},
        {"**.*", "order", true},
        {"**.*.**.*", "order", false},
        {"**", "", false},
        {"*", "", false},
    };

    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        assert_int_equal(pattern_matches(cases[index].pattern, cases[index].type), cases[index].expected);
    }
}

// The definition, word by word: words are single letters here, '?' for "*" and '+' for "**".
static bool naive(const char *pattern, const char *type) {
    if (*pattern == '\0') {
        return *type == '\0';
    }
    if (*pattern == '+') {
        return naive(pattern + 1, type) || (*type != '\0' && naive(pattern, type + 1));
    }
    return *type != '\0' && (*pattern == '?' || *pattern == *type) && naive(pattern + 1, type + 1);
}

// Writes the words that the letters stand for, with dots between them.
static void spell(const char *letters, char text[64]) {
    size_t length = 0;

    text[0] = '\0';
    for (const char *letter = letters; *letter != '\0'; letter++) {
        const char *word = *letter == '?' ? "*" : *letter == '+' ? "**" : (char[]){*letter, '\0'};
        length += (size_t)snprintf(text + length, 64 - length, "%s%s", letter == letters ? "" : ".", word);
    }
}

// The number-th string over an alphabet: every string up to some length is met by counting.
static void letters_of(unsigned number, const char *alphabet, char letters[16]) {
    size_t base = strlen(alphabet);
    size_t length = 0;

    for (; number > 0; number = (unsigned)((number - 1) / base)) {
        letters[length++] = alphabet[(number - 1) % base];
    }
    letters[length] = '\0';
}

static void agrees_with_a_naive_matcher(void **state) {
    (void)state;
    enum { PATTERNS = 1 + 4 + 16 + 64 + 256 + 1024 + 4096, TYPES = 1 + 2 + 4 + 8 + 16 + 32 + 64 };
    char pattern_letters[16], type_letters[16], pattern[64], type[64];
    unsigned matches = 0;

    for (unsigned p = 1; p < PATTERNS; p++) {
        letters_of(p, "ab?+", pattern_letters);
        spell(pattern_letters, pattern);
        for (unsigned t = 1; t < TYPES; t++) {
            letters_of(t, "ab", type_letters);
            spell(type_letters, type);
            bool expected = naive(pattern_letters, type_letters);
            if (pattern_matches(pattern, type) != expected) {
                fail_msg("%s on %s: expected %d", pattern, type, expected);
            }
            matches += expected;
        }
    }
    assert_in_range(matches, 10000, 500000); // both answers were met often
}

// With exponential backtracking this test would not end.
static void many_wildcards_are_no_trap(void **state) {
    (void)state;
    char pattern[PATTERN_MAX + 1] = "**.a";
    char type[201] = "a";

    while (strlen(pattern) + 6 <= PATTERN_MAX - 2) {
        strncat(pattern, ".**.a", 6);
    }
    strncat(pattern, ".b", 3);
    while (strlen(type) + 2 < sizeof type) {
        strncat(type, ".a", 3);
    }
    assert_true(pattern_valid(pattern, NULL));
    assert_false(pattern_matches(pattern, type));
    type[strlen(type) - 1] = 'b';
    assert_true(pattern_matches(pattern, type));
}

static int sign(int number) {
    return (number > 0) - (number < 0);
}

static void the_more_specific_pattern_wins(void **state) {
    (void)state;
    static const char *const ascending[] = {
        "**.**", "**.*", "**", "*.*", "*",      "**.*.a", "**.a", "a.**",
        "*.a",   "a.*",  "a",  "b",   "**.a.b", "*.a.b",  "a.b",  "b.a",
    };
    size_t count = sizeof ascending / sizeof ascending[0];

    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b < count; b++) {
            int expected = (a > b) - (a < b);
            assert_int_equal(sign(pattern_compare_specificity(ascending[a], ascending[b])), expected);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_words_and_wildcards),     cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(a_pattern_has_at_most_256_bytes), cmocka_unit_test(matches_by_words),
        cmocka_unit_test(agrees_with_a_naive_matcher),     cmocka_unit_test(many_wildcards_are_no_trap),
        cmocka_unit_test(the_more_specific_pattern_wins),
    };
    return cmocka_run_group_tests_name("route/pattern", tests, NULL, NULL);
}
