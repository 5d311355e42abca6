// SPDX-License-Identifier: Apache-2.0
// The condition that tells the database which events are ordered: its text, and that its regular expressions
// match exactly the event types that the patterns match.
#include "base/memory.h"
#include "route/ordered.h"
#include "route/pattern.h"

#include <regex.h>
#include <stdio.h>
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

#define ARN "arn:aws:sns:eu-west-1:123456789012:orders"
#define FIFO_ARN ARN ".fifo"

enum { RULES_MAX = 8 };

struct pair {
    const char *pattern;
    bool is_fifo;
};

// The rules of these pairs, ended by NULL.
static char *sql_of(const struct pair *pairs, const char *default_arn) {
    static char pattern[RULES_MAX][PATTERN_MAX + 1];
    static char arn[] = ARN, fifo_arn[] = FIFO_ARN;
    struct topic standard = {.arn = arn};
    struct topic fifo = {.arn = fifo_arn};
    struct rule items[RULES_MAX];
    struct rules rules = {.items = items};

    assert_true(aws_topic_arn_parse(&standard.parts, arn, NULL));
    assert_true(aws_topic_arn_parse(&fifo.parts, fifo_arn, NULL));
    for (; pairs[rules.count].pattern != NULL; rules.count++) {
        assert_true(rules.count < RULES_MAX);
        assert_true(pattern_valid(pairs[rules.count].pattern, NULL));
        snprintf(pattern[rules.count], sizeof pattern[0], "%s", pairs[rules.count].pattern);
        items[rules.count].pattern = pattern[rules.count];
        items[rules.count].topic = pairs[rules.count].is_fifo ? &fifo : &standard;
    }
    return ordered_sql(&rules, default_arn, NULL, NULL);
}

static void assert_sql(const struct pair *pairs, const char *default_arn, const char *expected) {
    char *sql = sql_of(pairs, default_arn);

    if (expected == NULL) {
        assert_null(sql);
    } else {
        assert_non_null(sql);
        assert_string_equal(sql, expected);
    }
    free(sql);
}

#define RULES(...) ((const struct pair[]){__VA_ARGS__ __VA_OPT__(, ){NULL, false}})

static void is_null_when_nothing_is_ordered(void **state) {
    (void)state;
    assert_sql(RULES(), "", NULL);
    assert_sql(RULES(), ARN, NULL);
    assert_sql(RULES({"a.b", false}, {"**", false}), "", NULL);
    assert_sql(RULES({"a.b", false}, {"**", false}), ARN, NULL);
}

static void is_true_when_everything_is_ordered(void **state) {
    (void)state;
    assert_sql(RULES(), FIFO_ARN, "true");
    assert_sql(RULES({"a.b", true}, {"a.*", true}), FIFO_ARN, "true");
}

// What no rule names goes to the default topic, if there is one.
static bool is_fine(void *context, const char *arn) {
    (void)context;
    return strcmp(arn, FIFO_ARN) != 0;
}

static bool is_that_one(void *context, const char *arn) {
    return strcmp(arn, context) == 0;
}

static void leaves_out_topics(void **state) {
    static char arn[] = FIFO_ARN, other_arn[] = ARN "2.fifo";
    struct topic fifo = {.arn = arn, .parts = {.is_fifo = true}};
    struct topic other = {.arn = other_arn, .parts = {.is_fifo = true}};
    char one[] = "a", two[] = "**";
    struct rule items[] = {{one, &fifo}, {two, &other}};
    const struct rules rules = {.items = items, .count = 2};

    (void)state;
    char *sql = ordered_sql(&rules, FIFO_ARN, is_that_one, arn);
    assert_string_equal(sql, "CASE WHEN event_type = 'a' THEN false WHEN event_type || '.' ~ '^([^.]+[.])*$' "
                             "THEN true ELSE false END");
    free(sql);
    sql = ordered_sql(&rules, "", is_fine, NULL);
    assert_string_equal(sql, "CASE WHEN event_type = 'a' THEN true WHEN event_type || '.' ~ '^([^.]+[.])*$' "
                             "THEN false ELSE false END");
    free(sql);
    const struct rules first = {.items = items, .count = 1};
    assert_null(ordered_sql(&first, FIFO_ARN, is_that_one, arn));
}

static void falls_back_to_the_default_topic(void **state) {
    (void)state;
    assert_sql(RULES({"a.b", true}), "", "CASE WHEN event_type = 'a.b' THEN true ELSE false END");
    assert_sql(RULES({"a.b", true}), ARN, "CASE WHEN event_type = 'a.b' THEN true ELSE false END");
    assert_sql(RULES({"a.b", false}), FIFO_ARN, "CASE WHEN event_type = 'a.b' THEN false ELSE true END");
    assert_sql(RULES({"a.b", true}), "no ARN.fifo", "CASE WHEN event_type = 'a.b' THEN true ELSE false END");
}

