// SPDX-License-Identifier: Apache-2.0
#include "status/status.h"

#include "status/attention.h"
#include "status/fields.h"
#include "status/grid.h"
#include "status/relays.h"
#include "status/text.h"

#include <cjson/cJSON.h>

enum { CELL_MAX_BYTES = 1024, ATTENTION_MAX_BYTES = 1 << 20 };

struct page {
    const cJSON *report;
    bool exact;
    size_t width;
    struct buffer *out;
    struct buffer cell;
};

static void heading(struct page *page, const char *text) {
    buffer_append_format(page->out, "\n%s\n", text);
}

static void add_count(struct page *page, struct grid *grid, double count) {
    buffer_clear(&page->cell);
    text_append_count(&page->cell, count, page->exact || count == 0);
    grid_add(grid, buffer_text(&page->cell));
}

static void add_number(struct page *page, struct grid *grid, double number) {
    buffer_clear(&page->cell);
    buffer_append_format(&page->cell, "%.0f", number);
    grid_add(grid, buffer_text(&page->cell));
}

// "-" for what is not known, or is not there.
static void add_age(struct page *page, struct grid *grid, const cJSON *object, const char *name) {
    buffer_clear(&page->cell);
    if (field_has_number(object, name)) {
        text_append_age(&page->cell, field_number(object, name));
    }
    grid_add(grid, page->cell.length > 0 ? buffer_text(&page->cell) : "-");
}

static void add_text(struct grid *grid, const cJSON *object, const char *name) {
    const char *text = field_text(object, name);
    grid_add(grid, text[0] != '\0' ? text : "-");
}

static void end_grid(struct page *page, struct grid *grid) {
    grid_append(grid, page->width, page->out);
    grid_free(grid);
}

static void append_title(struct page *page) {
    const cJSON *database = field_object(page->report, "database");
    buffer_append_text(page->out, "Outbox of database ");
    text_append(page->out, field_text(database, "name"), 63);
    buffer_append_text(page->out, ", PostgreSQL ");
    text_append(page->out, field_text(database, "server_version"), 40);
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
    heading(page, "Events that are not sent");
    add_count(page, grid, field_number(totals, "pending"));
    add_age(page, grid, totals, "oldest_pending_seconds");
    add_count(page, grid, field_number(totals, "retrying"));
    add_count(page, grid, field_number(totals, "waiting"));
    add_count(page, grid, field_number(totals, "scheduled"));
    add_count(page, grid, field_number(totals, "parked"));
    end_grid(page, grid);
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
    heading(page, "By event type");
    cJSON_ArrayForEach(type, types) {
        add_text(grid, type, "event_type");
        add_count(page, grid, field_number(type, "pending"));
        add_age(page, grid, type, "oldest_pending_seconds");
        add_count(page, grid, field_number(type, "retrying"));
        add_count(page, grid, field_number(type, "waiting"));
        add_count(page, grid, field_number(type, "scheduled"));
        add_count(page, grid, field_number(type, "parked"));
        add_count(page, grid, field_number(type, "sent_last_minute"));
        add_age(page, grid, type, "mean_delay_seconds");
        add_text(grid, type, "topic_arn");
    }
    end_grid(page, grid);
}

static bool is_shown_before(const cJSON *relays, const cJSON *relay) {
    const cJSON *other = relays->child;
    while (other != relay && !(relays_is_one(other) && relays_are_alike(other, relay))) {
        other = other->next;
    }
    return other != relay;
}

// A relay has several connections: one line for all of the same name and place.
static void add_relay(struct page *page, struct grid *grid, const cJSON *relays, const cJSON *relay) {
    int connections = 0;
    bool leads = false;
    const cJSON *other;
    cJSON_ArrayForEach(other, relays) {
        if (relays_is_one(other) && relays_are_alike(other, relay)) {
            connections++;
            leads = leads || field_is_true(other, "leads");
        }
    }
    add_text(grid, relay, "application");
    add_text(grid, relay, "client");
    add_number(page, grid, connections);
    add_text(grid, relay, "since");
    grid_add(grid, leads ? "leads: writers wake it" : "");
}

static void append_relays(struct page *page) {
    static const struct column columns[] = {
        {"application", COLUMN_TEXT}, {"from", COLUMN_TEXT}, {"connections", COLUMN_NUMBER},
        {"since", COLUMN_WORD},       {"", COLUMN_WORD},     {NULL, COLUMN_WORD}};
    const cJSON *relays = field_list(page->report, "relays");
    const cJSON *relay;
    heading(page, "Relays");
    if (!relays_any(relays)) {
        buffer_append_text(page->out, "  no relay is connected\n");
        return;
    }
    struct grid *grid = grid_new(columns);
    cJSON_ArrayForEach(relay, relays) {
        if (relays_is_one(relay) && !is_shown_before(relays, relay)) {
            add_relay(page, grid, relays, relay);
        }
    }
    end_grid(page, grid);
}

