// SPDX-License-Identifier: Apache-2.0
// A view of bytes that somebody else owns.
#pragma once

#include <stddef.h>
#include <string.h>

struct slice {
    const char *data;
    size_t length;
};

// slice_of_text is a view of a zero-terminated string.
static inline struct slice slice_of_text(const char *text) {
    return (struct slice){.data = text, .length = strlen(text)};
}
