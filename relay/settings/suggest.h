// SPDX-License-Identifier: Apache-2.0
// What a mistyped option was probably meant to be.
#pragma once

#include <stddef.h>

// suggest_flag returns the flag (without dashes) nearest to the first `length` bytes of `name` among those
// that a command of `commands` accepts, or NULL when none is close: more than two edits away, or more than a
// third of the name.
const char *suggest_flag(const char *name, size_t length, unsigned commands);

// suggest_variable does the same for an environment variable, whatever the command.
const char *suggest_variable(const char *name);
