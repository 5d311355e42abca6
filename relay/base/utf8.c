// SPDX-License-Identifier: Apache-2.0
// Reading UTF-8; see utf8.h.
#include "base/utf8.h"

// The length a first byte announces, its own bits, and the smallest character that needs that length.
static size_t announced(unsigned char first, uint32_t *bits, uint32_t *smallest) {
    if (first < 0x80) {
        *bits = first;
        *smallest = 0;
        return 1;
    }
    if (first >= 0xC0 && first < 0xE0) {
        *bits = first & 0x1FU;
        *smallest = 0x80;
        return 2;
    }
    if (first >= 0xE0 && first < 0xF0) {
        *bits = first & 0x0FU;
        *smallest = 0x800;
        return 3;
    }
    if (first >= 0xF0 && first < 0xF8) {
        *bits = first & 0x07U;
        *smallest = 0x10000;
        return 4;
    }
    return 0;
}

size_t utf8_decode(const char *text, size_t length, uint32_t *character) {
    if (length == 0) {
        return 0;
    }
    uint32_t value = 0;
    uint32_t smallest = 0;
    size_t wanted = announced((unsigned char)text[0], &value, &smallest);
    if (wanted == 0 || wanted > length) {
        return 0;
    }
    for (size_t index = 1; index < wanted; index++) {
        unsigned char next = (unsigned char)text[index];
        if ((next & 0xC0) != 0x80) {
            return 0;
        }
        value = (value << 6) | (next & 0x3FU);
    }
    if (value < smallest || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return 0;
    }
    *character = value;
    return wanted;
}
