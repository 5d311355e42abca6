// SPDX-License-Identifier: Apache-2.0
// JSON taken apart: what is JSON and what is not (RFC 8259), the raw text of members, and texts without their
// escapes.
#include "base/buffer.h"
#include "consumer/members.h"

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

static enum json_kind kind_of(const char *json) {
    const char *fault = NULL;
    size_t length = strlen(json);
    char *copy = malloc(length + 1); // so that a sanitizer sees what is read behind the end
    memcpy(copy, json, length);
    copy = realloc(copy, length > 0 ? length : 1);
    enum json_kind kind = members_read((struct slice){copy, length}, NULL, 0, &fault);
    free(copy);
    assert_true((kind == JSON_INVALID) == (fault != NULL));
    return kind;
}

static void takes_what_is_json(void **state) {
    static const char *const others[] = {
        "null",
        " true ",
        "false",
        "0",
        "-0",
        "7",
        "12e3",
        "1.5E+10",
        "1.10",
        "-1e-2",
        "[]",
        "[ ]",
        "[1]",
        "[[],{}]",
        "[1 , 2]",
        "\"\"",
        "\"\\\\\\\"\\/\"",
        "\"\\u00e4\"",
        "\"\\ud800\"",
        "\"\x7f\"",
        "\"\xc3\xa4\"",
        "[{}]",
        "\t[\r\n1]",
        "12345678901234567890",
    };
    static const char *const objects[] = {
        "{}",        " { } ",
        "{\"a\":1}", "{\"a\" : {\"b\":[1,{\"c\":{}}]} , \"d\":null}",
        "{\"\":[]}", "{\"a\":1,\"a\":2}",
    };
    (void)state;
    for (size_t index = 0; index < sizeof others / sizeof others[0]; index++) {
        assert_int_equal(kind_of(others[index]), JSON_OTHER);
    }
    for (size_t index = 0; index < sizeof objects / sizeof objects[0]; index++) {
        assert_int_equal(kind_of(objects[index]), JSON_OBJECT);
    }
}

static const char *const malformed[] = {
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "+1",
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "1e+",
    "1.e2",
    "0x1",
    "NaN",
    "-Infinity",
    "[",
    "]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{",
    "}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\":1]",
    "{a:1}",
    "{'a':1}",
    "{1:2}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1}}",
    "{} {}",
    "1 2",
    "[1]x",
    "\"",
    "\"\\",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u123g\"",
    "\"\\u123",
    "\"a\nb\"",
    "\"\t\"",
    "\"\x01\"",
    "\"a",
    "\"\xc3\"",
    "\"\xff\"",
    "\"\xed\xa0\x80\"",
    "\"\xc0\x80\"",
    "\xef\xbb\xbf{}",
    "/**/1",
    "[1]//",
    "{\"a\":[}",
    "{\"\xff\":1}",
    "{\"a\":1,\"\xff\":1}",
    "{\"a\":{\"b\"}}",
    "{\"a\":{b}}",
    "[{]",
    "{\"a\":[1}}",
    "\f1",
    "undefined",
};

static void refuses_what_is_not(void **state) {
    (void)state;
    for (size_t index = 0; index < sizeof malformed / sizeof malformed[0]; index++) {
        if (kind_of(malformed[index]) != JSON_INVALID) {
            fail_msg("taken for JSON: %s", malformed[index]);
        }
    }
    const char *fault = NULL;
    assert_int_equal(members_read((struct slice){NULL, 0}, NULL, 0, &fault), JSON_INVALID);
    assert_int_equal(members_read((struct slice){"1\0", 2}, NULL, 0, &fault), JSON_INVALID);
    assert_int_equal(members_read((struct slice){"\"\0\"", 3}, NULL, 0, &fault), JSON_INVALID);
    assert_string_equal(fault, "is not JSON");
    assert_int_equal(members_read((struct slice){"\"\\\0\"", 4}, NULL, 0, &fault), JSON_INVALID);
}

