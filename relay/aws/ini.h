// SPDX-License-Identifier: Apache-2.0
// The syntax of the AWS SDKs' shared files; what the sections are for is config.h's matter.
//
//     # a comment: a line that begins with # or ;, indented or not
//     [section] # a comment
//     name = value # a comment, after a blank
//     text = first line
//       second line (a comment sign here is part of it)
//     outer =
//       name = value
//
// Source: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html. Where that says nothing, what the
// SDKs agree on: a name is of A-Z, a-z, 0-9 and _-/.%@:+\, is read in lower case, and a setting with another
// name is passed over, with all that is below it.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

// Either the first line of a section, or a setting of the section before it.
struct aws_ini_entry {
    const char *section; // what stands in the brackets, without blanks around it; NULL: a setting
    const char *outer;   // the setting it stands below; "" for most
    const char *name;
    const char *value; // "" when there is none; the lines of a longer one have '\n' between them
};

struct aws_ini {
    struct aws_ini_entry *entries; // in the order of the file, whatever is in it twice
    size_t count;
};

// aws_ini_parse takes `text` apart, in place: the entries point into it, so it must outlive them. Fails
// (ERROR_USAGE) at the first malformed line, naming `path`, line and rule, but nothing of the text, which may
// be a secret; `ret` then holds nothing.
bool aws_ini_parse(struct aws_ini *ret, char *text, const char *path, struct error *error);
void aws_ini_free(struct aws_ini *ini);
