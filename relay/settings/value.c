// SPDX-License-Identifier: Apache-2.0
// The written forms of values; see value.h.
#include "settings/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    int64_t factor;
};

// From small to large: value_format_duration relies on it.
static const struct unit duration_units[] = {
    {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000}, {"d", 86400000000}, {NULL, 0},
};

static const struct unit byte_units[] = {
    {"", 1},          {"k", 1024},       {"kib", 1024},       {"m", 1048576},
    {"mib", 1048576}, {"g", 1073741824}, {"gib", 1073741824}, {NULL, 0},
};

// Reads the digits `text` begins with and returns the place behind them, or NULL without digits or beyond
// INT64_MAX.
static const char *parse_digits(const char *text, int64_t *value) {
    int64_t number = 0;
    const char *place = text;
    for (; *place >= '0' && *place <= '9'; place++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, *place - '0', &number)) {
            return NULL;
        }
    }
    if (place == text) {
        return NULL;
    }
    *value = number;
    return place;
}

// Reads a number and one of `units`, whose names `compare` tells apart.
static bool parse_with_unit(const char *text, const struct unit *units,
                            int (*compare)(const char *, const char *), int64_t *value) {
    int64_t number = 0;
    const char *suffix = parse_digits(text, &number);
    if (suffix == NULL) {
        return false;
    }
    const struct unit *unit = units;
    while (unit->name != NULL && compare(suffix, unit->name) != 0) {
        unit++;
    }
    if (unit->name == NULL || __builtin_mul_overflow(number, unit->factor, &number)) {
        return false;
    }
    *value = number;
    return true;
}

bool value_parse_integer(const char *text, int64_t *value) {
    int64_t number = 0;
    const char *end = parse_digits(text, &number);
    if (end == NULL || *end != '\0') {
        return false;
    }
    *value = number;
    return true;
}

// Zero needs no unit: it is the same in all of them. The others are lower case only: 5M could be taken for
// months.
bool value_parse_duration(const char *text, int64_t *value) {
    int64_t number = 0;
    if (value_parse_integer(text, &number) && number == 0) {
        *value = 0;
        return true;
    }
    return parse_with_unit(text, duration_units, strcmp, value);
}

bool value_parse_bytes(const char *text, int64_t *value) {
    return parse_with_unit(text, byte_units, strcasecmp, value);
}

bool value_parse_boolean(const char *text, int64_t *value) {
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes"};
    for (size_t index = 0; index < sizeof words / sizeof words[0]; index++) {
        if (strcasecmp(text, words[index]) == 0) {
            *value = (int64_t)(index % 2);
            return true;
        }
    }
    return false;
}

void value_format_duration(int64_t microseconds, char text[VALUE_TEXT_SIZE]) {
    const struct unit *best = duration_units;
    for (const struct unit *unit = duration_units; unit->name != NULL; unit++) {
        if (microseconds % unit->factor == 0) {
            best = unit;
        }
    }
    bool zero = microseconds == 0;
    (void)snprintf(text, VALUE_TEXT_SIZE, "%" PRId64 "%s", microseconds / best->factor,
                   zero ? "" : best->name);
}
