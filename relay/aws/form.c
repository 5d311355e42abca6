// SPDX-License-Identifier: Apache-2.0
#include "aws/form.h"

#include <stdint.h>

static const uint8_t unreserved[256] = {
    ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1, ['-'] = 1, ['_'] = 1, ['.'] = 1, ['~'] = 1,
};

void aws_form_encode(struct buffer *form, struct slice value) {
    static const char digits[] = "0123456789ABCDEF";
    char *out = buffer_reserve(form, value.length * 3);
    if (out == NULL) {
        return;
    }
    char *next = out;
    for (size_t index = 0; index < value.length; index++) {
        unsigned char byte = (unsigned char)value.data[index];
        if (unreserved[byte]) {
            *next++ = (char)byte;
        } else {
            next[0] = '%';
            next[1] = digits[byte >> 4];
            next[2] = digits[byte & 15];
            next += 3;
        }
    }
    buffer_advance(form, (size_t)(next - out));
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
