// SPDX-License-Identifier: Apache-2.0
// Dates of HTTP against the C library's calendar, and everything that only looks like one.
#include "http/date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { DATE_SIZE = 64 };

static void write_date(int64_t second, char text[DATE_SIZE]) {
    time_t time = (time_t)second;
    struct tm parts;
    assert_non_null(gmtime_r(&time, &parts));
    assert_int_equal(strftime(text, DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &parts), 29);
}

// Steps of a little less than a day pass through every day of eight thousand years, at changing times of day.
static void reads_every_day(void **state) {
    (void)state;
    for (int64_t second = 0; second <= 253402300799; second += 86399) {
        char text[DATE_SIZE];
        int64_t read = -1;
        write_date(second, text);
        assert_true(http_date_parse(text, &read));
        assert_true(read == second * 1000000);
    }
}

static void reads_the_example_of_the_rfc(void **state) {
    int64_t read = -1;
    (void)state;
    assert_true(http_date_parse("Sun, 06 Nov 1994 08:49:37 GMT", &read));
    assert_true(read == INT64_C(784111777000000));
    assert_true(http_date_parse("Sat, 31 Dec 2016 23:59:60 GMT", &read)); // a leap second
    assert_true(read == INT64_C(1483228800000000));
}

static void refuses_what_is_no_date(void **state) {
    static const char *const texts[] = {
        "",
        "x",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06  Nov 1994 08:49:37 GM",
        "Mon, 06 Nov 1994 08:49:37 GMT", // it was a Sunday
        "unM, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 anF 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Thu, 31 Nov 1994 08:49:37 GMT",
        "Tue, 29 Feb 1994 08:49:37 GMT",
        "Mon, 29 Feb 2100 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 +8:49:37 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 19940 8:49:37 GMT",
        "2026-01-31T12:34:56Z",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    };
    int64_t read = 42;
    (void)state;
    assert_false(http_date_parse(NULL, &read));
    for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
        if (http_date_parse(texts[index], &read)) {
            fail_msg("\"%s\" was taken for a date", texts[index]);
        }
    }
    assert_int_equal(read, 42);
}

// Every byte but the digits stands for itself; a date with another in its place is none.
static void refuses_a_changed_byte(void **state) {
    static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    int64_t read;
    (void)state;
    for (size_t place = 0; place < sizeof date - 1; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[sizeof date];
            memcpy(text, date, sizeof date);
            text[place] = (char)byte;
            bool is_digit = byte >= '0' && byte <= '9';
            if (byte != date[place] && !is_digit) {
                assert_false(http_date_parse(text, &read));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_day),
        cmocka_unit_test(reads_the_example_of_the_rfc),
        cmocka_unit_test(refuses_what_is_no_date),
        cmocka_unit_test(refuses_a_changed_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
