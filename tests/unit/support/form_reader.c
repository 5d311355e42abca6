// SPDX-License-Identifier: Apache-2.0
#include "support/form_reader.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static int digit(char character) {
    static const char digits[] = "0123456789ABCDEF";
    const char *found = character != '\0' ? strchr(digits, character) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

// Decodes in place and returns the new length, or -1.
static long decode(char *text, size_t length) {
    char *out = text;
    for (size_t index = 0; index < length; index++) {
        unsigned char byte = (unsigned char)text[index];
        if (byte == '%' && index + 2 < length && digit(text[index + 1]) >= 0 && digit(text[index + 2]) >= 0) {
            *out++ = (char)(digit(text[index + 1]) * 16 + digit(text[index + 2]));
            index += 2;
        } else if (isalnum(byte) || (byte != 0 && strchr("-_.~", byte) != NULL)) {
            *out++ = (char)byte;
        } else {
            return -1;
        }
    }
    *out = '\0';
    return out - text;
}

// One field, of which the byte behind the end may be overwritten.
static bool read_field(struct form *form, char *text, size_t length) {
    char *equals = memchr(text, '=', length);
    if (equals == NULL || form->count == FORM_FIELDS_MAX) {
        return false;
    }
    char *value = equals + 1;
    long value_length = decode(value, length - (size_t)(value - text));
    if (value_length < 0 || decode(text, (size_t)(equals - text)) < 0) {
        return false;
    }
    form->fields[form->count++] = (struct form_field){text, value, (size_t)value_length};
    return true;
}

bool form_read(struct form *form, struct slice body) {
    form->count = 0;
    form->memory = memory_allocate(body.length + 1, 1);
    memcpy(form->memory, body.data, body.length);
    char *end = form->memory + body.length;
    for (char *text = form->memory; text <= end;) {
        char *stop = memchr(text, '&', (size_t)(end - text));
        stop = stop != NULL ? stop : end;
        if (!read_field(form, text, (size_t)(stop - text))) {
            return false;
        }
        text = stop + 1;
    }
    return true;
}

void form_free(struct form *form) {
    free(form->memory);
    form->memory = NULL;
    form->count = 0;
}

const struct form_field *form_value(const struct form *form, const char *name) {
    const struct form_field *found = NULL;
    for (int index = 0; index < form->count; index++) {
        if (strcmp(form->fields[index].name, name) == 0) {
            if (found != NULL) {
                return NULL;
            }
            found = &form->fields[index];
        }
    }
    return found;
}

const char *form_entry_value(const struct form *form, int index, const char *field) {
    char name[160];
    snprintf(name, sizeof name, "PublishBatchRequestEntries.member.%d.%s", index + 1, field);
    const struct form_field *found = form_value(form, name);
    return found != NULL ? found->value : NULL;
}

int form_entry_count(const struct form *form) {
    int count = 0;
    while (form_entry_value(form, count, "Id") != NULL) {
        count++;
    }
    return count;
}

const char *form_attribute(const struct form *form, int index, const char *attribute) {
    for (int number = 1;; number++) {
        char field[96];
        snprintf(field, sizeof field, "MessageAttributes.entry.%d.Name", number);
        const char *name = form_entry_value(form, index, field);
        if (name == NULL) {
            return NULL;
        }
        if (strcmp(name, attribute) == 0) {
            snprintf(field, sizeof field, "MessageAttributes.entry.%d.Value.StringValue", number);
            return form_entry_value(form, index, field);
        }
    }
}
