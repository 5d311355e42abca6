// SPDX-License-Identifier: Apache-2.0
// Any bytes as a value of a form: nothing but what RFC 3986 calls unreserved and escapes comes out, and
// reading it back gives the same bytes.
#include "aws/form.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 16 << 20 };

static void check(bool holds) {
    if (!holds) {
        abort();
    }
}

static unsigned digit_value(char digit) {
    static const char digits[] = "0123456789ABCDEF";
    const char *found = memchr(digits, digit, sizeof digits - 1);

    check(found != NULL);
    return (unsigned)(found - digits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buffer form;
    size_t read = 0;

    buffer_init(&form, LIMIT);
    aws_form_encode(&form, (struct slice){(const char *)data, size});
    for (size_t index = 0; index < form.length; index++, read++) {
        unsigned byte = (unsigned char)form.data[index];
        if (byte == '%') {
            check(index + 2 < form.length);
            byte = digit_value(form.data[index + 1]) << 4 | digit_value(form.data[index + 2]);
            check(!isalnum((int)byte) && memchr("-_.~", (int)byte, 4) == NULL);
            index += 2;
        } else {
            check(isalnum((int)byte) || memchr("-_.~", (int)byte, 4) != NULL);
        }
        check(read < size && data[read] == byte);
    }
    check(read == size);
    buffer_free(&form);
    return 0;
}
