// SPDX-License-Identifier: Apache-2.0
#include "status/status.h"

#include "status/attention.h"
#include "status/fields.h"
#include "status/page.h"
#include "status/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { CELL_MAX_BYTES = 1024, ATTENTION_MAX_BYTES = 1 << 20 };

static void append_title(struct page *page) {
    const cJSON *database = field_object(page->report, "database");
    buffer_append_text(page->out, "Outbox of database ");
    text_append(page->out, field_text(database, "name"), 63);
    buffer_append_text(page->out, ", PostgreSQL ");
    char version[16]; // the number alone, without what a distribution adds
    const char *server = field_text(database, "server_version");
    snprintf(version, sizeof version, "%.*s", (int)strcspn(server, " "), server);
    text_append(page->out, version, sizeof version);
    buffer_append_format(page->out, ", schema version %.0f%s, read at ",
                         field_number(database, "schema_version"),
                         field_is_true(database, "in_recovery") ? ", a standby" : "");
    text_append(page->out, field_text(page->report, "read_at"), 40);
    buffer_append_char(page->out, '\n');
}

static void append_totals(struct page *page) {
    static const struct column columns[] = {{"pending", COLUMN_NUMBER},   {"oldest", COLUMN_NUMBER},
                                            {"retrying", COLUMN_NUMBER},  {"waiting", COLUMN_NUMBER},
                                            {"scheduled", COLUMN_NUMBER}, {"parked", COLUMN_NUMBER},
                                            {NULL, COLUMN_WORD}};
    const cJSON *totals = field_object(page->report, "totals");
    struct grid *grid = grid_new(columns);
    page_heading(page, "Events that are not sent");
    page_add_count(page, grid, field_number(totals, "pending"));
    page_add_age(page, grid, totals, "oldest_pending_seconds");
    page_add_count(page, grid, field_number(totals, "retrying"));
    page_add_count(page, grid, field_number(totals, "waiting"));
    page_add_count(page, grid, field_number(totals, "scheduled"));
    page_add_count(page, grid, field_number(totals, "parked"));
    page_end_grid(page, grid);
}

static void append_types(struct page *page) {
    static const struct column columns[] = {
        {"event type", COLUMN_TEXT},    {"pending", COLUMN_NUMBER},  {"oldest", COLUMN_NUMBER},
        {"retrying", COLUMN_NUMBER},    {"waiting", COLUMN_NUMBER},  {"scheduled", COLUMN_NUMBER},
        {"parked", COLUMN_NUMBER},      {"sent/min", COLUMN_NUMBER}, {"delay", COLUMN_NUMBER},
        {"route's topic", COLUMN_TEXT}, {NULL, COLUMN_WORD}};
    const cJSON *types = field_list(page->report, "by_type");
    if (cJSON_GetArraySize(types) == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *type;
    page_heading(page, "By event type");
    cJSON_ArrayForEach(type, types) {
        page_add_text(grid, type, "event_type");
        page_add_count(page, grid, field_number(type, "pending"));
        page_add_age(page, grid, type, "oldest_pending_seconds");
        page_add_count(page, grid, field_number(type, "retrying"));
        page_add_count(page, grid, field_number(type, "waiting"));
        page_add_count(page, grid, field_number(type, "scheduled"));
        page_add_count(page, grid, field_number(type, "parked"));
        page_add_count(page, grid, field_number(type, "sent_last_minute"));
        page_add_age(page, grid, type, "mean_delay_seconds");
        page_add_text(grid, type, "topic_arn");
    }
    page_end_grid(page, grid);
}

static void append_bytes(struct buffer *out, double bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1024;
        unit++;
    }
    buffer_append_format(out, unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void append_storage(struct page *page) {
    const cJSON *table = field_object(page->report, "table");
    const cJSON *floor = field_object(page->report, "floor");
    page_heading(page, "Table outbox.event");
    buffer_append_text(page->out, "  ");
    append_bytes(page->out, field_number(table, "bytes"));
    buffer_append_text(page->out, ", ");
    text_append_count(page->out, field_number(table, "rows_estimate"), false);
    buffer_append_text(page->out, " rows");
    if (field_has_number(table, "hot_ratio")) {
        buffer_append_format(page->out, ", %.0f%% of updates HOT", field_number(table, "hot_ratio") * 100);
    }
    buffer_append_text(page->out, ", last autovacuum ");
    char vacuumed[PAGE_TIME_SIZE];
    page_time(field_text(table, "last_autovacuum"), vacuumed);
    text_append(page->out, vacuumed[0] != '-' ? vacuumed : "never", sizeof vacuumed);
    buffer_append_format(page->out, "\n  all below id %.0f is settled, the newest is %.0f\n",
                         field_number(floor, "id"), field_number(floor, "newest"));
}

static int append_attention(struct page *page) {
    struct buffer lines;
    buffer_init(&lines, ATTENTION_MAX_BYTES);
    int count = attention_append(page->report, page->width, &lines);
    if (page->out != NULL && count > 0) {
        page_heading(page, "Needs attention");
        buffer_append(page->out, lines.data, lines.length);
    }
    buffer_free(&lines);
    return count;
}

static int append_page(struct page *page) {
    append_title(page);
    int count = append_attention(page);
    append_totals(page);
    append_types(page);
    page_append_relays(page);
    page_append_waiting(page);
    page_append_parked(page);
    page_append_paused(page);
    page_append_blockers(page);
    append_storage(page);
    return count;
}

int status_append(const char *report, size_t width, struct buffer *out, struct error *error) {
    cJSON *document = cJSON_Parse(report);
    if (!cJSON_IsObject(document)) {
        cJSON_Delete(document);
        error_set(error, ERROR_DATABASE, "the answer of outbox.report() is no JSON object");
        return -1;
    }
    struct page page = {.report = document,
                        .exact = field_is_true(document, "exact"),
                        .width = width > STATUS_WIDTH_LEAST ? width : STATUS_WIDTH_LEAST,
                        .out = out};
    buffer_init(&page.cell, CELL_MAX_BYTES);
    int count = out != NULL ? append_page(&page) : append_attention(&page);
    buffer_free(&page.cell);
    cJSON_Delete(document);
    return count;
}
