// SPDX-License-Identifier: Apache-2.0
// Tests of base/buffer.h.
#include "base/buffer.h"

#include <limits.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static struct buffer filled(size_t limit, const char *text) {
    struct buffer buffer;
    buffer_init(&buffer, limit);
    buffer_append_text(&buffer, text);
    return buffer;
}

static void text_of_an_empty_buffer_is_empty(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_null(buffer.data);
    assert_string_equal(buffer_text(&buffer), "");
    assert_false(buffer.overflow);
    buffer_free(&buffer);
}

static void appends_of_all_kinds_follow_each_other(void **state) {
    (void)state;
    struct buffer buffer = filled(1000, "a");
    buffer_append(&buffer, "b\0c", 3);
    buffer_append_char(&buffer, 'd');
    buffer_append_int(&buffer, -12);
    buffer_append_format(&buffer, "%s-%d", "e", 7);
    buffer_append(&buffer, NULL, 0);
    assert_int_equal(buffer.length, 11);
    assert_memory_equal(buffer_text(&buffer), "ab\0cd-12e-7", 12);
    buffer_free(&buffer);
}

static void integers_reach_both_ends(void **state) {
    (void)state;
    struct buffer buffer = filled(1000, "");
    buffer_append_int(&buffer, LLONG_MIN);
    buffer_append_char(&buffer, ' ');
    buffer_append_int(&buffer, LLONG_MAX);
    buffer_append_char(&buffer, ' ');
    buffer_append_int(&buffer, 0);
    assert_string_equal(buffer_text(&buffer), "-9223372036854775808 9223372036854775807 0");
    buffer_free(&buffer);
}

static void the_limit_itself_fits(void **state) {
    (void)state;
    struct buffer buffer = filled(5, "12345");
    assert_false(buffer.overflow);
    assert_string_equal(buffer_text(&buffer), "12345");
    buffer_free(&buffer);
}

static void what_passes_the_limit_is_left_out_whole(void **state) {
    (void)state;
    struct buffer buffer = filled(5, "123");
    buffer_append_text(&buffer, "456");
    assert_true(buffer.overflow);
    assert_string_equal(buffer_text(&buffer), "123");
    buffer_append_format(&buffer, "%d", 456);
    assert_string_equal(buffer_text(&buffer), "123");
    buffer_append_char(&buffer, '4');
    assert_string_equal(buffer_text(&buffer), "1234");
    assert_true(buffer.overflow); // stays until the buffer is cleared
    buffer_clear(&buffer);
    assert_false(buffer.overflow);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_free(&buffer);
}

static void a_size_that_would_wrap_around_is_refused(void **state) {
    (void)state;
    struct buffer buffer = filled(SIZE_MAX / 4, "123");
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer.overflow);
    assert_int_equal(buffer.length, 3);
    buffer_free(&buffer);
}

static void growing_keeps_the_content(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 100000);
    for (int number = 0; number < 20000; number++) {
        buffer_append_char(&buffer, (char)('a' + number % 26));
    }
    assert_int_equal(buffer.length, 20000);
    for (int number = 0; number < 20000; number++) {
        assert_int_equal(buffer.data[number], 'a' + number % 26);
    }
    buffer_free(&buffer);
}

static void reserved_room_is_used_by_advancing(void **state) {
    (void)state;
    struct buffer buffer = filled(700, "x");
    char *place = buffer_reserve(&buffer, 600);
    assert_non_null(place);
    place[0] = 'y';
    place[1] = 'z';
    assert_int_equal(buffer.length, 1);
    buffer_advance(&buffer, 2);
    assert_string_equal(buffer_text(&buffer), "xyz");
    assert_null(buffer_reserve(&buffer, 698));
    buffer_free(&buffer);
}

static void truncating_cuts_but_never_lengthens(void **state) {
    (void)state;
    struct buffer buffer = filled(100, "abcdef");
    buffer_truncate(&buffer, 3);
    assert_string_equal(buffer_text(&buffer), "abc");
    buffer_truncate(&buffer, 50);
    assert_int_equal(buffer.length, 3);
    buffer_free(&buffer);
}

static void a_freed_buffer_can_be_used_again_within_its_limit(void **state) {
    (void)state;
    struct buffer buffer = filled(4, "abcd");
    buffer_free_secret(&buffer);
    assert_null(buffer.data);
    buffer_append_text(&buffer, "abcde");
    assert_true(buffer.overflow);
    buffer_clear(&buffer);
    buffer_append_text(&buffer, "wxyz");
    assert_string_equal(buffer_text(&buffer), "wxyz");
    buffer_free(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_an_empty_buffer_is_empty),
        cmocka_unit_test(appends_of_all_kinds_follow_each_other),
        cmocka_unit_test(integers_reach_both_ends),
        cmocka_unit_test(the_limit_itself_fits),
        cmocka_unit_test(what_passes_the_limit_is_left_out_whole),
        cmocka_unit_test(a_size_that_would_wrap_around_is_refused),
        cmocka_unit_test(growing_keeps_the_content),
        cmocka_unit_test(reserved_room_is_used_by_advancing),
        cmocka_unit_test(truncating_cuts_but_never_lengthens),
        cmocka_unit_test(a_freed_buffer_can_be_used_again_within_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
