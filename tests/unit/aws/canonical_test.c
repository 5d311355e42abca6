// SPDX-License-Identifier: Apache-2.0
// The canonical forms of paths, queries and header values, those of the test suite that AWS published for
// SigV4 among them.
#include "aws/canonical.h"

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

enum { LIMIT = 4096 };

struct example {
    const char *sent;
    const char *canonical;
};

static void assert_content(struct buffer *buffer, const char *expected) {
    assert_false(buffer->overflow);
    assert_string_equal(buffer_text(buffer), expected);
    buffer_free(buffer);
}

static void normalizes_paths(void **state) {
    static const struct example examples[] = {
        {"", "/"},
        {"/", "/"},
        {"//", "/"},
        {"/./", "/"},
        {"/..", "/"},
        {"/../", "/"},
        {"/../x", "/x"},
        {"/./example", "/example"},
        {"//example//", "/example/"},
        {"/example/..", "/"},
        {"/example/../", "/"},
        {"/example1/example2/../..", "/"},
        {"/a/./b/../c/", "/a/c/"},
        {"/a/.", "/a"},
        {"/a/./", "/a/"},
        {"/a/b/..", "/a"},
        {"/.../..a/.b", "/.../..a/.b"},
        {"/example space/", "/example%20space/"},
        {"/%E1%88%B4", "/%25E1%2588%25B4"}, // encoded once more
        {"/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
         "/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {"/a:b@c=d&e$f,g;h+i!j'k(l)m*n", "/a%3Ab%40c%3Dd%26e%24f%2Cg%3Bh%2Bi%21j%27k%28l%29m%2An"},
        {"x/y", "/x/y"},
    };
    (void)state;
    for (size_t index = 0; index < sizeof examples / sizeof examples[0]; index++) {
        struct buffer buffer;
        buffer_init(&buffer, LIMIT);
        canonical_append_path(&buffer, examples[index].sent);
        assert_content(&buffer, examples[index].canonical);
    }
}

// What is in the buffer before stays, however many segments are taken back.
static void a_path_stays_within_itself(void **state) {
    struct buffer buffer;
    (void)state;
    buffer_init(&buffer, LIMIT);
    buffer_append_text(&buffer, "a/b");
    canonical_append_path(&buffer, "/x/../../../y");
    assert_content(&buffer, "a/b/y");
}

static void sorts_and_encodes_queries(void **state) {
    static const struct example examples[] = {
        {"", ""},
        {"Param1=value1", "Param1=value1"},
        {"Param2=value2&Param1=value1", "Param1=value1&Param2=value2"},
        {"Param1=value2&Param1=Value1", "Param1=Value1&Param1=value2"},
        {"Param1=", "Param1="},
        {"Param1", "Param1="},
        {"&&a=1&&b=2&", "a=1&b=2"},
        {"a-b=1&a=2&a%20b=3", "a=2&a%20b=3&a-b=1"}, // by the whole name, not by "name=value"
        {"a=b=c", "a=b%3Dc"},
        {"=x&=&a", "=&=x&a="},
        {"%61%2d%7E=%7e", "a-~=~"}, // what needs no encoding has none
        {"a=%c3%a9", "a=%C3%A9"},
        {"a=\xc3\xa9", "a=%C3%A9"},
        {"a=%2B+%20", "a=%2B%2B%20"},
        {"a=/?:@!$'()*,;", "a=%2F%3F%3A%40%21%24%27%28%29%2A%2C%3B"},
        {"b=1&a=%00", "a=%00&b=1"},
        {"\xe1\x88\xb4=bar", "%E1%88%B4=bar"},
        {"a=2&B=1&A=3", "A=3&B=1&a=2"},
    };
    (void)state;
    for (size_t index = 0; index < sizeof examples / sizeof examples[0]; index++) {
        struct buffer buffer;
        struct error error;
        buffer_init(&buffer, LIMIT);
        assert_true(canonical_append_query(&buffer, examples[index].sent, &error));
        assert_content(&buffer, examples[index].canonical);
    }
}

static void refuses_broken_escapes(void **state) {
    static const char *const queries[] = {"%",     "a=%",   "a=%4",  "a=%4&b=1",
                                          "a=%zz", "%g0=1", "a=%-1", "a=1&b=%+1"};
    (void)state;
    for (size_t index = 0; index < sizeof queries / sizeof queries[0]; index++) {
        struct buffer buffer;
        struct error error;
        buffer_init(&buffer, LIMIT);
        assert_false(canonical_append_query(&buffer, queries[index], &error));
        assert_int_equal(error.code, ERROR_INTERNAL);
        assert_non_null(strstr(error.text, "two digits"));
        buffer_free(&buffer);
    }
}

static void limits_a_query(void **state) {
    char query[4 * CANONICAL_PAIRS_MAX + 8] = "";
    struct buffer buffer;
    struct error error;
    (void)state;
    for (int count = 0; count < CANONICAL_PAIRS_MAX; count++) {
        memcpy(query + strlen(query), "a=1&", 5);
    }
    buffer_init(&buffer, LIMIT);
    assert_true(canonical_append_query(&buffer, query, &error));
    memcpy(query + strlen(query), "b", 2);
    assert_false(canonical_append_query(&buffer, query, &error));
    assert_non_null(strstr(error.text, "64 parameters"));
    buffer_free(&buffer);

    buffer_init(&buffer, 16);
    assert_true(canonical_append_query(&buffer, "a=0123456789012345", &error));
    assert_true(buffer.overflow);
    buffer_free(&buffer);
}

static void trims_and_folds_values(void **state) {
    static const struct example examples[] = {
        {"", ""},
        {" \t ", ""},
        {" value1", "value1"},
        {" \"a   b   c\" ", "\"a b c\""},
        {"a\tb \t c\t", "a b c"},
    };
    (void)state;
    for (size_t index = 0; index < sizeof examples / sizeof examples[0]; index++) {
        struct buffer buffer;
        buffer_init(&buffer, LIMIT);
        canonical_append_value(&buffer, examples[index].sent);
        assert_content(&buffer, examples[index].canonical);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalizes_paths),
        cmocka_unit_test(a_path_stays_within_itself),
        cmocka_unit_test(sorts_and_encodes_queries),
        cmocka_unit_test(refuses_broken_escapes),
        cmocka_unit_test(limits_a_query),
        cmocka_unit_test(trims_and_folds_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
