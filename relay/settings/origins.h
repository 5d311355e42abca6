// SPDX-License-Identifier: Apache-2.0
// Inside of the module: where each setting came from, so that a reload knows which of them are to be read
// again.
#pragma once

#include "settings/lookup.h"
#include "settings/settings.h"

struct settings_origins {
    unsigned commands;
    struct config_file file; // empty: there is none
    enum origin of[OPTION_COUNT];
};

// settings_read_values fills all of `settings`, whose origins are set, from the places of `lookup`. With
// `kept`, what came from a flag or a variable there stays as it is. On failure what was filled must be freed.
bool settings_read_values(struct settings *settings, const struct lookup *lookup, const struct settings *kept,
                          struct error *error);

// The member of an option.
char **settings_text(struct settings *settings, const struct option *option);
int64_t *settings_number(struct settings *settings, const struct option *option);
