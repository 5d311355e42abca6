// SPDX-License-Identifier: Apache-2.0
#include "base/traceparent.h"

static const char shape[] = "00-00000000000000000000000000000000-0000000000000000-00"; // 0: a digit

static bool has_shape(const char *text) {
    for (size_t index = 0; index < TRACEPARENT_LENGTH; index++) {
        char character = text[index];
        bool is_digit = (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f');
        if (shape[index] == '0' ? !is_digit : character != '-') {
            return false;
        }
    }
    return true;
}

bool traceparent_is_valid(struct slice traceparent) {
    const char *text = traceparent.data;
    return traceparent.length == TRACEPARENT_LENGTH && has_shape(text) && memcmp(text, "ff", 2) != 0 &&
           memcmp(text + 3, shape + 3, 32) != 0 && memcmp(text + 36, shape + 36, 16) != 0;
}
