// SPDX-License-Identifier: Apache-2.0
// The manual page, from the tables of commands and options.
#pragma once

#include "base/buffer.h"

// manual_append appends outbox-relay(1) as roff with the man macros (groff_man(7)).
void manual_append(struct buffer *out);
