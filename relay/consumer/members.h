// SPDX-License-Identifier: Apache-2.0
// JSON that somebody else has written, taken apart without being changed: the members of an object as the
// text they stand in, so that 12345678901234567890 and 1.10 stay what they are. Strict as RFC 8259, UTF-8
// checked, no recursion.
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    MEMBERS_DEPTH_MAX = 1000, // arrays and objects within each other
    MEMBER_NAME_MAX = 32,     // bytes of a name that is looked for
};

enum json_kind { JSON_INVALID, JSON_OBJECT, JSON_OTHER };

struct member {
    const char *name; // what is looked for, in UTF-8
    struct slice raw; // its value as it stands, without white space around it; data is NULL when it is absent
    bool twice;       // the object has it more than once; raw is the last
};

// members_read reads a JSON text from its first byte to its last and, when it is an object, finds the members
// in it. A name that is written with escapes is the same name. JSON_INVALID comes with what is wrong in
// `ret_fault`, a constant to be put behind a subject: "is not JSON".
enum json_kind members_read(struct slice json, struct member *members, int count, const char **ret_fault);

bool member_is_null(const struct member *member); // absent, or the value null

// json_unescape writes the text of a valid JSON string (with its quotes) to `to`, which must have room for
// raw.length bytes. False when there is no such text: it would hold a zero byte, or half of a surrogate pair.
bool json_unescape(struct slice raw, char *to, size_t *ret_length);
