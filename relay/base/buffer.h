// SPDX-License-Identifier: Apache-2.0
// The one growing byte buffer. Every buffer has a limit; an append that would pass it appends nothing and
// sets `overflow`, which stays set until buffer_clear, so that a writer may append many parts and look once
// at the end.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buffer {
    char *data; // NULL until the first append; not zero-terminated, see buffer_text
    size_t length;
    size_t capacity;
    size_t limit; // the largest length allowed
    bool overflow;
};

// buffer_init prepares an empty buffer; nothing is allocated yet.
void buffer_init(struct buffer *buffer, size_t limit);
void buffer_free(struct buffer *buffer);        // releases the memory; the limit stays
void buffer_free_secret(struct buffer *buffer); // wipes, then releases
void buffer_clear(struct buffer *buffer);       // length 0 and no overflow; keeps the memory

void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_append_char(struct buffer *buffer, char character);
void buffer_append_int(struct buffer *buffer, long long value); // decimal
void buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// (Here, so that the length of a literal is no work.)
static inline void buffer_append_text(struct buffer *buffer, const char *text) {
    buffer_append(buffer, text, strlen(text));
}

// buffer_reserve makes room for `length` more bytes and returns where they go, or NULL (overflow set) when
// the limit forbids it. The caller writes there and then calls buffer_advance with what it really wrote.
char *buffer_reserve(struct buffer *buffer, size_t length);
void buffer_advance(struct buffer *buffer, size_t length);

// buffer_truncate cuts the buffer back to an earlier length.
void buffer_truncate(struct buffer *buffer, size_t length);

// buffer_text returns the content as a zero-terminated string that lives until the next append.
const char *buffer_text(struct buffer *buffer);
