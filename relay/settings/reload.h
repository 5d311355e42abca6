// SPDX-License-Identifier: Apache-2.0
// Reading the settings of a running process again: the config file, and the files that variables ending in
// _FILE name. Flags and the environment stay as they were at the start.
#pragma once

#include "base/buffer.h"
#include "settings/options.h"
#include "settings/settings.h"

// What a reload has found, as names with ", " between them.
struct settings_changes {
    struct buffer applied;
    struct buffer waiting; // for a restart
};

void settings_changes_init(struct settings_changes *ret);
void settings_changes_free(struct settings_changes *changes);

// settings_read_again fills `ret` as `settings` would be if the process began now. Fails as settings_read
// does; nothing must be freed then. `settings` is not touched.
bool settings_read_again(struct settings *ret, const struct settings *settings, struct error *error);

// settings_adopt moves into `settings` what differs in `fresh`, of the options that reload; `may` (NULL: all
// may) can make an exception for one of them, which waits for a restart then, as all others do. Texts that
// are replaced are wiped and freed, so nobody may have kept a pointer to them: who needs them finds them
// here. A change raises settings->generation. `fresh` is freed.
void settings_adopt(struct settings *settings, struct settings *fresh,
                    bool (*may)(const struct option *option, const struct settings *from,
                                const struct settings *to),
                    struct settings_changes *changes);
