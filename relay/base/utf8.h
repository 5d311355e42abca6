// SPDX-License-Identifier: Apache-2.0
// Reading UTF-8 that nobody has checked yet.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { UTF8_LONGEST = 4 };

// utf8_decode reads the character at `text`, of which `length` bytes may be read, and returns how many bytes
// it takes, or 0 when they are no valid UTF-8 (RFC 3629: overlong forms, surrogates and anything above
// U+10FFFF are not).
size_t utf8_decode(const char *text, size_t length, uint32_t *character);
