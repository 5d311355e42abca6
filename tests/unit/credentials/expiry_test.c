// SPDX-License-Identifier: Apache-2.0
// Times at which credentials expire: the forms that are taken, and that nothing else is.
#include "base/clock.h"
#include "credentials/expiry.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void takes_every_form_that_aws_writes(void **state) {
    static const struct {
        const char *text;
        int64_t expected;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-31T12:34:56Z", 1769862896000000},
        {"2026-01-31T12:34:56.7Z", 1769862896700000},
        {"2026-01-31T12:34:56.789123Z", 1769862896789123},
        {"2026-01-31T12:34:56.789123999Z", 1769862896789123},
        {"2026-01-31T12:34:56UTC", 1769862896000000},
        {"2026-01-31T12:34:56+00:00", 1769862896000000},
        {"2026-01-31T12:34:56+0000", 1769862896000000},
        {"2026-01-31T13:34:56+01:00", 1769862896000000},
        {"2026-01-31T07:04:56-05:30", 1769862896000000},
        {"2024-02-29T00:00:00Z", 1709164800000000},
        {"2000-02-29T23:59:59Z", 951868799000000},
        {"0001-01-01T00:00:00Z", -62135596800000000},
        {"9999-12-31T23:59:59Z", 253402300799000000},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        int64_t actual = -1;
        if (!expiry_parse(cases[index].text, &actual) || actual != cases[index].expected) {
            fail_msg("%s is %lld", cases[index].text, (long long)actual);
        }
    }
}

static void takes_nothing_else(void **state) {
    static const char *const cases[] = {
        "",
        "tomorrow",
        "2026-01-31",
        "2026-01-31T12:34:56",
        "2026-01-31T12:34Z",
        "2026-01-31 12:34:56Z",
        "2026-01-31t12:34:56z",
        " 2026-01-31T12:34:56Z",
        "2026-01-31T12:34:56Z ",
        "2026-01-31T12:34:56ZZ",
        "2026-1-31T12:34:56Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T23:60:00Z",
        "2026-01-31T23:59:60Z",
        "2026-01-31T12:34:56.Z",
        "2026-01-31T12:34:56.1234567890Z",
        "2026-01-31T12:34:56,5Z",
        "2026-01-31T12:34:56+1",
        "2026-01-31T12:34:56+24:00",
        "2026-01-31T12:34:56+00:60",
        "2026-01-31T12:34:56+00:00x",
        "2026-01-31T12:34:56GMT",
        "0000-01-01T00:00:00Z",
        "-026-01-31T12:34:56Z",
        "12026-01-31T12:34:56Z",
        "1769862896",
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        int64_t value = 42;
        if (expiry_parse(cases[index], &value)) {
            fail_msg("\"%s\" is taken", cases[index]);
        }
        assert_int_equal(value, 42);
    }
}

// Every day of 400 years, by the way there and back.
static void agrees_with_the_calendar_that_is_written(void **state) {
    char text[CLOCK_ISO8601_SIZE];

    (void)state;
    for (int64_t day = -30000; day < 146097 - 30000; day++) {
        int64_t expected = (day * 86400 + 12345) * 1000000, actual = 0;
        clock_format_iso8601(expected, text);
        assert_true(expiry_parse(text, &actual));
        assert_int_equal(actual, expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_form_that_aws_writes),
        cmocka_unit_test(takes_nothing_else),
        cmocka_unit_test(agrees_with_the_calendar_that_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