static enum json_kind nested(int depth, const char *opening, const char *closing, const char **ret_fault) {
    size_t open = strlen(opening), close = strlen(closing);
    char *text = malloc((open + close) * (size_t)depth + 1);
    size_t length = 0;
    for (int level = 0; level < depth; level++, length += open) {
        memcpy(text + length, opening, open);
    }
    text[length++] = '1';
    for (int level = 0; level < depth; level++, length += close) {
        memcpy(text + length, closing, close);
    }
    enum json_kind kind = members_read((struct slice){text, length}, NULL, 0, ret_fault);
    free(text);
    return kind;
}

static void bounds_the_depth(void **state) {
    const char *fault = NULL;
    (void)state;
    assert_int_equal(nested(MEMBERS_DEPTH_MAX, "[", "]", &fault), JSON_OTHER);
    assert_int_equal(nested(MEMBERS_DEPTH_MAX, "{\"a\":", "}", &fault), JSON_OBJECT);
    assert_int_equal(nested(MEMBERS_DEPTH_MAX / 2, "[{\"a\":", "}]", &fault), JSON_OTHER);
    assert_int_equal(nested(MEMBERS_DEPTH_MAX + 1, "[", "]", &fault), JSON_INVALID);
    assert_string_equal(fault, "is nested more than 1000 levels deep");
    assert_int_equal(nested(MEMBERS_DEPTH_MAX + 1, "{\"a\":", "}", &fault), JSON_INVALID);
    assert_int_equal(nested(100000, "[", "]", &fault), JSON_INVALID);
}

static void says_that_it_is_not_utf8(void **state) {
    const char *fault = NULL;
    (void)state;
    assert_int_equal(members_read(slice_of_text("{\"a\":\"\xff\"}"), NULL, 0, &fault), JSON_INVALID);
    assert_string_equal(fault, "is not valid UTF-8");
}

static void assert_raw(const struct member *member, const char *raw) {
    if (raw == NULL) {
        assert_null(member->raw.data);
        return;
    }
    assert_non_null(member->raw.data);
    assert_int_equal(member->raw.length, strlen(raw));
    assert_memory_equal(member->raw.data, raw, member->raw.length);
}

static void finds_members_as_they_stand(void **state) {
    struct member members[] = {{.name = "big"},  {.name = "price"}, {.name = "text"}, {.name = "object"},
                               {.name = "none"}, {.name = "inner"}, {.name = "null"}, {.name = "empty"}};
    const char *fault = NULL;
    (void)state;
    assert_int_equal(
        members_read(slice_of_text(" {\"big\": 12345678901234567890 ,\"price\":1.10, \"text\" :\"a\\\"b\","
                                   "\"object\":{ \"inner\" : [ 1 ] },\"other\":{\"none\":1},\"null\":null,"
                                   "\"empty\":{}} "),
                     members, 8, &fault),
        JSON_OBJECT);
    assert_null(fault);
    assert_raw(&members[0], "12345678901234567890");
    assert_raw(&members[1], "1.10");
    assert_raw(&members[2], "\"a\\\"b\"");
    assert_raw(&members[3], "{ \"inner\" : [ 1 ] }");
    assert_raw(&members[4], NULL); // only in an object within
    assert_raw(&members[5], NULL);
    assert_raw(&members[6], "null");
    assert_raw(&members[7], "{}");
    assert_true(member_is_null(&members[4]) && member_is_null(&members[6]));
    assert_false(member_is_null(&members[0]));
    // What is found is forgotten at the next call.
    assert_int_equal(members_read(slice_of_text("[{\"big\":1}]"), members, 8, &fault), JSON_OTHER);
    assert_raw(&members[0], NULL);
}

