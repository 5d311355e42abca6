// SPDX-License-Identifier: Apache-2.0
// Texts for a terminal. What comes from a database can be anything, and must not move the cursor, colour or
// hide what stands beside it, or break a line.
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

// text_columns is how many columns a text takes once it is harmless: wide characters take two.
size_t text_columns(const char *text);

// text_append appends a text in at most `columns` columns (at least 1), made harmless: control characters,
// what is no valid UTF-8, and what turns the direction of writing become U+FFFD. One that is too long is cut
// and ends in an ellipsis. Returns the columns that it took.
size_t text_append(struct buffer *out, const char *text, size_t columns);

// text_append_count appends a whole number with commas between the thousands; "about" in front of those that
// are estimates.
void text_append_count(struct buffer *out, double count, bool exact);

// text_append_age appends seconds in the two largest units: 850ms, 12s, 3m 20s, 2h 5m, 4d 3h.
void text_append_age(struct buffer *out, double seconds);
