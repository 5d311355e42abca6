// SPDX-License-Identifier: Apache-2.0
// The one error type. A function that can fail takes a struct error as its last parameter, fills it once, at
// the place that knows what happened, to what, and what to do about it, and returns false (or NULL).
#pragma once

#include <stdbool.h>

// The cause of an error. Each value is also the process's exit code, so the values never change; `help
// exit-codes` prints this table.
enum error_code {
    ERROR_NONE = 0,
    ERROR_INTERNAL = 1,    // a defect in this program, or the operating system refused something basic
    ERROR_USAGE = 2,       // a command, an option or a value that is not understood
    ERROR_DATABASE = 3,    // PostgreSQL cannot be reached, or refused a statement
    ERROR_SCHEMA = 4,      // schema outbox is missing, older or newer than this program
    ERROR_CREDENTIALS = 5, // no AWS credentials or region found
    ERROR_PUBLISH = 6,     // the broker cannot be reached, or refused an event or a topic
    ERROR_TIMEOUT = 7,     // a shutdown or a wait took longer than allowed, or healthcheck got no answer
    ERROR_FINDINGS = 8,    // check, status or healthcheck has found what needs a person
};

enum { ERROR_TEXT_SIZE = 1024, ERROR_SQLSTATE_SIZE = 6 };

struct error {
    enum error_code code;
    char text[ERROR_TEXT_SIZE];         // one line, no trailing full stop; longer texts are cut
    char sqlstate[ERROR_SQLSTATE_SIZE]; // of the statement that PostgreSQL refused (migrate/query.h); else ""
};

// error_set fills `error` (which may be NULL) and returns false, so that a caller can `return
// error_set(...)`. Line breaks in the formatted text (libpq's messages end in one) become spaces.
bool error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// error_prefix puts "context: " in front of the text that is already there, and returns false.
bool error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

// error_code_meaning is the one-line meaning of an exit code, for the help pages; NULL for a number that is
// none.
const char *error_code_meaning(int code);
