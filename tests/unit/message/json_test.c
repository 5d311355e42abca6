// SPDX-License-Identifier: Apache-2.0
// JSON as SQS accepts it: no control characters, no noncharacters, and the meaning unchanged.
#include "message/json.h"

#include <cjson/cJSON.h>
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

enum { LIMIT = 64 * 1024 };

typedef void writer(struct buffer *buffer, struct slice text);

// A literal may hold zero bytes, so its length comes from its type.
#define ASSERT_WRITES(write, input, expected)                                                                \
    assert_writes(write, (struct slice){input, sizeof(input) - 1},                                           \
                  (struct slice){expected, sizeof(expected) - 1})

static void assert_writes(writer *write, struct slice input, struct slice expected) {
    struct buffer buffer;

    buffer_init(&buffer, LIMIT);
    write(&buffer, input);
    assert_false(buffer.overflow);
    assert_int_equal(buffer.length, expected.length);
    assert_memory_equal(buffer.data, expected.data, expected.length);
    buffer_free(&buffer);
}

static void quotes_strings(void **state) {
    (void)state;
    ASSERT_WRITES(json_append_string, "", "\"\"");
    ASSERT_WRITES(json_append_string, "order-1", "\"order-1\"");
    ASSERT_WRITES(json_append_string, "say \"no\"", "\"say \\\"no\\\"\"");
    ASSERT_WRITES(json_append_string, "C:\\temp\\", "\"C:\\\\temp\\\\\"");
    ASSERT_WRITES(json_append_string, "a/b", "\"a/b\"");
    ASSERT_WRITES(json_append_string, "\x7f", "\"\x7f\"");
    ASSERT_WRITES(json_append_string, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80",
                  "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"");
}

static void escapes_control_characters(void **state) {
    (void)state;
    ASSERT_WRITES(json_append_string, "a\0b", "\"a\\u0000b\"");
    for (int character = 0; character < 0x20; character++) {
        char input = (char)character;
        char expected[16];
        int length = snprintf(expected, sizeof expected, "\"\\u%04x\"", (unsigned)character);
        assert_writes(json_append_string, (struct slice){&input, 1},
                      (struct slice){expected, (size_t)length});
    }
}

// The characters beside U+FFFE and U+FFFF, some of which begin with the same byte, are allowed.
static void escapes_noncharacters_only(void **state) {
    (void)state;
    ASSERT_WRITES(json_append_string, "\xef\xbf\xbe|\xef\xbf\xbf", "\"\\ufffe|\\uffff\"");
    ASSERT_WRITES(json_append_string, "\xef\xbf\xbd\xef\xbb\xbf\xef\xbe\xbe\xee\xbf\xbe",
                  "\"\xef\xbf\xbd\xef\xbb\xbf\xef\xbe\xbe\xee\xbf\xbe\"");
    ASSERT_WRITES(json_splice, "\"\xef\xbf\xbe\xef\xbf\xbd\xef\xbf\xbf\"", "\"\\ufffe\xef\xbf\xbd\\uffff\"");
}

// What PostgreSQL never hands over must still not be read beyond its end (the copy has exactly its length).
static void survives_cut_characters(void **state) {
    static const char *const cut[] = {"\xef", "\xef\xbf", "x\xef", "x\xef\xbf"};

    (void)state;
    for (size_t index = 0; index < sizeof cut / sizeof cut[0]; index++) {
        size_t length = strlen(cut[index]);
        char *copy = malloc(length);
        memcpy(copy, cut[index], length);
        assert_writes(json_splice, (struct slice){copy, length}, (struct slice){cut[index], length});
        free(copy);
    }
}

// What one byte becomes, when no other is with it.
static void append_by_definition(struct buffer *expected, writer *write, unsigned char byte) {
    if (byte < 0x20 && write == json_splice) {
        buffer_append_char(expected, ' ');
    } else if (byte < 0x20) {
        buffer_append_format(expected, "\\u%04x", byte);
    } else {
        buffer_append_text(expected, write != json_splice && (byte == '"' || byte == '\\') ? "\\" : "");
        buffer_append_char(expected, (char)byte);
    }
}

static void assert_writes_as_defined(writer *write, const unsigned char *bytes, size_t length) {
    const char *quote = write == json_splice ? "" : "\"";
    char *copy = malloc(length); // exactly its length, so that a sanitizer sees what is read beyond it
    struct buffer expected;

    memcpy(copy, bytes, length);
    buffer_init(&expected, LIMIT);
    buffer_append_text(&expected, quote);
    for (size_t index = 0; index < length; index++) {
        append_by_definition(&expected, write, bytes[index]);
    }
    buffer_append_text(&expected, quote);
    assert_writes(write, (struct slice){copy, length}, (struct slice){expected.data, expected.length});
    buffer_free(&expected);
    free(copy);
}

// Texts shorter and longer than what is looked at together.
static void writes_each_byte_at_each_place(void **state) {
    unsigned char bytes[40];

    (void)state;
    for (size_t length = 1; length <= sizeof bytes; length++) {
        for (size_t place = 0; place < length; place++) {
            memset(bytes, 'x', sizeof bytes);
            for (int byte = 0; byte < 256; byte++) {
                bytes[place] = (unsigned char)byte;
                assert_writes_as_defined(json_append_string, bytes, length);
                assert_writes_as_defined(json_splice, bytes, length);
            }
        }
    }
}

static void finds_noncharacters_at_each_place(void **state) {
    char text[64], expected[64];

    (void)state;
    for (int before = 0; before <= 33; before++) {
        for (int after = 0; after <= 17; after += 17) {
            int length = snprintf(text, sizeof text, "%.*s\xef\xbf\xbe%.*s", before,
                                  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", after, "xxxxxxxxxxxxxxxxx");
            int expected_length = snprintf(expected, sizeof expected, "%.*s\\ufffe%.*s", before,
                                           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", after, "xxxxxxxxxxxxxxxxx");
            assert_writes(json_splice, (struct slice){text, (size_t)length},
                          (struct slice){expected, (size_t)expected_length});
        }
    }
}

static void reads_back_what_it_wrote(void **state) {
    char text[0x100];
    struct buffer buffer;
    size_t length = 0;

    (void)state;
    for (int character = 1; character < 0x80; character++) {
        text[length++] = (char)character;
    }
    text[length] = '\0';
    buffer_init(&buffer, LIMIT);
    json_append_string(&buffer, (struct slice){text, length});
    cJSON *parsed = cJSON_ParseWithLength(buffer.data, buffer.length);
    assert_string_equal(cJSON_GetStringValue(parsed), text);
    cJSON_Delete(parsed);
    buffer_free(&buffer);
}

static void splices_on_one_line(void **state) {
    (void)state;
    ASSERT_WRITES(json_splice, "", "");
    ASSERT_WRITES(json_splice, "{\"a\":1}", "{\"a\":1}");
    ASSERT_WRITES(json_splice, "{\r\n\t\"a\": [\n1,\n2]\n}\n", "{   \"a\": [ 1, 2] } ");
    ASSERT_WRITES(json_splice, "\"line\\nbreak \\u0000 \\\" \\\\\"", "\"line\\nbreak \\u0000 \\\" \\\\\"");
}

static void leaves_everything_else_as_written(void **state) {
    (void)state;
    ASSERT_WRITES(json_splice, "[1.0e400, -0, 1E+2, 12345678901234567890123]",
                  "[1.0e400, -0, 1E+2, 12345678901234567890123]");
    ASSERT_WRITES(json_splice, "{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}");
    ASSERT_WRITES(json_splice, "\"\\ud800 \\uFFFF\"", "\"\\ud800 \\uFFFF\"");
}

static void reports_a_full_buffer(void **state) {
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 8);
    json_append_string(&buffer, slice_of_text("123456"));
    assert_false(buffer.overflow);
    buffer_clear(&buffer);
    json_append_string(&buffer, slice_of_text("1234567"));
    assert_true(buffer.overflow);
    buffer_free(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_strings),
        cmocka_unit_test(escapes_control_characters),
        cmocka_unit_test(escapes_noncharacters_only),
        cmocka_unit_test(survives_cut_characters),
        cmocka_unit_test(writes_each_byte_at_each_place),
        cmocka_unit_test(finds_noncharacters_at_each_place),
        cmocka_unit_test(reads_back_what_it_wrote),
        cmocka_unit_test(splices_on_one_line),
        cmocka_unit_test(leaves_everything_else_as_written),
        cmocka_unit_test(reports_a_full_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
