// SPDX-License-Identifier: Apache-2.0
// Tests of base/clock.h: the written forms against the C library's calendar.
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static const struct {
    int64_t unix_us;
    const char *iso8601;
    const char *basic;
} cases[] = {
    {0, "1970-01-01T00:00:00.000Z", "19700101T000000Z"},
    {999, "1970-01-01T00:00:00.000Z", "19700101T000000Z"},
    {1000, "1970-01-01T00:00:00.001Z", "19700101T000000Z"},
    {-1, "1969-12-31T23:59:59.999Z", "19691231T235959Z"},
    {1769862896789999, "2026-01-31T12:34:56.789Z", "20260131T123456Z"},
    {951782400000000, "2000-02-29T00:00:00.000Z", "20000229T000000Z"},
    {951868799999999, "2000-02-29T23:59:59.999Z", "20000229T235959Z"},
    {4107542400000000, "2100-03-01T00:00:00.000Z", "21000301T000000Z"},
    {-62167219200000000, "0000-01-01T00:00:00.000Z", "00000101T000000Z"},
    {-62167219200000001, "0000-01-01T00:00:00.000Z", "00000101T000000Z"},
    {253402300799999999, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
    {253402300800000000, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
    {INT64_MIN, "0000-01-01T00:00:00.000Z", "00000101T000000Z"},
    {INT64_MAX, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
};

static void known_times_are_written_right(void **state) {
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        char text[CLOCK_ISO8601_SIZE];
        char basic[CLOCK_BASIC_SIZE];
        clock_format_iso8601(cases[index].unix_us, text);
        clock_format_basic(cases[index].unix_us, basic);
        assert_string_equal(text, cases[index].iso8601);
        assert_string_equal(basic, cases[index].basic);
    }
}

// Steps of a little less than a day pass through every day of ten thousand years, at changing times of day.
static void every_day_agrees_with_the_c_library(void **state) {
    (void)state;
    for (int64_t second = -62167219200; second <= 253402300799; second += 86399) {
        time_t time = (time_t)second;
        struct tm parts;
        assert_non_null(gmtime_r(&time, &parts));
        char expected[64];
        (void)snprintf(expected, sizeof expected, "%04d%02d%02dT%02d%02d%02dZ", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
        char text[CLOCK_BASIC_SIZE];
        clock_format_basic(second * 1000000, text);
        assert_string_equal(text, expected);
    }
}

static void the_monotonic_clock_does_not_go_back(void **state) {
    (void)state;
    int64_t before = clock_monotonic_us();
    assert_true(before > 0);
    for (int count = 0; count < 1000; count++) {
        int64_t now = clock_monotonic_us();
        assert_true(now >= before);
        before = now;
    }
}

static void the_wall_clock_counts_microseconds_since_1970(void **state) {
    (void)state;
    int64_t earliest = (int64_t)time(NULL) - 1;
    int64_t now = clock_unix_us() / 1000000;
    int64_t latest = (int64_t)time(NULL) + 1;
    assert_true(earliest <= now && now <= latest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times_are_written_right),
        cmocka_unit_test(every_day_agrees_with_the_c_library),
        cmocka_unit_test(the_monotonic_clock_does_not_go_back),
        cmocka_unit_test(the_wall_clock_counts_microseconds_since_1970),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
