// SPDX-License-Identifier: Apache-2.0
// Where an option's value is looked for: among the flags, then in the environment, then in the config file;
// it is else its default. In the environment and in the file, VARIABLE_FILE may name a file instead (some
// secrets).
#pragma once

#include "base/error.h"
#include "settings/arguments.h"
#include "settings/config_file.h"
#include "settings/options.h"

#include <stdbool.h>

enum { FOUND_NAME_SIZE = 320 };

enum origin {
    ORIGIN_DEFAULT,
    ORIGIN_FLAG,
    ORIGIN_ENVIRONMENT, // the variable itself
    ORIGIN_FILE,        // the config file, or a file that either names: read again on SIGHUP
};

// A value, and where it came from, as an error names it: "--sink", "OUTBOX_SINK", "DATABASE_URL_FILE", or
// "OUTBOX_SINK (line 3 of /etc/outbox-relay.env)".
struct found {
    char *text; // owned
    char name[FOUND_NAME_SIZE];
    enum origin origin;
};

struct lookup {
    const struct arguments *arguments; // NULL: none
    const struct config_file *file;    // NULL: none
    unsigned commands;                 // of an option of other commands only the default is taken
};

// lookup_find finds the value; fails when it is set twice, or a file that it is in cannot be read.
bool lookup_find(const struct lookup *lookup, const struct option *option, struct found *ret,
                 struct error *error);

// lookup_config returns the path of the config file, or NULL: that of its flag, else its variable's.
const char *lookup_config(const struct arguments *arguments);
