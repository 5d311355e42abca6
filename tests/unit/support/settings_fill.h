// SPDX-License-Identifier: Apache-2.0
// Settings for a test that names only those it is about.
#pragma once

#include "settings/settings.h"

// settings_fill makes every text that is NULL the empty one, as if it were not set, and unsets the numbers
// that have no default.
void settings_fill(struct settings *settings);
