// SPDX-License-Identifier: Apache-2.0
#include "aws/form.h"

#include "base/block.h"

#include <stdint.h>
#include <string.h>

enum { CODE_MAX = 3 };

// What a byte is in the form: the first `length` of the characters. (All four bytes are copied; what comes
// next overwrites the rest.)
struct code {
    char first, second, third;
    uint8_t length;
};

#define IS_UNRESERVED(byte)                                                                                  \
    (((byte) >= 'A' && (byte) <= 'Z') || ((byte) >= 'a' && (byte) <= 'z') ||                                 \
     ((byte) >= '0' && (byte) <= '9') || (byte) == '-' || (byte) == '.' || (byte) == '_' || (byte) == '~')
#define DIGIT(value) ((value) < 10 ? '0' + (value) : 'A' - 10 + (value))
#define LENGTH(byte) (IS_UNRESERVED(byte) ? 1 : CODE_MAX)
#define FIRST(byte) ((char)(IS_UNRESERVED(byte) ? (byte) : '%'))
#define CODE(byte)                                                                                           \
    { FIRST(byte), DIGIT((byte) >> 4), DIGIT((byte)&15), LENGTH(byte) }
#define CODES_4(byte) CODE(byte), CODE((byte) + 1), CODE((byte) + 2), CODE((byte) + 3)
#define CODES_16(byte) CODES_4(byte), CODES_4((byte) + 4), CODES_4((byte) + 8), CODES_4((byte) + 12)
#define CODES_64(byte) CODES_16(byte), CODES_16((byte) + 16), CODES_16((byte) + 32), CODES_16((byte) + 48)

static const struct code codes[256] = {CODES_64(0), CODES_64(64), CODES_64(128), CODES_64(192)};

static bool is_plain(block bytes) {
    block_marks letters = (bytes | 0x20) - 'a' < 26;
    block_marks digits = bytes - '0' < 10;
    block_marks others = (bytes == '-') | (bytes == '.') | (bytes == '_') | (bytes == '~');
    return !block_has_any(~(letters | digits | others));
}

static char *encode(char *out, const unsigned char *bytes, size_t length) {
    for (size_t index = 0; index < length; index++) {
        const struct code *code = &codes[bytes[index]];
        memcpy(out, code, sizeof *code);
        out += code->length;
    }
    return out;
}

// Most of a message is letters and digits, so that whole blocks of it can be copied.
void aws_form_encode(struct buffer *form, struct slice value) {
    const unsigned char *bytes = (const unsigned char *)value.data;
    size_t left = value.length;
    char *start = buffer_reserve(form, CODE_MAX * left + 1);
    if (start == NULL) {
        return;
    }
    char *out = start;
    for (; left >= BLOCK_SIZE; bytes += BLOCK_SIZE, left -= BLOCK_SIZE) {
        if (is_plain(block_at(bytes))) {
            memcpy(out, bytes, BLOCK_SIZE);
            out += BLOCK_SIZE;
        } else {
            out = encode(out, bytes, BLOCK_SIZE);
        }
    }
    out = encode(out, bytes, left);
    buffer_advance(form, (size_t)(out - start));
}

void aws_form_begin(struct buffer *form, const char *action, const char *version) {
    buffer_append_text(form, "Action=");
    buffer_append_text(form, action);
    buffer_append_text(form, "&Version=");
    buffer_append_text(form, version);
}

void aws_form_add(struct buffer *form, const char *name, struct slice value) {
    buffer_append_char(form, '&');
    buffer_append_text(form, name);
    buffer_append_char(form, '=');
    aws_form_encode(form, value);
}