static void append_waiting(struct page *page) {
    static const struct column columns[] = {
        {"events", COLUMN_NUMBER}, {"oldest", COLUMN_NUMBER}, {"for what", COLUMN_TEXT}, {NULL, COLUMN_WORD}};
    const cJSON *reasons = field_list(page->report, "waiting");
    if (cJSON_GetArraySize(reasons) == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *reason;
    heading(page, "Waiting");
    cJSON_ArrayForEach(reason, reasons) {
        add_count(page, grid, field_number(reason, "events"));
        add_age(page, grid, reason, "oldest_seconds");
        add_text(grid, reason, "reason");
    }
    end_grid(page, grid);
}

static void append_retry(struct page *page, const cJSON *parked) {
    const cJSON *event;
    buffer_append_text(page->out, "  when the cause is mended: outbox-relay retry");
    cJSON_ArrayForEach(event, parked) {
        buffer_append_format(page->out, " %.0f", field_number(event, "id"));
    }
    buffer_append_char(page->out, '\n');
}

static void append_parked(struct page *page) {
    static const struct column columns[] = {
        {"id", COLUMN_NUMBER},       {"event type", COLUMN_TEXT},   {"aggregate", COLUMN_TEXT},
        {"attempts", COLUMN_NUMBER}, {"parked for", COLUMN_NUMBER}, {"reason", COLUMN_TEXT},
        {NULL, COLUMN_WORD}};
    const cJSON *parked = field_list(page->report, "parked");
    int shown = cJSON_GetArraySize(parked);
    double total = field_number(field_object(page->report, "totals"), "parked");
    if (shown == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *event;
    heading(page, total > shown ? "Parked, the newest" : "Parked");
    cJSON_ArrayForEach(event, parked) {
        add_number(page, grid, field_number(event, "id"));
        add_text(grid, event, "event_type");
        add_text(grid, event, "aggregate_id");
        add_number(page, grid, field_number(event, "attempts"));
        add_age(page, grid, event, "parked_seconds");
        add_text(grid, event, "last_error");
    }
    end_grid(page, grid);
    append_retry(page, parked);
}

static void append_paused(struct page *page) {
    static const struct column columns[] = {{"topic", COLUMN_TEXT},
                                            {"since", COLUMN_WORD},
                                            {"by", COLUMN_TEXT},
                                            {"reason", COLUMN_TEXT},
                                            {NULL, COLUMN_WORD}};
    const cJSON *topics = field_list(page->report, "paused_topics");
    if (cJSON_GetArraySize(topics) == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *topic;
    heading(page, "Paused topics");
    cJSON_ArrayForEach(topic, topics) {
        add_text(grid, topic, "topic_arn");
        add_text(grid, topic, "paused_at");
        add_text(grid, topic, "paused_by");
        add_text(grid, topic, "reason");
    }
    end_grid(page, grid);
}

static void append_remedies(struct page *page, const cJSON *blockers) {
    const cJSON *blocker;
    cJSON_ArrayForEach(blocker, blockers) {
        const char *remedy = field_text(blocker, "remedy");
        if (remedy[0] != '\0') {
            buffer_append_text(page->out, "  -> ");
            text_append(page->out, remedy, page->width * 4);
            buffer_append_char(page->out, '\n');
        }
    }
}

static void append_blockers(struct page *page) {
    static const struct column columns[] = {
        {"kind", COLUMN_WORD},       {"pid", COLUMN_NUMBER}, {"name", COLUMN_TEXT}, {"age", COLUMN_NUMBER},
        {"holds back", COLUMN_TEXT}, {"query", COLUMN_TEXT}, {NULL, COLUMN_WORD}};
    const cJSON *blockers = field_list(page->report, "blockers");
    if (cJSON_GetArraySize(blockers) == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *blocker;
    heading(page, "Blockers");
    cJSON_ArrayForEach(blocker, blockers) {
        add_text(grid, blocker, "kind");
        if (field_has_number(blocker, "pid")) {
            add_number(page, grid, field_number(blocker, "pid"));
        } else {
            grid_add(grid, "-");
        }
        add_text(grid, blocker, "name");
        add_age(page, grid, blocker, "age_seconds");
        add_text(grid, blocker, "holds_back");
        add_text(grid, blocker, "query");
    }
    end_grid(page, grid);
    append_remedies(page, blockers);
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
    heading(page, "Table outbox.event");
    buffer_append_text(page->out, "  ");
    append_bytes(page->out, field_number(table, "bytes"));
    buffer_append_text(page->out, ", ");
    text_append_count(page->out, field_number(table, "rows_estimate"), false);
    buffer_append_text(page->out, " rows");
    if (field_has_number(table, "hot_ratio")) {
        buffer_append_format(page->out, ", %.0f%% of updates HOT", field_number(table, "hot_ratio") * 100);
    }
    buffer_append_text(page->out, ", last autovacuum ");
    const char *vacuumed = field_text(table, "last_autovacuum");
    text_append(page->out, vacuumed[0] != '\0' ? vacuumed : "never", 40);
    buffer_append_format(page->out, "\n  all below id %.0f is settled, the newest is %.0f\n",
                         field_number(floor, "id"), field_number(floor, "newest"));
}

static int append_attention(struct page *page) {
    struct buffer lines;
    buffer_init(&lines, ATTENTION_MAX_BYTES);
    int count = attention_append(page->report, page->width, &lines);
    if (page->out != NULL && count > 0) {
        heading(page, "Needs attention");
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
    append_relays(page);
    append_waiting(page);
    append_parked(page);
    append_paused(page);
    append_blockers(page);
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
