// SPDX-License-Identifier: Apache-2.0
// Tests of settings/value.h.
#include "settings/value.h"

#include <stdio.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

typedef bool (*parse_fn)(const char *text, int64_t *value);

struct valid {
    parse_fn parse;
    const char *text;
    int64_t value;
};

static const struct valid valid_values[] = {
    {value_parse_integer, "0", 0},
    {value_parse_integer, "007", 7},
    {value_parse_integer, "9223372036854775807", INT64_MAX},
    {value_parse_duration, "0", 0},
    {value_parse_duration, "0s", 0},
    {value_parse_duration, "500ms", 500000},
    {value_parse_duration, "10s", 10000000},
    {value_parse_duration, "5m", 300000000},
    {value_parse_duration, "2h", 7200000000},
    {value_parse_duration, "7d", 604800000000},
    {value_parse_duration, "106751991d", 9223372022400000000},
    {value_parse_bytes, "262144", 262144},
    {value_parse_bytes, "256k", 262144},
    {value_parse_bytes, "256K", 262144},
    {value_parse_bytes, "256KiB", 262144},
    {value_parse_bytes, "1m", 1048576},
    {value_parse_bytes, "1MiB", 1048576},
    {value_parse_bytes, "2g", 2147483648},
    {value_parse_bytes, "2GiB", 2147483648},
    {value_parse_boolean, "true", 1},
    {value_parse_boolean, "TRUE", 1},
    {value_parse_boolean, "1", 1},
    {value_parse_boolean, "yes", 1},
    {value_parse_boolean, "false", 0},
    {value_parse_boolean, "0", 0},
    {value_parse_boolean, "No", 0},
};

static const struct valid invalid_values[] = {
    {value_parse_integer, "", 0},
    {value_parse_integer, "-1", 0},
    {value_parse_integer, "+1", 0},
    {value_parse_integer, " 1", 0},
    {value_parse_integer, "1 ", 0},
    {value_parse_integer, "1.0", 0},
    {value_parse_integer, "1e3", 0},
    {value_parse_integer, "0x10", 0},
    {value_parse_integer, "ten", 0},
    {value_parse_integer, "9223372036854775808", 0},
    {value_parse_integer, "99999999999999999999", 0},
    {value_parse_duration, "", 0},
    {value_parse_duration, "10", 0},
    {value_parse_duration, "s", 0},
    {value_parse_duration, "10 s", 0},
    {value_parse_duration, "1.5s", 0},
    {value_parse_duration, "1h30m", 0},
    {value_parse_duration, "10sec", 0},
    {value_parse_duration, "5M", 0},
    {value_parse_duration, "-1s", 0},
    {value_parse_duration, "106751992d", 0},
    {value_parse_bytes, "", 0},
    {value_parse_bytes, "k", 0},
    {value_parse_bytes, "1kb", 0},
    {value_parse_bytes, "1 k", 0},
    {value_parse_bytes, "-1", 0},
    {value_parse_bytes, "8589934592g", 0},
    {value_parse_boolean, "", 0},
    {value_parse_boolean, "on", 0},
    {value_parse_boolean, "2", 0},
    {value_parse_boolean, "truely", 0},
};

static void well_formed_values_are_read(void **state) {
    (void)state;
    for (size_t index = 0; index < sizeof valid_values / sizeof valid_values[0]; index++) {
        int64_t value = -1;
        print_message("%s\n", valid_values[index].text);
        assert_true(valid_values[index].parse(valid_values[index].text, &value));
        assert_int_equal(value, valid_values[index].value);
    }
}

static void malformed_values_are_refused_and_change_nothing(void **state) {
    (void)state;
    for (size_t index = 0; index < sizeof invalid_values / sizeof invalid_values[0]; index++) {
        int64_t value = -77;
        print_message("%s\n", invalid_values[index].text);
        assert_false(invalid_values[index].parse(invalid_values[index].text, &value));
        assert_int_equal(value, -77);
    }
}

static void durations_are_written_in_the_largest_exact_unit(void **state) {
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},          {1000, "1ms"},      {1500000, "1500ms"}, {60000000, "1m"},
                 {90000000, "90s"}, {3600000000, "1h"}, {86400000000, "1d"}, {604800000000, "7d"}};
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        char text[VALUE_TEXT_SIZE];
        int64_t value = -1;
        value_format_duration(cases[index].value, text);
        assert_string_equal(text, cases[index].text);
        assert_true(value_parse_duration(text, &value));
        assert_int_equal(value, cases[index].value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_values_are_read),
        cmocka_unit_test(malformed_values_are_refused_and_change_nothing),
        cmocka_unit_test(durations_are_written_in_the_largest_exact_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
