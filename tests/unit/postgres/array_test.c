// SPDX-License-Identifier: Apache-2.0
// Tests of postgres/array.h, against bytes written down from the server's binary formats: array_recv reads
// int32 dimensions, int32 flags (has NULLs), the elements' OID, for each dimension its length and lower bound
// as int32, then for each element its length as int32 and its bytes; all in network byte order.
#include "postgres/array.h"

#include <stdbool.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define ASSERT_BYTES(array, literal)                                                                         \
    do {                                                                                                     \
        assert_int_equal((array)->length, sizeof(literal) - 1);                                              \
        assert_memory_equal((array)->data, literal, sizeof(literal) - 1);                                    \
        buffer_free(array);                                                                                  \
    } while (0)

static void bigints(void **state) {
    (void)state;
    struct buffer array;
    buffer_init(&array, 1000);
    pg_array_begin(&array, PG_ELEMENT_BIGINT, 4);
    pg_array_append_bigint(&array, 1);
    pg_array_append_bigint(&array, -2);
    pg_array_append_bigint(&array, INT64_MIN);
    pg_array_append_bigint(&array, 0x0123456789ABCDEF);
    ASSERT_BYTES(&array, "\0\0\0\1"
                         "\0\0\0\0"
                         "\0\0\0\x14"
                         "\0\0\0\4"
                         "\0\0\0\1"
                         "\0\0\0\x08\0\0\0\0\0\0\0\1"
                         "\0\0\0\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE"
                         "\0\0\0\x08\x80\0\0\0\0\0\0\0"
                         "\0\0\0\x08\x01\x23\x45\x67\x89\xAB\xCD\xEF");
}

static void texts_also_empty_ones_and_with_a_zero_byte(void **state) {
    (void)state;
    struct buffer array;
    buffer_init(&array, 1000);
    pg_array_begin(&array, PG_ELEMENT_TEXT, 3);
    pg_array_append_bytes(&array, slice_of_text("abc"));
    pg_array_append_bytes(&array, slice_of_text(""));
    pg_array_append_bytes(&array, (struct slice){"a\0b", 3});
    ASSERT_BYTES(&array, "\0\0\0\1"
                         "\0\0\0\0"
                         "\0\0\0\x19"
                         "\0\0\0\3"
                         "\0\0\0\1"
                         "\0\0\0\3"
                         "abc"
                         "\0\0\0\0"
                         "\0\0\0\3"
                         "a\0b");
}

static void uuids(void **state) {
    (void)state;
    struct buffer array;
    buffer_init(&array, 1000);
    pg_array_begin(&array, PG_ELEMENT_UUID, 1);
    pg_array_append_bytes(&array, (struct slice){"0123456789abcdef", 16});
    ASSERT_BYTES(&array, "\0\0\0\1"
                         "\0\0\0\0"
                         "\0\0\x0B\x86"
                         "\0\0\0\1"
                         "\0\0\0\1"
                         "\0\0\0\x10"
                         "0123456789abcdef");
}

static void an_empty_array_has_no_dimension(void **state) {
    (void)state;
    struct buffer array;
    buffer_init(&array, 1000);
    pg_array_begin(&array, PG_ELEMENT_BIGINT, 0);
    ASSERT_BYTES(&array, "\0\0\0\0"
                         "\0\0\0\0"
                         "\0\0\0\x14");
}

static void a_large_count_and_a_long_text(void **state) {
    (void)state;
    static const char text[70000];
    struct buffer array;
    buffer_init(&array, 100000);
    pg_array_begin(&array, PG_ELEMENT_TEXT, 0x010203);
    pg_array_append_bytes(&array, (struct slice){text, sizeof text});
    assert_int_equal(array.length, 24 + sizeof text);
    assert_memory_equal(array.data + 12, "\0\x01\x02\x03", 4);
    assert_memory_equal(array.data + 20, "\0\x01\x11\x70", 4);
    buffer_free(&array);
}

