// SPDX-License-Identifier: Apache-2.0
// The syntax of config_file.h, one assignment after the other.
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct config_parser {
    const char *path; // for errors
    const char *next;
    const char *end;
    int line;
};

enum config_step { CONFIG_ASSIGNMENT, CONFIG_END, CONFIG_BAD };

// config_parser_begin checks that the bytes are a text (UTF-8 without zero bytes; a byte order mark at the
// start is passed over), which must live on.
bool config_parser_begin(struct config_parser *ret, const char *path, const char *bytes, size_t length,
                         struct error *error);

// config_parser_next reads on to the next assignment and replaces what is in `name` and `value`; `line` is
// where it began.
enum config_step config_parser_next(struct config_parser *parser, struct buffer *name, struct buffer *value,
                                    int *line, struct error *error);

// config_parser_fail sets an error of that line and returns false.
bool config_parser_fail(const char *path, int line, struct error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
