// SPDX-License-Identifier: Apache-2.0
// Patterns of policies: in one piece, and ARNs part by part.
#include "check/wildcard.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void a_star_is_any_number_and_a_question_mark_one(void **state) {
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
    } cases[] = {
        {"", "", true},          {"", "a", false},       {"*", "", true},           {"*", "abc", true},
        {"**", "abc", true},     {"?", "", false},       {"?", "a", true},          {"?", "ab", false},
        {"abc", "abc", true},    {"abc", "abd", false},  {"a*", "a", true},         {"a*c", "abbbc", true},
        {"a*c", "abbbd", false}, {"*b*d", "abcd", true}, {"a*b?d", "abxbcd", true}, {"*ab", "aab", true},
        {"a?", "a", false},      {"abc", "ab", false},   {"ab", "abc", false},      {"*?", "", false},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        if (wildcard_matches(cases[index].pattern, cases[index].text, false) != cases[index].matches) {
            fail_msg("%s against %s", cases[index].pattern, cases[index].text);
        }
    }
}

static void case_counts_unless_told_otherwise(void **state) {
    (void)state;
    assert_false(wildcard_matches("sqs:send*", "SQS:SendMessage", false));
    assert_true(wildcard_matches("sqs:send*", "SQS:SendMessage", true));
}

// A pattern that would take a naive matcher longer than the world lasts.
static void many_stars_take_no_time(void **state) {
    enum { STARS = 1000, LENGTH = 10000 };
    char pattern[2 * STARS + 2];
    char text[LENGTH + 1];

    (void)state;
    for (int index = 0; index < STARS; index++) {
        memcpy(pattern + (ptrdiff_t)2 * index, "*a", 2);
    }
    memcpy(pattern + (ptrdiff_t)2 * STARS, "b", 2);
    memset(text, 'a', LENGTH);
    text[LENGTH] = '\0';
    assert_false(wildcard_matches(pattern, text, false));
}

static void an_arn_is_compared_part_by_part(void **state) {
    static const char arn[] = "arn:aws:sns:eu-west-1:123456789012:orders:sub";

    (void)state;
    assert_true(wildcard_matches_arn(arn, arn));
    assert_true(wildcard_matches_arn("*", arn));
    assert_true(wildcard_matches_arn("arn:*:sns:*:*:*", arn));
    assert_true(wildcard_matches_arn("arn:aws:sns:eu-west-?:123456789012:orders:*", arn));
    assert_true(
        wildcard_matches_arn("arn:aws:sns:eu-west-1:123456789012:*", arn)); // the last part has colons
    assert_false(wildcard_matches_arn("arn:aws:sns:*", arn));
    assert_false(wildcard_matches_arn("arn:*:orders:sub", arn));
    assert_false(wildcard_matches_arn("", arn));
    assert_false(wildcard_matches_arn(arn, ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_is_any_number_and_a_question_mark_one),
        cmocka_unit_test(case_counts_unless_told_otherwise),
        cmocka_unit_test(many_stars_take_no_time),
        cmocka_unit_test(an_arn_is_compared_part_by_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
