// SPDX-License-Identifier: Apache-2.0
// What a handler says, as one line of a reason or a log.
#pragma once

#include "base/slice.h"

enum { LINE_SIZE = 201 };

// line_first copies the first line of `text` that is not blank, cut to what fits. Control characters become a
// space, bytes that are not ASCII a question mark. "" when there is none.
void line_first(struct slice text, char ret[LINE_SIZE]);
