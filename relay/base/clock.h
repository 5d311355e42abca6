// SPDX-License-Identifier: Apache-2.0
// Time: three clocks in microseconds, and their written forms.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CLOCK_ISO8601_SIZE = 25, CLOCK_BASIC_SIZE = 17 };

int64_t clock_monotonic_us(void); // for measuring and for time-outs; never goes back
int64_t clock_boot_us(void);      // the same, but goes on while the machine sleeps, as timers do not
int64_t clock_unix_us(void);      // wall clock, microseconds since 1970-01-01 UTC

// clock_format_iso8601 writes "2026-01-31T12:34:56.789Z" (milliseconds, cut, not rounded) and a zero byte.
// Years are clamped to 0000..9999.
void clock_format_iso8601(int64_t unix_us, char text[CLOCK_ISO8601_SIZE]);

// clock_format_basic writes "20260131T123456Z", the form SigV4 signs, and a zero byte.
void clock_format_basic(int64_t unix_us, char text[CLOCK_BASIC_SIZE]);
