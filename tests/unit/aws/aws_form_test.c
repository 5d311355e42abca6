// SPDX-License-Identifier: Apache-2.0
// Percent-encoding, against what it is by definition: each byte, at each place of texts shorter and longer
// than what is looked at together.
#include "aws/form.h"

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

enum { LENGTH_MAX = 40, LIMIT = 1 << 20 };

static void append_by_definition(struct buffer *expected, unsigned char byte) {
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

    if (byte != '\0' && strchr(unreserved, byte) != NULL) {
        buffer_append_char(expected, (char)byte);
    } else {
        buffer_append_format(expected, "%%%02X", byte);
    }
}

// The copy has exactly its length, so that a sanitizer sees what is read beyond it.
static void assert_encodes(const unsigned char *bytes, size_t length) {
    char *copy = malloc(length + (length == 0));
    struct buffer expected, form;

    memcpy(copy, bytes, length);
    buffer_init(&expected, LIMIT);
    buffer_init(&form, LIMIT);
    for (size_t index = 0; index < length; index++) {
        append_by_definition(&expected, bytes[index]);
    }
    aws_form_encode(&form, (struct slice){copy, length});
    assert_int_equal(form.length, expected.length);
    assert_string_equal(buffer_text(&form), buffer_text(&expected));
    buffer_free(&expected);
    buffer_free(&form);
    free(copy);
}

static void encodes_each_byte_at_each_place(void **state) {
    unsigned char bytes[LENGTH_MAX];

    (void)state;
    for (size_t length = 1; length <= LENGTH_MAX; length++) {
        for (size_t place = 0; place < length; place++) {
            memset(bytes, 'x', sizeof bytes);
            for (int byte = 0; byte < 256; byte++) {
                bytes[place] = (unsigned char)byte;
                assert_encodes(bytes, length);
            }
        }
    }
}

static void encodes_all_bytes_together(void **state) {
    unsigned char bytes[3 * 256];

    (void)state;
    for (size_t index = 0; index < sizeof bytes; index++) {
        bytes[index] = (unsigned char)(index * 167);
    }
    for (size_t start = 0; start < 256; start++) {
        assert_encodes(bytes + start, 2 * 256);
    }
    assert_encodes(bytes, 0);
}

static void writes_names_and_values(void **state) {
    struct buffer form;

    (void)state;
    buffer_init(&form, LIMIT);
    aws_form_begin(&form, "PublishBatch", "2010-03-31");
    aws_form_add(&form, "One", slice_of_text("a=b&c"));
    aws_form_add(&form, "None", slice_of_text(""));
    aws_form_add(&form, "Two", slice_of_text("z"));
    assert_string_equal(buffer_text(&form),
                        "Action=PublishBatch&Version=2010-03-31&One=a%3Db%26c&None=&Two=z");
    buffer_free(&form);
}

static void writes_nothing_of_what_may_not_fit(void **state) {
    struct buffer form;

    (void)state;
    buffer_init(&form, 64);
    aws_form_encode(&form, slice_of_text("short enough"));
    assert_false(form.overflow);
    aws_form_encode(&form, slice_of_text("%%%%%%%%%%%%%%%%%%"));
    assert_true(form.overflow);
    buffer_free(&form);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_each_byte_at_each_place),
        cmocka_unit_test(encodes_all_bytes_together),
        cmocka_unit_test(writes_names_and_values),
        cmocka_unit_test(writes_nothing_of_what_may_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
