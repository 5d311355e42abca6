// SPDX-License-Identifier: Apache-2.0
// A table of texts whose columns are as wide as they need, and narrower where the terminal is.
#pragma once

#include "base/buffer.h"

#include <stddef.h>

enum { GRID_COLUMNS_MAX = 10 };

enum column_kind {
    COLUMN_NUMBER, // to the right, never cut
    COLUMN_WORD,   // never cut
    COLUMN_TEXT,   // cut where there is too little room
};

struct column {
    const char *heading;
    enum column_kind kind;
};

struct grid;

// grid_new makes an empty one; `columns`, which must live on, ends with a NULL heading.
struct grid *grid_new(const struct column *columns);
void grid_free(struct grid *grid);

// grid_add adds the next cell, row by row; the text is copied, NULL is "".
void grid_add(struct grid *grid, const char *text);

// grid_append appends the grid, indented by two, in lines of at most `width` columns if that can be done by
// cutting texts to no less than 8.
void grid_append(const struct grid *grid, size_t width, struct buffer *out);
