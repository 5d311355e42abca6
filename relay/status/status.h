// SPDX-License-Identifier: Apache-2.0
// outbox.report() for a person.
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <stddef.h>

enum { STATUS_WIDTH_LEAST = 40 };

// status_append appends the report, a JSON object as outbox.report() answers it, in lines of about `width`
// columns; `out` NULL: only counts. Returns how many things need a person (attention.h), or -1 with an error
// when it is no JSON object.
int status_append(const char *report, size_t width, struct buffer *out, struct error *error);
