// SPDX-License-Identifier: Apache-2.0
// What the sections of the page share. Nobody but status.c and the files beside it includes this.
#pragma once

#include "base/buffer.h"
#include "status/grid.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct page {
    const cJSON *report;
    bool exact; // else the counts are estimates
    size_t width;
    struct buffer *out;
    struct buffer cell; // the one being written
};

void page_heading(struct page *page, const char *text);
void page_end_grid(struct page *page, struct grid *grid); // appends and frees it

// Cells of a grid; "-" stands for what is not known, or is not there. Times are UTC, in the report as here.
void page_add_count(struct page *page, struct grid *grid, double count);
void page_add_number(struct page *page, struct grid *grid, double number);
void page_add_age(struct page *page, struct grid *grid, const cJSON *object, const char *name);
void page_add_text(struct grid *grid, const cJSON *object, const char *name);
void page_add_time(struct grid *grid, const cJSON *object, const char *name);

enum { PAGE_TIME_SIZE = 21 };

// page_time writes 2026-01-31T12:34:56Z for a time of any precision.
void page_time(const char *time, char text[PAGE_TIME_SIZE]);

// The sections that list something; those but the first are left out when there is nothing to list.
void page_append_relays(struct page *page);
void page_append_waiting(struct page *page);
void page_append_parked(struct page *page);
void page_append_paused(struct page *page);
void page_append_blockers(struct page *page);
