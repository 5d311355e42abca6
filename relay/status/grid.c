// SPDX-License-Identifier: Apache-2.0
#include "status/grid.h"

#include "base/memory.h"
#include "status/text.h"

#include <stdint.h>
#include <stdlib.h>

enum { INDENT = 2, GAP = 2, TEXT_LEAST = 8 };

struct grid {
    const struct column *columns;
    size_t column_count;
    char **cells;
    size_t count, capacity;
};

struct grid *grid_new(const struct column *columns) {
    struct grid *grid = memory_allocate(1, sizeof *grid);
    grid->columns = columns;
    while (grid->column_count < GRID_COLUMNS_MAX && columns[grid->column_count].heading != NULL) {
        grid->column_count++;
    }
    return grid;
}

void grid_free(struct grid *grid) {
    if (grid != NULL) {
        for (size_t index = 0; index < grid->count; index++) {
            free(grid->cells[index]);
        }
        free(grid->cells);
        free(grid);
    }
}

void grid_add(struct grid *grid, const char *text) {
    if (grid->count == grid->capacity) {
        grid->capacity = grid->capacity > 0 ? grid->capacity * 2 : 64;
        grid->cells = memory_resize(grid->cells, grid->capacity, sizeof *grid->cells);
    }
    grid->cells[grid->count++] = memory_copy_text(text != NULL ? text : "");
}

static const char *cell_of(const struct grid *grid, size_t row, size_t column) {
    return row == 0 ? grid->columns[column].heading : grid->cells[(row - 1) * grid->column_count + column];
}

static size_t row_count(const struct grid *grid) {
    return 1 + grid->count / grid->column_count;
}

static size_t measure(const struct grid *grid, size_t widths[GRID_COLUMNS_MAX]) {
    size_t total = INDENT - GAP;
    for (size_t column = 0; column < grid->column_count; column++) {
        widths[column] = 1;
        for (size_t row = 0; row < row_count(grid); row++) {
            size_t columns = text_columns(cell_of(grid, row, column));
            widths[column] = columns > widths[column] ? columns : widths[column];
        }
        total += widths[column] + GAP;
    }
    return total;
}

// Takes from the widest text, column by column, until the line fits.
static void narrow(const struct grid *grid, size_t widths[GRID_COLUMNS_MAX], size_t excess) {
    while (excess > 0) {
        size_t widest = SIZE_MAX;
        for (size_t column = 0; column < grid->column_count; column++) {
            if (grid->columns[column].kind == COLUMN_TEXT && widths[column] > TEXT_LEAST &&
                (widest == SIZE_MAX || widths[column] > widths[widest])) {
                widest = column;
            }
        }
        if (widest == SIZE_MAX) {
            return;
        }
        widths[widest]--;
        excess--;
    }
}

static void append_blanks(struct buffer *out, size_t count) {
    for (; count > 0; count--) {
        buffer_append_char(out, ' ');
    }
}

static void append_row(const struct grid *grid, const size_t *widths, size_t row, struct buffer *out) {
    size_t blanks = INDENT;
    for (size_t column = 0; column < grid->column_count; column++) {
        const char *cell = cell_of(grid, row, column);
        size_t columns = text_columns(cell);
        size_t free_columns = columns < widths[column] ? widths[column] - columns : 0;
        bool is_right = grid->columns[column].kind == COLUMN_NUMBER;
        blanks += is_right ? free_columns : 0;
        if (columns > 0) { // no blanks at the end of a line
            append_blanks(out, blanks);
            blanks = 0;
        }
        text_append(out, cell, widths[column]);
        blanks += GAP + (is_right ? 0 : free_columns);
    }
    buffer_append_char(out, '\n');
}

void grid_append(const struct grid *grid, size_t width, struct buffer *out) {
    size_t widths[GRID_COLUMNS_MAX];
    size_t total = measure(grid, widths);
    narrow(grid, widths, total > width ? total - width : 0);
    for (size_t row = 0; row < row_count(grid); row++) {
        append_row(grid, widths, row, out);
    }
}
