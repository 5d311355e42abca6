// SPDX-License-Identifier: Apache-2.0
#include "message/json.h"

#include "base/block.h"

#include <stdbool.h>
#include <stdint.h>

// U+FFFE is EF BF BE and U+FFFF is EF BF BF in UTF-8. Returns which of the two starts here, or 0.
static unsigned noncharacter_at(const unsigned char *bytes, size_t left) {
    bool is_one = left >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBF && bytes[2] >= 0xBE;
    return is_one ? 0xFF40U + bytes[2] : 0;
}

static void append_escape(struct buffer *buffer, unsigned character) {
    static const char digits[] = "0123456789abcdef";
    const char escape[] = {'\\',
                           'u',
                           digits[character >> 12 & 15],
                           digits[character >> 8 & 15],
                           digits[character >> 4 & 15],
                           digits[character & 15]};
    buffer_append(buffer, escape, sizeof escape);
}

// What cannot be copied as it stands: controls, the first byte of the noncharacters and, inside a string that
// is to be quoted, the quote and the backslash.
enum { SPECIAL_SPLICE = 1, SPECIAL_STRING = 2 };
static const uint8_t special[256] = {
    [0x00 ... 0x1F] = SPECIAL_SPLICE | SPECIAL_STRING,
    ['"'] = SPECIAL_STRING,
    ['\\'] = SPECIAL_STRING,
    [0xEF] = SPECIAL_SPLICE | SPECIAL_STRING,
};

// The same for many bytes: whether any is special.
static bool has_special(block bytes, uint8_t mask) {
    block_marks marks = (bytes < 0x20) | (bytes == 0xEF);
    if (mask == SPECIAL_STRING) {
        marks |= (bytes == '"') | (bytes == '\\');
    }
    return block_has_any(marks);
}

static size_t plain_run(const unsigned char *bytes, size_t left, uint8_t mask) {
    size_t run = 0;
    while (left - run >= BLOCK_SIZE && !has_special(block_at(bytes + run), mask)) {
        run += BLOCK_SIZE;
    }
    while (run < left && !(special[bytes[run]] & mask)) {
        run++;
    }
    return run;
}

// Copies one special byte (or the three of a noncharacter) in its allowed form; returns how many were taken.
static size_t append_special(struct buffer *buffer, const unsigned char *bytes, size_t left, uint8_t mask) {
    unsigned noncharacter = noncharacter_at(bytes, left);
    if (noncharacter != 0) {
        append_escape(buffer, noncharacter);
        return 3;
    }
    if (bytes[0] == 0xEF) {
        buffer_append_char(buffer, (char)bytes[0]);
    } else if (mask == SPECIAL_SPLICE) {
        buffer_append_char(buffer, ' ');
    } else if (bytes[0] >= 0x20) {
        buffer_append_char(buffer, '\\');
        buffer_append_char(buffer, (char)bytes[0]);
    } else {
        append_escape(buffer, bytes[0]);
    }
    return 1;
}

static void append_masked(struct buffer *buffer, struct slice text, uint8_t mask) {
    const unsigned char *bytes = (const unsigned char *)text.data;
    size_t left = text.length;
    while (left > 0) {
        size_t run = plain_run(bytes, left, mask);
        buffer_append(buffer, bytes, run);
        bytes += run;
        left -= run;
        if (left > 0) {
            size_t taken = append_special(buffer, bytes, left, mask);
            bytes += taken;
            left -= taken;
        }
    }
}

void json_append_string(struct buffer *buffer, struct slice text) {
    buffer_append_char(buffer, '"');
    append_masked(buffer, text, SPECIAL_STRING);
    buffer_append_char(buffer, '"');
}

void json_splice(struct buffer *buffer, struct slice json) {
    append_masked(buffer, json, SPECIAL_SPLICE);
}
