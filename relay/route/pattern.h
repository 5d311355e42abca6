// SPDX-License-Identifier: Apache-2.0
// Patterns over event types, for routes and handlers: words separated by dots, where "*" stands for exactly
// one word and
// "**" for any number of words, also none. The database's outbox.topic_of follows the same rules.
#pragma once

#include "base/error.h"

#include <stdbool.h>

enum { PATTERN_MAX = 256 }; // bytes

// pattern_valid: 1 to 256 bytes; every word is "*", "**" or made of a-z, 0-9, hyphen and underscore. Else
// ERROR_USAGE with the pattern and the rule it breaks.
bool pattern_valid(const char *pattern, struct error *error);

// pattern_matches takes a valid pattern and an event type; at most (bytes of one) x (bytes of the other)
// steps. An empty event type matches nothing.
bool pattern_matches(const char *pattern, const char *event_type);

// pattern_compare_specificity orders patterns that match the same type: positive when `a` is the more
// specific one, negative when `b` is, 0 when they are equal. More literal words win; then fewer "**"; then
// fewer "*"; then, so that the choice is never left to chance, the larger text byte by byte.
int pattern_compare_specificity(const char *a, const char *b);
