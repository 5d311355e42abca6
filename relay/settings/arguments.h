// SPDX-License-Identifier: Apache-2.0
// A command's arguments, taken apart into options and operands, before any value is read.
#pragma once

#include "base/error.h"
#include "settings/options.h"

struct arguments {
    char *values[OPTION_COUNT]; // what was given for each option of the table, copied; NULL: not given
    const char **operands;      // the caller's, as are the texts
    int operand_limit;
    int operand_count;
};

// arguments_parse understands --flag VALUE, --flag=VALUE, a bare --flag for a boolean (a boolean never takes
// the next argument) and -- before operands that begin with a dash. The last of a repeated flag counts, or
// all, as lines, where it may be repeated. `operands` and `operand_limit` are filled in by the caller. A
// secret's value is overwritten in argv, so that it leaves the process list. arguments_free is needed after a
// failure too.
bool arguments_parse(struct arguments *arguments, const char *command, int argc, char **argv,
                     struct error *error);

// arguments_shown returns an unexpected operand as an error may show it: it could be a database URL whose
// flag was forgotten.
const char *arguments_shown(const char *operand);

// arguments_free wipes and releases the values.
void arguments_free(struct arguments *arguments);
