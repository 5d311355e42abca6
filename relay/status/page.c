// SPDX-License-Identifier: Apache-2.0
#include "status/page.h"

#include "status/fields.h"
#include "status/text.h"

#include <stdio.h>
#include <string.h>

void page_heading(struct page *page, const char *text) {
    buffer_append_format(page->out, "\n%s\n", text);
}

void page_add_count(struct page *page, struct grid *grid, double count) {
    buffer_clear(&page->cell);
    text_append_count(&page->cell, count, page->exact || count == 0);
    grid_add(grid, buffer_text(&page->cell));
}

void page_add_number(struct page *page, struct grid *grid, double number) {
    buffer_clear(&page->cell);
    buffer_append_format(&page->cell, "%.0f", number);
    grid_add(grid, buffer_text(&page->cell));
}

// "-" for what is not known, or is not there.
void page_add_age(struct page *page, struct grid *grid, const cJSON *object, const char *name) {
    buffer_clear(&page->cell);
    if (field_has_number(object, name)) {
        text_append_age(&page->cell, field_number(object, name));
    }
    grid_add(grid, page->cell.length > 0 ? buffer_text(&page->cell) : "-");
}

void page_add_text(struct grid *grid, const cJSON *object, const char *name) {
    const char *text = field_text(object, name);
    grid_add(grid, text[0] != '\0' ? text : "-");
}

void page_end_grid(struct page *page, struct grid *grid) {
    grid_append(grid, page->width, page->out);
    grid_free(grid);
}

void page_time(const char *time, char text[PAGE_TIME_SIZE]) {
    bool is_whole = strlen(time) >= PAGE_TIME_SIZE - 2;
    snprintf(text, PAGE_TIME_SIZE, "%.19s%s", is_whole ? time : "-", is_whole ? "Z" : "");
}

void page_add_time(struct grid *grid, const cJSON *object, const char *name) {
    char text[PAGE_TIME_SIZE];
    page_time(field_text(object, name), text);
    grid_add(grid, text);
}
