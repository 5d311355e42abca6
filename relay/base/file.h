// SPDX-License-Identifier: Apache-2.0
// Reading a whole file that may hold a secret.
#pragma once

#include "base/buffer.h"

#include <stdbool.h>

// file_read appends the content of a file. It never waits: a pipe that nobody writes to is empty. Returns
// false with errno when the file cannot be read; EFBIG when it does not fit in the buffer's limit. No copy is
// left behind; the caller releases the buffer (buffer_free_secret), after a failure too.
bool file_read(struct buffer *ret, const char *path);
