// SPDX-License-Identifier: Apache-2.0
// Writing JSON that SQS accepts: only the characters #x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD #x10000-#x10FFFF
// may stand in a message (Amazon SQS API reference, SendMessage). Input is UTF-8, as PostgreSQL guarantees.
#pragma once

#include "base/buffer.h"
#include "base/slice.h"

// json_append_string appends a quoted JSON string.
void json_append_string(struct buffer *buffer, struct slice text);

// json_splice appends valid JSON as it stands, without parsing it, on one line: a raw control character can
// only be white space between tokens there and becomes a space; U+FFFE and U+FFFF can only stand inside a
// string and become \ufffe and \uffff.
void json_splice(struct buffer *buffer, struct slice json);