// A result of one row and column, as the server would have sent it in binary; no data stands for NULL.
static PGresult *result_of_one(struct slice value) {
    char name[] = "value";
    char copy[16] = {0};
    PGresAttDesc attribute = {.name = name, .format = 1};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    assert_non_null(result);
    assert_int_not_equal(PQsetResultAttrs(result, 1, &attribute), 0);
    assert_true(value.length < sizeof copy);
    for (size_t index = 0; index < value.length; index++) {
        copy[index] = value.data[index];
    }
    int length = value.data != NULL ? (int)value.length : -1;
    assert_int_not_equal(PQsetvalue(result, 0, 0, value.data != NULL ? copy : NULL, length), 0);
    return result;
}

static void integers_of_every_size(void **state) {
    (void)state;
    static const struct {
        struct slice bytes;
        int64_t value;
    } cases[] = {
        {{"\0\0", 2}, 0},
        {{"\x7F\xFF", 2}, 32767},
        {{"\x80\0", 2}, -32768},
        {{"\0\0\0\x2A", 4}, 42},
        {{"\xFF\xFF\xFF\xFF", 4}, -1},
        {{"\x80\0\0\0", 4}, INT32_MIN},
        {{"\0\0\0\1\0\0\0\0", 8}, 4294967296},
        {{"\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8}, INT64_MAX},
        {{"\x80\0\0\0\0\0\0\0", 8}, INT64_MIN},
        {{"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE", 8}, -2},
        {{NULL, 0}, 0},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        PGresult *result = result_of_one(cases[index].bytes);
        assert_int_equal(pg_int(result, 0, 0), cases[index].value);
        PQclear(result);
    }
}

static void times_count_from_2000(void **state) {
    (void)state;
    PGresult *result = result_of_one((struct slice){"\0\0\0\0\0\0\0\0", 8});
    assert_int_equal(pg_unix_us(result, 0, 0), 946684800000000); // 2000-01-01T00:00:00Z
    PQclear(result);
    result = result_of_one((struct slice){"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8});
    assert_int_equal(pg_unix_us(result, 0, 0), 946684799999999);
    PQclear(result);
    result = result_of_one((struct slice){"\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8});
    assert_int_equal(pg_unix_us(result, 0, 0), INT64_MAX);
    PQclear(result);
    result = result_of_one((struct slice){"\x80\0\0\0\0\0\0\0", 8});
    assert_int_equal(pg_unix_us(result, 0, 0), INT64_MIN / 4);
    PQclear(result);
}

static void bytes_and_nulls(void **state) {
    (void)state;
    PGresult *result = result_of_one((struct slice){"a\0b", 3});
    struct slice bytes = pg_bytes(result, 0, 0);
    assert_int_equal(bytes.length, 3);
    assert_memory_equal(bytes.data, "a\0b", 4); // libpq puts a zero byte behind
    PQclear(result);
    result = result_of_one((struct slice){NULL, 0});
    bytes = pg_bytes(result, 0, 0);
    assert_int_equal(bytes.length, 0);
    assert_string_equal(bytes.data, "");
    PQclear(result);
}

static void booleans(void **state) {
    (void)state;
    static const struct {
        struct slice bytes;
        bool value;
    } cases[] = {{{"\1", 1}, true}, {{"\0", 1}, false}, {{NULL, 0}, false}, {{"\1\1", 2}, false}};
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        PGresult *result = result_of_one(cases[index].bytes);
        assert_int_equal(pg_bool(result, 0, 0), cases[index].value);
        PQclear(result);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bigints),
        cmocka_unit_test(texts_also_empty_ones_and_with_a_zero_byte),
        cmocka_unit_test(uuids),
        cmocka_unit_test(an_empty_array_has_no_dimension),
        cmocka_unit_test(a_large_count_and_a_long_text),
        cmocka_unit_test(integers_of_every_size),
        cmocka_unit_test(times_count_from_2000),
        cmocka_unit_test(bytes_and_nulls),
        cmocka_unit_test(booleans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
