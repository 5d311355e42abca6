// SPDX-License-Identifier: Apache-2.0
// The readers of written values, with any text: what one accepts is not negative, and a duration that is
// written back and read again is the same.
#include "settings/value.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_duration(const char *text) {
    int64_t value = -1;
    if (!value_parse_duration(text, &value)) {
        return;
    }
    char written[VALUE_TEXT_SIZE];
    int64_t again = -1;
    value_format_duration(value, written);
    if (value < 0 || !value_parse_duration(written, &again) || again != value) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char text[64];
    size_t length = size < sizeof text ? size : sizeof text - 1;
    memcpy(text, data, length);
    text[length] = '\0';
    check_duration(text);
    int64_t value = -1;
    if (value_parse_integer(text, &value) && value < 0) {
        abort();
    }
    if (value_parse_bytes(text, &value) && value < 0) {
        abort();
    }
    if (value_parse_boolean(text, &value) && value != 0 && value != 1) {
        abort();
    }
    return 0;
}
