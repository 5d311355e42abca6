// SPDX-License-Identifier: Apache-2.0
// The one logger: one line an event, on standard error, as text
//     2026-01-31T12:34:56.789Z info  published topic=arn:aws:sns:... events=10
// or as JSON ({"time":...,"level":"info","message":"published","topic":...,"events":10}). Values are escaped
// (no line breaks, no control characters), so that a hostile value cannot forge a line. Never log payloads or
// secrets.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_AS_TEXT, LOG_AS_JSON };

struct log_field {
    const char *name; // NULL ends the list
    const char *text; // the value, when it is a text
    int64_t number;   // the value, when it is a number
    bool is_number;
};

#define LOG_TEXT(field_name, value) ((struct log_field){.name = (field_name), .text = (value)})
#define LOG_INT(field_name, value)                                                                           \
    ((struct log_field){.name = (field_name), .number = (value), .is_number = true})

void log_configure(enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);

// log_write writes one line with a single write(2), cut at 8 KiB (each text value at 1 KiB). `fields` ends
// with a NULL name. A LOG_TEXT value of NULL is written as an empty text. Of warnings and errors with the
// same message and the same first text field, ten are written in ten seconds; the next one after that, or
// log_flush_suppressed, says in `suppressed` how many were not: so the field that tells one cause from
// another comes first.
void log_write(enum log_level level, const char *message, const struct log_field *fields);

// log_flush_suppressed tells of lines that were left out: of those whose ten seconds are over, or of all, at
// the end.
void log_flush_suppressed(bool all);

#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_error(message, ...) log_write(LOG_ERROR, (message), LOG_FIELDS(__VA_ARGS__))
#define log_warn(message, ...) log_write(LOG_WARN, (message), LOG_FIELDS(__VA_ARGS__))
#define log_info(message, ...) log_write(LOG_INFO, (message), LOG_FIELDS(__VA_ARGS__))
#define log_debug(message, ...)                                                                              \
    (log_enabled(LOG_DEBUG) ? log_write(LOG_DEBUG, (message), LOG_FIELDS(__VA_ARGS__)) : (void)0)
