// SPDX-License-Identifier: Apache-2.0
#include "status/sheet.h"

#include "status/fields.h"
#include "status/text.h"

#include <stdio.h>
#include <string.h>

void sheet_heading(struct sheet *sheet, const char *text) {
    buffer_append_format(sheet->out, "\n%s\n", text);
}

void sheet_add_count(struct sheet *sheet, struct grid *grid, double count) {
    buffer_clear(&sheet->cell);
    text_append_count(&sheet->cell, count, sheet->exact || count == 0);
    grid_add(grid, buffer_text(&sheet->cell));
}

void sheet_add_number(struct sheet *sheet, struct grid *grid, double number) {
    buffer_clear(&sheet->cell);
    buffer_append_format(&sheet->cell, "%.0f", number);
    grid_add(grid, buffer_text(&sheet->cell));
}

// "-" for what is not known, or is not there.
void sheet_add_age(struct sheet *sheet, struct grid *grid, const cJSON *object, const char *name) {
    buffer_clear(&sheet->cell);
    if (field_has_number(object, name)) {
        text_append_age(&sheet->cell, field_number(object, name));
    }
    grid_add(grid, sheet->cell.length > 0 ? buffer_text(&sheet->cell) : "-");
}

void sheet_add_text(struct grid *grid, const cJSON *object, const char *name) {
    const char *text = field_text(object, name);
    grid_add(grid, text[0] != '\0' ? text : "-");
}

void sheet_end_grid(struct sheet *sheet, struct grid *grid) {
    grid_append(grid, sheet->width, sheet->out);
    grid_free(grid);
}

void sheet_add_topic(struct grid *grid, const cJSON *object, const char *name) {
    const char *arn = field_text(object, name);
    const char *colon = strrchr(arn, ':');
    const char *topic = colon != NULL ? colon + 1 : arn;
    grid_add(grid, topic[0] != '\0' ? topic : "-");
}

void sheet_time(const char *time, char text[SHEET_TIME_SIZE]) {
    bool is_whole = strlen(time) >= SHEET_TIME_SIZE - 2;
    snprintf(text, SHEET_TIME_SIZE, "%.19s%s", is_whole ? time : "-", is_whole ? "Z" : "");
}

void sheet_add_time(struct grid *grid, const cJSON *object, const char *name) {
    char text[SHEET_TIME_SIZE];
    sheet_time(field_text(object, name), text);
    grid_add(grid, text);
}
