// SPDX-License-Identifier: Apache-2.0
// What the sections of the page share. Nobody but status.c and the files beside it includes this.
#pragma once

#include "base/buffer.h"
#include "status/grid.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct sheet {
    const cJSON *report;
    bool exact; // else the counts are estimates
    size_t width;
    struct buffer *out;
    struct buffer cell; // the one being written
};

void sheet_heading(struct sheet *sheet, const char *text);
void sheet_end_grid(struct sheet *sheet, struct grid *grid); // appends and frees it

// Cells of a grid; "-" stands for what is not known, or is not there. Times are UTC, in the report as here.
void sheet_add_count(struct sheet *sheet, struct grid *grid, double count);
void sheet_add_number(struct sheet *sheet, struct grid *grid, double number);
void sheet_add_age(struct sheet *sheet, struct grid *grid, const cJSON *object, const char *name);
void sheet_add_text(struct grid *grid, const cJSON *object, const char *name);
void sheet_add_topic(struct grid *grid, const cJSON *object, const char *name); // its name, of the ARN
void sheet_add_time(struct grid *grid, const cJSON *object, const char *name);

enum { SHEET_TIME_SIZE = 21 };

// sheet_time writes 2026-01-31T12:34:56Z for a time of any precision.
void sheet_time(const char *time, char text[SHEET_TIME_SIZE]);

// The sections that list something; those but the first are left out when there is nothing to list.
void sheet_append_relays(struct sheet *sheet);
void sheet_append_waiting(struct sheet *sheet);
void sheet_append_parked(struct sheet *sheet);
void sheet_append_paused(struct sheet *sheet);
void sheet_append_blockers(struct sheet *sheet);
