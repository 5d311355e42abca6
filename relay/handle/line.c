// SPDX-License-Identifier: Apache-2.0
#include "handle/line.h"

static char printable(char character) {
    unsigned char byte = (unsigned char)character;
    return (char)(byte > '~' && byte != 0x7F ? '?' : byte < ' ' || byte == 0x7F ? ' ' : character);
}

void line_first(struct slice text, char ret[LINE_SIZE]) {
    size_t start = 0, length = 0;
    while (start < text.length && printable(text.data[start]) == ' ') {
        start++;
    }
    while (start + length < text.length && length < LINE_SIZE - 1 && text.data[start + length] != '\n') {
        ret[length] = printable(text.data[start + length]);
        length++;
    }
    while (length > 0 && ret[length - 1] == ' ') {
        length--;
    }
    ret[length] = '\0';
}
