// SPDX-License-Identifier: Apache-2.0
// The growing byte buffer; see buffer.h. `capacity` counts the bytes content may fill; one more is always
// allocated for the zero byte that buffer_text puts behind it.
#include "base/buffer.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST_CAPACITY = 255 };

void buffer_init(struct buffer *buffer, size_t limit) {
    *buffer = (struct buffer){.limit = limit};
}

void buffer_free(struct buffer *buffer) {
    free(buffer->data);
    buffer_init(buffer, buffer->limit);
}

void buffer_free_secret(struct buffer *buffer) {
    memory_wipe(buffer->data, buffer->capacity);
    buffer_free(buffer);
}

void buffer_clear(struct buffer *buffer) {
    buffer->length = 0;
    buffer->overflow = false;
}

// Doubles, within the limit. Not realloc, which would leave a copy of a secret behind; growing is rare, for
// buffers are used again and again.
static void grow(struct buffer *buffer, size_t needed) {
    size_t capacity = buffer->capacity < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buffer->capacity;
    while (capacity < needed) {
        capacity = capacity > buffer->limit / 2 ? buffer->limit : capacity * 2;
    }
    char *data = memory_resize(NULL, capacity + 1, 1);
    if (buffer->data != NULL) {
        memcpy(data, buffer->data, buffer->length);
        memory_wipe(buffer->data, buffer->length);
        free(buffer->data);
    }
    buffer->data = data;
    buffer->capacity = capacity;
}

char *buffer_reserve(struct buffer *buffer, size_t length) {
    if (length > buffer->limit - buffer->length) {
        buffer->overflow = true;
        return NULL;
    }
    if (buffer->data == NULL || length > buffer->capacity - buffer->length) {
        grow(buffer, buffer->length + length);
    }
    return buffer->data + buffer->length;
}

void buffer_advance(struct buffer *buffer, size_t length) {
    buffer->length += length;
}

void buffer_truncate(struct buffer *buffer, size_t length) {
    if (length < buffer->length) {
        buffer->length = length;
    }
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length) {
    char *place = buffer_reserve(buffer, length);
    if (place != NULL && length > 0) {
        memcpy(place, bytes, length);
        buffer->length += length;
    }
}

void buffer_append_char(struct buffer *buffer, char character) {
    buffer_append(buffer, &character, 1);
}

void buffer_append_int(struct buffer *buffer, long long value) {
    char digits[24];
    char *start = digits + sizeof digits;
    // Negated as unsigned, so that the smallest value has an absolute value too.
    unsigned long long rest = value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
    do {
        *--start = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--start = '-';
    }
    buffer_append(buffer, start, (size_t)(digits + sizeof digits - start));
}

void buffer_append_format(struct buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        buffer->overflow = true; // only an impossible format or an encoding error gets here
        return;
    }
    char *place = buffer_reserve(buffer, (size_t)length);
    if (place != NULL) {
        va_start(arguments, format);
        (void)vsnprintf(place, (size_t)length + 1, format, arguments);
        va_end(arguments);
        buffer->length += (size_t)length;
    }
}

const char *buffer_text(struct buffer *buffer) {
    if (buffer->data == NULL) {
        grow(buffer, 0);
    }
    buffer->data[buffer->length] = '\0';
    return buffer->data;
}