static void writes_literals_and_wildcards(void **state) {
    (void)state;
    assert_sql(RULES({"order-2.item_added.7", true}), "",
               "CASE WHEN event_type = 'order-2.item_added.7' THEN true ELSE false END");
    assert_sql(RULES({"*", true}), "", "CASE WHEN event_type || '.' ~ '^[^.]+[.]$' THEN true ELSE false END");
    assert_sql(RULES({"**", true}), "",
               "CASE WHEN event_type || '.' ~ '^([^.]+[.])*$' THEN true ELSE false END");
    assert_sql(RULES({"order.*", true}), "",
               "CASE WHEN event_type || '.' ~ '^order[.][^.]+[.]$' THEN true ELSE false END");
    assert_sql(
        RULES({"a.**.b-2.*.c_3", true}), "",
        "CASE WHEN event_type || '.' ~ '^a[.]([^.]+[.])*b-2[.][^.]+[.]c_3[.]$' THEN true ELSE false END");
}

// The first WHEN that is true counts, so the more specific pattern comes first, in whatever order they are
// given.
static void puts_the_more_specific_first(void **state) {
    static const char expected[] = "CASE"
                                   " WHEN event_type = 'order.created' THEN false"
                                   " WHEN event_type || '.' ~ '^order[.][^.]+[.]$' THEN true"
                                   " WHEN event_type || '.' ~ '^order[.]([^.]+[.])*$' THEN false"
                                   " WHEN event_type || '.' ~ '^([^.]+[.])*$' THEN true"
                                   " ELSE false END";

    (void)state;
    assert_sql(RULES({"order.created", false}, {"order.*", true}, {"order.**", false}, {"**", true}), "",
               expected);
    assert_sql(RULES({"**", true}, {"order.**", false}, {"order.*", true}, {"order.created", false}), "",
               expected);
    assert_sql(RULES({"order.**", false}, {"**", true}, {"order.created", false}, {"order.*", true}), "",
               expected);
}

// The part of the condition between the quotes of its only WHEN.
static void compile(regex_t *expression, const char *pattern) {
    char *sql = sql_of(RULES({pattern, true}), "");
    char *text = strstr(sql, " ~ '") + strlen(" ~ '");

    *strchr(text, '\'') = '\0';
    assert_int_equal(regcomp(expression, text, REG_EXTENDED | REG_NOSUB), 0);
    free(sql);
}

// All texts of up to `most` of these words, joined with dots; the number `which` of them.
static bool compose(char *text, size_t size, const char *const *words, int word_count, int most, int which) {
    int length = 0;
    int words_used = 0;

    text[0] = '\0';
    for (; which > 0 && words_used < most; which = (which - 1) / word_count, words_used++) {
        length += snprintf(text + length, size - (size_t)length, "%s%s", words_used > 0 ? "." : "",
                           words[(which - 1) % word_count]);
    }
    return which == 0 && words_used > 0;
}

// Every pattern of up to four words against every type of up to five.
static void expressions_match_what_patterns_match(void **state) {
    static const char *const pattern_words[] = {"a", "b-1", "*", "**"};
    static const char *const type_words[] = {"a", "b-1", "ab"};
    enum { PATTERNS = 4 + 16 + 64 + 256, TYPES = 3 + 9 + 27 + 81 + 243 };
    static char types[TYPES][64];
    char pattern[64];
    int matched = 0;

    (void)state;
    for (int type = 0; type < TYPES; type++) {
        assert_true(compose(types[type], sizeof types[0], type_words, 3, 5, type + 1));
    }
    for (int which = 1; which <= PATTERNS; which++) {
        regex_t expression;
        assert_true(compose(pattern, sizeof pattern, pattern_words, 4, 4, which));
        if (strchr(pattern, '*') == NULL) {
            continue;
        }
        compile(&expression, pattern);
        for (int type = 0; type < TYPES; type++) {
            char dotted[80];
            snprintf(dotted, sizeof dotted, "%.63s.", types[type]);
            bool matches = regexec(&expression, dotted, 0, NULL, 0) == 0;
            if (matches != pattern_matches(pattern, types[type])) {
                fail_msg("%s and %s", pattern, types[type]);
            }
            matched += matches;
        }
        regfree(&expression);
    }
    assert_in_range(matched, 1000, PATTERNS * TYPES / 2); // neither all nor nothing
}

// Nothing in a word is more than a letter to the expression.
static void expressions_take_words_as_they_are(void **state) {
    regex_t expression;

    (void)state;
    compile(&expression, "*.a-z_0.b");
    assert_int_equal(regexec(&expression, "x.a-z_0.b.", 0, NULL, 0), 0);
    assert_int_equal(regexec(&expression, "x.abz_0.b.", 0, NULL, 0), REG_NOMATCH);
    assert_int_equal(regexec(&expression, "x.a-zz0.b.", 0, NULL, 0), REG_NOMATCH);
    assert_int_equal(regexec(&expression, "x.a-z_0xb.", 0, NULL, 0), REG_NOMATCH);
    regfree(&expression);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_null_when_nothing_is_ordered),
        cmocka_unit_test(is_true_when_everything_is_ordered),
        cmocka_unit_test(leaves_out_topics),
        cmocka_unit_test(falls_back_to_the_default_topic),
        cmocka_unit_test(writes_literals_and_wildcards),
        cmocka_unit_test(puts_the_more_specific_first),
        cmocka_unit_test(expressions_match_what_patterns_match),
        cmocka_unit_test(expressions_take_words_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
