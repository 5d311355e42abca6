// SPDX-License-Identifier: Apache-2.0
// The help pages that the table of options writes itself.
#pragma once

#include "base/buffer.h"

// help_append_options appends the options of a command; nothing for a command that takes none.
void help_append_options(struct buffer *out, const char *command);

// help_append_table appends all options as Markdown tables, as the manual shows them.
void help_append_table(struct buffer *out);
