// SPDX-License-Identifier: Apache-2.0
// The sections that list something.
#include "status/fields.h"
#include "status/relays.h"
#include "status/sheet.h"
#include "status/text.h"

static bool is_shown_before(const cJSON *relays, const cJSON *relay) {
    const cJSON *other = relays->child;
    while (other != relay && !(relays_is_one(other) && relays_are_alike(other, relay))) {
        other = other->next;
    }
    return other != relay;
}

// A relay has several connections: one line for all of the same name and place.
static void add_relay(struct sheet *sheet, struct grid *grid, const cJSON *relays, const cJSON *relay) {
    int connections = 0;
    bool leads = false;
    const cJSON *other;
    cJSON_ArrayForEach(other, relays) {
        if (relays_is_one(other) && relays_are_alike(other, relay)) {
            connections++;
            leads = leads || field_is_true(other, "leads");
        }
    }
    sheet_add_text(grid, relay, "application");
    sheet_add_text(grid, relay, "client");
    sheet_add_number(sheet, grid, connections);
    sheet_add_time(grid, relay, "since");
    grid_add(grid, leads ? "leads: writers wake it" : "");
}

void sheet_append_relays(struct sheet *sheet) {
    static const struct column columns[] = {
        {"application", COLUMN_TEXT}, {"from", COLUMN_TEXT}, {"connections", COLUMN_NUMBER},
        {"since", COLUMN_WORD},       {"", COLUMN_WORD},     {NULL, COLUMN_WORD}};
    const cJSON *relays = field_list(sheet->report, "relays");
    const cJSON *relay;
    sheet_heading(sheet, "Relays");
    if (!relays_any(relays)) {
        buffer_append_text(sheet->out, "  no relay is connected\n");
        return;
    }
    struct grid *grid = grid_new(columns);
    cJSON_ArrayForEach(relay, relays) {
        if (relays_is_one(relay) && !is_shown_before(relays, relay)) {
            add_relay(sheet, grid, relays, relay);
        }
    }
    sheet_end_grid(sheet, grid);
}

void sheet_append_waiting(struct sheet *sheet) {
    static const struct column columns[] = {
        {"events", COLUMN_NUMBER}, {"oldest", COLUMN_NUMBER}, {"for what", COLUMN_TEXT}, {NULL, COLUMN_WORD}};
    const cJSON *reasons = field_list(sheet->report, "waiting");
    if (cJSON_GetArraySize(reasons) == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *reason;
    sheet_heading(sheet, "Waiting");
    cJSON_ArrayForEach(reason, reasons) {
        sheet_add_count(sheet, grid, field_number(reason, "events"));
        sheet_add_age(sheet, grid, reason, "oldest_seconds");
        sheet_add_text(grid, reason, "reason");
    }
    sheet_end_grid(sheet, grid);
}

static void append_retry(struct sheet *sheet, const cJSON *parked) {
    const cJSON *event;
    buffer_append_text(sheet->out, "  when the cause is mended: outbox-relay retry");
    cJSON_ArrayForEach(event, parked) {
        buffer_append_format(sheet->out, " %.0f", field_number(event, "id"));
    }
    buffer_append_char(sheet->out, '\n');
}

void sheet_append_parked(struct sheet *sheet) {
    static const struct column columns[] = {
        {"id", COLUMN_NUMBER},       {"event type", COLUMN_TEXT},   {"aggregate", COLUMN_TEXT},
        {"attempts", COLUMN_NUMBER}, {"parked for", COLUMN_NUMBER}, {"reason", COLUMN_TEXT},
        {NULL, COLUMN_WORD}};
    const cJSON *parked = field_list(sheet->report, "parked");
    int shown = cJSON_GetArraySize(parked);
    double total = field_number(field_object(sheet->report, "totals"), "parked");
    if (shown == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *event;
    sheet_heading(sheet, total > shown ? "Parked, the newest" : "Parked");
    cJSON_ArrayForEach(event, parked) {
        sheet_add_number(sheet, grid, field_number(event, "id"));
        sheet_add_text(grid, event, "event_type");
        sheet_add_text(grid, event, "aggregate_id");
        sheet_add_number(sheet, grid, field_number(event, "attempts"));
        sheet_add_age(sheet, grid, event, "parked_seconds");
        sheet_add_text(grid, event, "last_error");
    }
    sheet_end_grid(sheet, grid);
    append_retry(sheet, parked);
}

void sheet_append_paused(struct sheet *sheet) {
    static const struct column columns[] = {{"topic", COLUMN_TEXT},
                                            {"since", COLUMN_WORD},
                                            {"by", COLUMN_TEXT},
                                            {"reason", COLUMN_TEXT},
                                            {NULL, COLUMN_WORD}};
    const cJSON *topics = field_list(sheet->report, "paused_topics");
    if (cJSON_GetArraySize(topics) == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *topic;
    sheet_heading(sheet, "Paused topics");
    cJSON_ArrayForEach(topic, topics) {
        sheet_add_text(grid, topic, "topic_arn");
        sheet_add_time(grid, topic, "paused_at");
        sheet_add_text(grid, topic, "paused_by");
        sheet_add_text(grid, topic, "reason");
    }
    sheet_end_grid(sheet, grid);
}

static void append_remedies(struct sheet *sheet, const cJSON *blockers) {
    const cJSON *blocker;
    cJSON_ArrayForEach(blocker, blockers) {
        const char *remedy = field_text(blocker, "remedy");
        if (remedy[0] != '\0') {
            buffer_append_text(sheet->out, "  -> ");
            text_append(sheet->out, remedy, sheet->width * 4);
            buffer_append_char(sheet->out, '\n');
        }
    }
}

void sheet_append_blockers(struct sheet *sheet) {
    static const struct column columns[] = {
        {"kind", COLUMN_WORD},       {"pid", COLUMN_NUMBER}, {"name", COLUMN_TEXT}, {"age", COLUMN_NUMBER},
        {"holds back", COLUMN_TEXT}, {"query", COLUMN_TEXT}, {NULL, COLUMN_WORD}};
    const cJSON *blockers = field_list(sheet->report, "blockers");
    if (cJSON_GetArraySize(blockers) == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *blocker;
    sheet_heading(sheet, "Blockers");
    cJSON_ArrayForEach(blocker, blockers) {
        sheet_add_text(grid, blocker, "kind");
        if (field_has_number(blocker, "pid")) {
            sheet_add_number(sheet, grid, field_number(blocker, "pid"));
        } else {
            grid_add(grid, "-");
        }
        sheet_add_text(grid, blocker, "name");
        sheet_add_age(sheet, grid, blocker, "age_seconds");
        sheet_add_text(grid, blocker, "holds_back");
        sheet_add_text(grid, blocker, "query");
    }
    sheet_end_grid(sheet, grid);
    append_remedies(sheet, blockers);
}
