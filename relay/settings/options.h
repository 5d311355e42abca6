// SPDX-License-Identifier: Apache-2.0
// The table of options: the only place that names them. Reading settings, the help pages and the manual's
// table all come from it.
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_TEXT,
    OPTION_INTEGER,
    OPTION_DURATION, // microseconds
    OPTION_BYTES,
    OPTION_BOOLEAN,
    OPTION_CHOICE, // the index of the word in `choices`
};

// The commands that take options; a set of them is a bit mask.
enum option_command {
    COMMAND_RUN = 1 << 0,
    COMMAND_MIGRATE = 1 << 1,
    COMMAND_PUBLISH = 1 << 2,
    COMMAND_RETRY = 1 << 3,
    COMMAND_PARK = 1 << 4,
    COMMAND_PAUSE = 1 << 5,
    COMMAND_RESUME = 1 << 6,
    COMMAND_CHECK = 1 << 7,
    COMMAND_CONSUME = 1 << 8,
    COMMAND_LAMBDA = 1 << 9,
    COMMAND_STATUS = 1 << 10,
    COMMAND_PRUNE = 1 << 11,
    COMMAND_HEALTHCHECK = 1 << 12,
    COMMAND_ALL = (1 << 13) - 1,
};

struct option {
    const char *flag;        // without the dashes; NULL for what is set by the environment only
    const char *variable;    // the environment variable; NULL for what is given by the flag only
    const char *alternative; // a second variable, looked at when the first is not set; or NULL
    enum option_kind kind;
    bool secret;                // never shown
    bool repeats;               // the flag may be given several times: a text with a line for each
    bool from_file;             // VARIABLE_FILE may name a file that holds it
    bool names_file;            // the value is the path of a file
    bool reloads;               // a running process takes up a new value on SIGHUP
    unsigned commands;          // the set of commands that use it
    size_t offset;              // of the member of struct settings: a char * for OPTION_TEXT, else an int64_t
    const char *fallback;       // the default, written as a user would; "": none
    int64_t minimum, maximum;   // of integers, durations and sizes
    const char *const *choices; // of OPTION_CHOICE, by index; NULL ends them
    const char *help;           // one line
};

enum { OPTION_COUNT = 75 };

extern const struct option options[OPTION_COUNT];

// option_command_mask is the set that holds one command, by name; empty for a command that takes no options.
unsigned option_command_mask(const char *command);

// option_of_variable is the option that an environment variable sets (its alternative and its _FILE count as
// well), or NULL.
const struct option *option_of_variable(const char *name);

// option_parse reads the written value of any option but a text; false when it is malformed or out of range.
// Of an option without a default, an empty text is SETTING_UNSET.
bool option_parse(const struct option *option, const char *text, int64_t *value);

// option_append_allowed appends what may be given: "1 to 1024", "10ms to 1h", "sns, stdout", "true, false";
// nothing for a text.
void option_append_allowed(const struct option *option, struct buffer *out);
