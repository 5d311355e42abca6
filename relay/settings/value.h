// SPDX-License-Identifier: Apache-2.0
// The written forms of values: numbers, durations, sizes and booleans, read from text and written back. All
// of them return false, and leave `value` as it was, for a text that is not exactly of the form.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VALUE_TEXT_SIZE = 32 };

// value_parse_integer reads decimal digits and nothing else (no sign, no blanks), up to INT64_MAX.
bool value_parse_integer(const char *text, int64_t *value);

// value_parse_duration reads 500ms, 10s, 5m, 2h, 7d or a plain 0, into microseconds.
bool value_parse_duration(const char *text, int64_t *value);

// value_parse_bytes reads 262144, 256k or 256KiB, 1m or 1MiB, 1g or 1GiB (letters in either case), into
// bytes.
bool value_parse_bytes(const char *text, int64_t *value);

// value_parse_boolean reads true, 1, yes, false, 0 or no (letters in either case).
bool value_parse_boolean(const char *text, int64_t *value);

// value_format_duration writes microseconds in the largest unit that is exact, in milliseconds at least:
// 300000000 is "5m".
void value_format_duration(int64_t microseconds, char text[VALUE_TEXT_SIZE]);
