// SPDX-License-Identifier: Apache-2.0
// Tests of base/log.h: standard error is a pipe here, and each written line is read back from it.
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { TIME_LENGTH = 24, READ_SIZE = 16384 };

static int saved_error;
static int pipe_out;

static int open_pipe(void **state) {
    (void)state;
    int ends[2];
    saved_error = dup(STDERR_FILENO);
    if (pipe2(ends, O_NONBLOCK) != 0 || dup2(ends[1], STDERR_FILENO) < 0) {
        return -1;
    }
    pipe_out = ends[0];
    return close(ends[1]);
}

static int close_pipe(void **state) {
    (void)state;
    (void)dup2(saved_error, STDERR_FILENO);
    (void)close(saved_error);
    log_configure(LOG_INFO, LOG_AS_TEXT);
    return close(pipe_out);
}

// What was written since the last call; "" when nothing was.
static const char *written(void) {
    static char text[READ_SIZE];
    ssize_t length = read(pipe_out, text, sizeof text - 1);
    text[length < 0 ? 0 : length] = '\0';
    return text;
}

static void a_text_line_has_time_level_message_and_fields(void **state) {
    (void)state;
    log_configure(LOG_DEBUG, LOG_AS_TEXT);
    log_info("published", LOG_TEXT("topic", "arn:aws:sns:x"), LOG_INT("events", -10));
    const char *line = written();
    assert_int_equal(line[TIME_LENGTH - 1], 'Z');
    assert_string_equal(line + TIME_LENGTH, " info  published topic=arn:aws:sns:x events=-10\n");
    log_error("e");
    assert_string_equal(written() + TIME_LENGTH, " error e\n");
    log_warn("w");
    assert_string_equal(written() + TIME_LENGTH, " warn  w\n");
    log_debug("d");
    assert_string_equal(written() + TIME_LENGTH, " debug d\n");
}

static void a_json_line_has_the_same(void **state) {
    (void)state;
    log_configure(LOG_INFO, LOG_AS_JSON);
    log_warn("slow \"x\"", LOG_TEXT("topic", "t"), LOG_INT("ms", INT64_MIN), LOG_TEXT("none", NULL));
    const char *line = written();
    assert_memory_equal(line, "{\"time\":\"", 9);
    assert_string_equal(line + 9 + TIME_LENGTH,
                        "\",\"level\":\"warn\",\"message\":\"slow \\\"x\\\"\",\"topic\":\"t\","
                        "\"ms\":-9223372036854775808,\"none\":\"\"}\n");
}

static void levels_below_the_set_one_are_not_written(void **state) {
    (void)state;
    log_configure(LOG_WARN, LOG_AS_TEXT);
    assert_true(log_enabled(LOG_ERROR));
    assert_true(log_enabled(LOG_WARN));
    assert_false(log_enabled(LOG_INFO));
    log_info("no");
    log_debug("no");
    assert_string_equal(written(), "");
    log_warn("yes");
    assert_string_equal(written() + TIME_LENGTH, " warn  yes\n");
}

static void text_values_cannot_forge_a_line_or_a_field(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"plain-1.x", "plain-1.x"},
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"a=b", "\"a=b\""},
        {"say \"x\"", "\"say \\\"x\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"a\nb\r\tc", "a\\nb\\r\\tc"},
        {"\x1b[31m", "\\x1b[31m"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b"
         "31m",
         "\\x9b31m"},
        {"\xff", "\\xff"},
        {"\u00e4\U0001F600", "\u00e4\U0001F600"},
    };
    log_configure(LOG_INFO, LOG_AS_TEXT);
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        log_info("m", LOG_TEXT("v", cases[index][0]));
        const char *line = written() + TIME_LENGTH + strlen(" info  m v=");
        assert_int_equal(strlen(line), strlen(cases[index][1]) + 1);
        assert_memory_equal(line, cases[index][1], strlen(cases[index][1]));
    }
    log_info("two\nlines");
    assert_string_equal(written() + TIME_LENGTH, " info  two\\nlines\n");
}