static void counts_what_is_there_twice(void **state) {
    struct member members[] = {{.name = "a"}, {.name = "b"}};
    const char *fault = NULL;
    (void)state;
    assert_int_equal(
        members_read(slice_of_text("{\"a\":1,\"b\":{\"a\":3},\"\\u0061\":2}"), members, 2, &fault),
        JSON_OBJECT);
    assert_true(members[0].twice);
    assert_raw(&members[0], "2");
    assert_false(members[1].twice);
}

static void compares_names_without_their_escapes(void **state) {
    static const struct {
        const char *json;
        bool found;
    } cases[] = {
        {"{\"eventId\":1}", true},
        {"{\"\\u0065vent\\u0049d\":1}", true},
        {"{\"eventid\":1}", false},
        {"{\"eventId \":1}", false},
        {"{\"eventI\":1}", false},
        {"{\"eventIdx\":1}", false},
        {"{\"event\\u0049\":1}", false},
        {"{\"eventId\\u0000\":1}", false},
        {"{\"\":1}", false},
        {"{\"\\ud83d\":1}", false},
        {"{\"\\u0065\\u0076\\u0065\\u006e\\u0074\\u0049\\u0064\":1}", true},
    };
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct member member = {.name = "eventId"};
        const char *fault = NULL;
        assert_int_equal(members_read(slice_of_text(cases[index].json), &member, 1, &fault), JSON_OBJECT);
        if ((member.raw.data != NULL) != cases[index].found) {
            fail_msg("%s", cases[index].json);
        }
    }
}

static void skips_long_names(void **state) {
    struct member member = {.name = "a"};
    const char *fault = NULL;
    struct buffer json;
    (void)state;
    buffer_init(&json, 2000);
    buffer_append_text(&json, "{\"");
    for (int count = 0; count < 200; count++) {
        buffer_append_text(&json, "\\u0061");
    }
    buffer_append_text(&json, "\":1}");
    assert_int_equal(members_read((struct slice){json.data, json.length}, &member, 1, &fault), JSON_OBJECT);
    buffer_free(&json);
    assert_raw(&member, NULL);
}

static void takes_escapes_out(void **state) {
    static const struct {
        const char *raw;
        const char *text; // NULL: there is none
    } cases[] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e4\\u20AC\\uffff\"", "A\xc3\xa4\xe2\x82\xac\xef\xbf\xbf"},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
        {"\"\\uD800\\uDC00x\"", "\xf0\x90\x80\x80x"},
        {"\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf"},
        {"\"\xc3\xa4\\n\xc3\xa4\"", "\xc3\xa4\n\xc3\xa4"},
        {"\"\\u0000\"", NULL},
        {"\"a\\ud83d\"", NULL},
        {"\"\\ud83dx\"", NULL},
        {"\"\\ud83d\\n12345\"", NULL},
        {"\"\\ud83d\\u0041\"", NULL},
        {"\"\\ud83d\\ue000\"", NULL},
        {"\"\\ud83d\\ud83d\"", NULL},
        {"\"\\ude00\"", NULL},
        {"\"\\ude00\\ud83d\"", NULL},
    };
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct slice raw = slice_of_text(cases[index].raw);
        char *to = malloc(raw.length);
        size_t length = 0;
        assert_int_equal(kind_of(cases[index].raw), JSON_OTHER);
        bool read = json_unescape(raw, to, &length);
        if (read != (cases[index].text != NULL)) {
            fail_msg("%s", cases[index].raw);
        }
        if (read) {
            assert_int_equal(length, strlen(cases[index].text));
            assert_memory_equal(to, cases[index].text, length);
        }
        free(to);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_json),
        cmocka_unit_test(refuses_what_is_not),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(says_that_it_is_not_utf8),
        cmocka_unit_test(finds_members_as_they_stand),
        cmocka_unit_test(counts_what_is_there_twice),
        cmocka_unit_test(compares_names_without_their_escapes),
        cmocka_unit_test(skips_long_names),
        cmocka_unit_test(takes_escapes_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
