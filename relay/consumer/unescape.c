// SPDX-License-Identifier: Apache-2.0
// The text of a JSON string, of which members.c has checked the form. Source: RFC 8259, section 7.
#include "consumer/members.h"

#include <stdint.h>

static uint32_t digit_value(char digit) {
    return (uint32_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

// The number of \u0041, whose backslash is at `text`.
static uint32_t read_unit(const char *text) {
    uint32_t unit = 0;
    for (int index = 2; index < 6; index++) {
        unit = unit << 4 | digit_value(text[index]);
    }
    return unit;
}

static size_t write_utf8(char *to, uint32_t character) {
    if (character < 0x80) {
        to[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        to[0] = (char)(0xC0 | character >> 6);
        to[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        to[0] = (char)(0xE0 | character >> 12);
        to[1] = (char)(0x80 | (character >> 6 & 0x3F));
        to[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | character >> 18);
    to[1] = (char)(0x80 | (character >> 12 & 0x3F));
    to[2] = (char)(0x80 | (character >> 6 & 0x3F));
    to[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

// Reads one escape by \u, or two that are a surrogate pair. 0: it stands for no character of a text.
static uint32_t take_unicode(const char **next, const char *end) {
    uint32_t unit = read_unit(*next);
    *next += 6;
    if (unit < 0xD800 || unit > 0xDFFF) {
        return unit;
    }
    if (unit > 0xDBFF || end - *next < 6 || (*next)[0] != '\\' || (*next)[1] != 'u') {
        return 0;
    }
    uint32_t low = read_unit(*next);
    *next += 6;
    return low >= 0xDC00 && low <= 0xDFFF ? 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00) : 0;
}

static uint32_t take_escape(const char **next, const char *end) {
    char kind = (*next)[1];
    if (kind == 'u') {
        return take_unicode(next, end);
    }
    *next += 2;
    switch (kind) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return (unsigned char)kind;
    }
}

bool json_unescape(struct slice raw, char *to, size_t *ret_length) {
    const char *next = raw.data + 1;
    const char *end = raw.data + raw.length - 1;
    char *begin = to;
    while (next < end) {
        const char *escape = memchr(next, '\\', (size_t)(end - next));
        size_t plain = (size_t)((escape != NULL ? escape : end) - next);
        memcpy(to, next, plain);
        to += plain;
        next += plain;
        if (next < end) {
            uint32_t character = take_escape(&next, end);
            if (character == 0) {
                return false;
            }
            to += write_utf8(to, character);
        }
    }
    *ret_length = (size_t)(to - begin);
    return true;
}
