// SPDX-License-Identifier: Apache-2.0
#include "status/status.h"

#include "status/attention.h"
#include "status/fields.h"
#include "status/sheet.h"
#include "status/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { CELL_MAX_BYTES = 1024, ATTENTION_MAX_BYTES = 1 << 20 };

static void append_title(struct sheet *sheet) {
    const cJSON *database = field_object(sheet->report, "database");
    buffer_append_text(sheet->out, "Outbox of database ");
    text_append(sheet->out, field_text(database, "name"), 63);
    buffer_append_text(sheet->out, ", PostgreSQL ");
    char version[16]; // the number alone, without what a distribution adds
    const char *server = field_text(database, "server_version");
    snprintf(version, sizeof version, "%.*s", (int)strcspn(server, " "), server);
    text_append(sheet->out, version, sizeof version);
    buffer_append_format(sheet->out, ", schema version %.0f%s, read at ",
                         field_number(database, "schema_version"),
                         field_is_true(database, "in_recovery") ? ", a standby" : "");
    text_append(sheet->out, field_text(sheet->report, "read_at"), 40);
    buffer_append_char(sheet->out, '\n');
}

static void append_totals(struct sheet *sheet) {
    static const struct column columns[] = {{"pending", COLUMN_NUMBER},   {"oldest", COLUMN_NUMBER},
                                            {"retrying", COLUMN_NUMBER},  {"waiting", COLUMN_NUMBER},
                                            {"scheduled", COLUMN_NUMBER}, {"parked", COLUMN_NUMBER},
                                            {NULL, COLUMN_WORD}};
    const cJSON *totals = field_object(sheet->report, "totals");
    struct grid *grid = grid_new(columns);
    sheet_heading(sheet, "Events that are not sent");
    sheet_add_count(sheet, grid, field_number(totals, "pending"));
    sheet_add_age(sheet, grid, totals, "oldest_pending_seconds");
    sheet_add_count(sheet, grid, field_number(totals, "retrying"));
    sheet_add_count(sheet, grid, field_number(totals, "waiting"));
    sheet_add_count(sheet, grid, field_number(totals, "scheduled"));
    sheet_add_count(sheet, grid, field_number(totals, "parked"));
    sheet_end_grid(sheet, grid);
}

static void append_types(struct sheet *sheet) {
    static const struct column columns[] = {
        {"event type", COLUMN_TEXT}, {"pending", COLUMN_NUMBER},  {"oldest", COLUMN_NUMBER},
        {"retrying", COLUMN_NUMBER}, {"waiting", COLUMN_NUMBER},  {"scheduled", COLUMN_NUMBER},
        {"parked", COLUMN_NUMBER},   {"sent/min", COLUMN_NUMBER}, {"delay", COLUMN_NUMBER},
        {"topic", COLUMN_TEXT},      {NULL, COLUMN_WORD}};
    const cJSON *types = field_list(sheet->report, "by_type");
    if (cJSON_GetArraySize(types) == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *type;
    sheet_heading(sheet, "By event type");
    cJSON_ArrayForEach(type, types) {
        sheet_add_text(grid, type, "event_type");
        sheet_add_count(sheet, grid, field_number(type, "pending"));
        sheet_add_age(sheet, grid, type, "oldest_pending_seconds");
        sheet_add_count(sheet, grid, field_number(type, "retrying"));
        sheet_add_count(sheet, grid, field_number(type, "waiting"));
        sheet_add_count(sheet, grid, field_number(type, "scheduled"));
        sheet_add_count(sheet, grid, field_number(type, "parked"));
        sheet_add_count(sheet, grid, field_number(type, "sent_last_minute"));
        sheet_add_age(sheet, grid, type, "mean_delay_seconds");
        sheet_add_topic(grid, type, "topic_arn");
    }
    sheet_end_grid(sheet, grid);
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

static void append_storage(struct sheet *sheet) {
    const cJSON *table = field_object(sheet->report, "table");
    const cJSON *floor = field_object(sheet->report, "floor");
    sheet_heading(sheet, "Table outbox.event");
    buffer_append_text(sheet->out, "  ");
    append_bytes(sheet->out, field_number(table, "bytes"));
    buffer_append_text(sheet->out, ", ");
    text_append_count(sheet->out, field_number(table, "rows_estimate"), false);
    buffer_append_text(sheet->out, " rows");
    if (field_has_number(table, "hot_ratio")) {
        buffer_append_format(sheet->out, ", %.0f%% of updates HOT", field_number(table, "hot_ratio") * 100);
    }
    buffer_append_text(sheet->out, ", last autovacuum ");
    char vacuumed[SHEET_TIME_SIZE];
    sheet_time(field_text(table, "last_autovacuum"), vacuumed);
    text_append(sheet->out, vacuumed[0] != '-' ? vacuumed : "never", sizeof vacuumed);
    buffer_append_format(sheet->out, "\n  all below id %.0f is settled, the newest is %.0f\n",
                         field_number(floor, "id"), field_number(floor, "newest"));
}

static int append_attention(struct sheet *sheet) {
    struct buffer lines;
    buffer_init(&lines, ATTENTION_MAX_BYTES);
    int count = attention_append(sheet->report, sheet->width, &lines);
    if (sheet->out != NULL && count > 0) {
        sheet_heading(sheet, "Needs attention");
        buffer_append(sheet->out, lines.data, lines.length);
    }
    buffer_free(&lines);
    return count;
}

static int append_page(struct sheet *sheet) {
    append_title(sheet);
    int count = append_attention(sheet);
    append_totals(sheet);
    append_types(sheet);
    sheet_append_relays(sheet);
    sheet_append_waiting(sheet);
    sheet_append_parked(sheet);
    sheet_append_paused(sheet);
    sheet_append_blockers(sheet);
    append_storage(sheet);
    return count;
}

int status_append(const char *report, size_t width, struct buffer *out, struct error *error) {
    cJSON *document = cJSON_Parse(report);
    if (!cJSON_IsObject(document)) {
        cJSON_Delete(document);
        error_set(error, ERROR_DATABASE, "the answer of outbox.report() is no JSON object");
        return -1;
    }
    struct sheet sheet = {.report = document,
                          .exact = field_is_true(document, "exact"),
                          .width = width > STATUS_WIDTH_LEAST ? width : STATUS_WIDTH_LEAST,
                          .out = out};
    buffer_init(&sheet.cell, CELL_MAX_BYTES);
    int count = out != NULL ? append_page(&sheet) : append_attention(&sheet);
    buffer_free(&sheet.cell);
    cJSON_Delete(document);
    return count;
}