static void json_values_are_valid_json(void **state) {
    (void)state;
    log_configure(LOG_INFO, LOG_AS_JSON);
    log_info("m", LOG_TEXT("v", "\"\\\n\r\t\x01\x7f\xc2\x85\xff\u20ac"));
    const char *line = strstr(written(), "\"v\":");
    assert_non_null(line);
    assert_string_equal(line, "\"v\":\"\\\"\\\\\\n\\r\\t\\u0001\\u007f\\u0085\\ufffd\u20ac\"}\n");
}

static void long_values_are_cut_between_characters(void **state) {
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text + 1022, "\u20ac", 3); // three bytes of which two would fit
    log_configure(LOG_INFO, LOG_AS_TEXT);
    log_info("m", LOG_TEXT("v", text), LOG_INT("n", 1));
    assert_int_equal(strlen(written() + TIME_LENGTH), strlen(" info  m v=") + 1022 + strlen(" n=1\n"));
}

static void a_line_that_grows_too_long_loses_whole_fields(void **state) {
    (void)state;
    char text[1025];
    memset(text, 1, sizeof text - 1); // six bytes each in JSON
    text[sizeof text - 1] = '\0';
    log_configure(LOG_INFO, LOG_AS_JSON);
    log_info("m", LOG_TEXT("first", text), LOG_TEXT("second", text), LOG_INT("third", 3));
    const char *line = written();
    assert_true(strlen(line) <= 8192);
    assert_non_null(strstr(line, "\"first\":"));
    assert_null(strstr(line, "\"second\":"));
    assert_non_null(strstr(line, "u0001\",\"third\":3}\n"));
    log_configure(LOG_INFO, LOG_AS_TEXT);
    log_info(text, LOG_TEXT("first", text), LOG_INT("third", 3));
    line = written();
    assert_null(strstr(line, "first"));
    assert_non_null(strstr(line, " third=3\n"));
}

static void a_full_pipe_does_not_stop_the_caller(void **state) {
    (void)state;
    char block[4096] = "";
    while (write(STDERR_FILENO, block, sizeof block) > 0) {
    }
    assert_int_equal(errno, EAGAIN);
    log_configure(LOG_INFO, LOG_AS_TEXT);
    log_info("lost");
    while (read(pipe_out, block, sizeof block) > 0) {
    }
    log_info("seen");
    assert_string_equal(written() + TIME_LENGTH, " info  seen\n");
}

static int count_lines(const char *text) {
    int lines = 0;
    for (const char *place = strchr(text, '\n'); place != NULL; place = strchr(place + 1, '\n')) {
        lines++;
    }
    return lines;
}

static void a_warning_that_repeats_is_written_ten_times_and_then_counted(void **state) {
    (void)state;
    log_configure(LOG_INFO, LOG_AS_TEXT);
    for (int64_t count = 0; count < 25; count++) {
        log_warn("it failed", LOG_INT("n", count), LOG_TEXT("topic", "one"));
        log_info("it goes on", LOG_TEXT("topic", "one"));
    }
    assert_int_equal(count_lines(written()), 10 + 25);
    log_warn("it failed", LOG_TEXT("topic", "two"));
    assert_string_equal(written() + TIME_LENGTH, " warn  it failed topic=two\n");
    log_flush_suppressed(false); // the ten seconds are not over
    assert_string_equal(written(), "");
    log_flush_suppressed(true);
    assert_string_equal(written() + TIME_LENGTH,
                        " warn  lines of one kind were left out suppressed=15 of=\"it failed\" topic=one\n");
    log_flush_suppressed(true);
    assert_string_equal(written(), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_warning_that_repeats_is_written_ten_times_and_then_counted,
                                        open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_text_line_has_time_level_message_and_fields, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_json_line_has_the_same, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(levels_below_the_set_one_are_not_written, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(text_values_cannot_forge_a_line_or_a_field, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(json_values_are_valid_json, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(long_values_are_cut_between_characters, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_line_that_grows_too_long_loses_whole_fields, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_full_pipe_does_not_stop_the_caller, open_pipe, close_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
