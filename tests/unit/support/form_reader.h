// SPDX-License-Identifier: Apache-2.0
// Reads a percent-encoded form back into names and values, as a server would: the other half of sns/form.h,
// for tests.
#pragma once

#include "base/slice.h"

#include <stdbool.h>

enum { FORM_FIELDS_MAX = 400 };

struct form_field {
    char *name;
    char *value; // zero-terminated; may hold zero bytes too
    size_t length;
};

struct form {
    char *memory;
    struct form_field fields[FORM_FIELDS_MAX];
    int count;
};

// form_read fails on a bad escape, a byte that must be escaped, a field without "=" or too many fields.
// form_free releases what it read, also after a failure.
bool form_read(struct form *form, struct slice body);
void form_free(struct form *form);

// form_value is the value of a field that is there once, else NULL.
const struct form_field *form_value(const struct form *form, const char *name);

// form_entry_count is the number of entries of a PublishBatch, from their Ids; form_entry_value the text of
// a field ("Message", "MessageGroupId") of entry `index` (from 0), or NULL; form_attribute the value of a
// message attribute, or NULL.
int form_entry_count(const struct form *form);
const char *form_entry_value(const struct form *form, int index, const char *field);
const char *form_attribute(const struct form *form, int index, const char *attribute);
