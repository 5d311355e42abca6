// SPDX-License-Identifier: Apache-2.0
// Inside of the logger: how many lines of one kind were written lately, so that a failure that repeats a
// thousand times does not hide everything else. Lines are of one kind when message, level and first text
// field are the same. The table is bounded: what finds no place in it is written. Pure: times are monotonic
// microseconds.
#pragma once

#include "base/log.h"

enum {
    LOG_FLOOD_KINDS = 64,
    LOG_FLOOD_LINES = 10, // of a kind within LOG_FLOOD_WINDOW_US; more are suppressed
    LOG_FLOOD_WINDOW_US = 10000000,
    LOG_FLOOD_TEXT_SIZE = 160,
};

struct log_kind {
    uint64_t hash; // 0: the place is free
    enum log_level level;
    char message[LOG_FLOOD_TEXT_SIZE]; // cut, as are the two below
    char field[32];                    // "": the kind has no text field
    char value[LOG_FLOOD_TEXT_SIZE];
    int64_t begin_us; // of the window that is counted
    int written;
    int64_t suppressed; // and not told of yet
};

struct log_flood {
    struct log_kind kinds[LOG_FLOOD_KINDS];
};

// log_flood_pass tells whether a line may be written now; `ret_suppressed` is how many before it were not.
bool log_flood_pass(struct log_flood *flood, enum log_level level, const char *message,
                    const struct log_field *fields, int64_t now_us, int64_t *ret_suppressed);

// log_flood_take returns, once, a kind whose window has ended with lines suppressed; false when there is none
// (more). INT64_MAX as time takes every kind that has any.
bool log_flood_take(struct log_flood *flood, int64_t now_us, struct log_kind *ret);
