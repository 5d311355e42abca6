// SPDX-License-Identifier: Apache-2.0
// The sections that list something.
#include "status/fields.h"
#include "status/page.h"
#include "status/relays.h"
#include "status/text.h"

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
    page_add_text(grid, relay, "application");
    page_add_text(grid, relay, "client");
    page_add_number(page, grid, connections);
    page_add_time(grid, relay, "since");
    grid_add(grid, leads ? "leads: writers wake it" : "");
}

void page_append_relays(struct page *page) {
    static const struct column columns[] = {
        {"application", COLUMN_TEXT}, {"from", COLUMN_TEXT}, {"connections", COLUMN_NUMBER},
        {"since", COLUMN_WORD},       {"", COLUMN_WORD},     {NULL, COLUMN_WORD}};
    const cJSON *relays = field_list(page->report, "relays");
    const cJSON *relay;
    page_heading(page, "Relays");
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
    page_end_grid(page, grid);
}

void page_append_waiting(struct page *page) {
    static const struct column columns[] = {
        {"events", COLUMN_NUMBER}, {"oldest", COLUMN_NUMBER}, {"for what", COLUMN_TEXT}, {NULL, COLUMN_WORD}};
    const cJSON *reasons = field_list(page->report, "waiting");
    if (cJSON_GetArraySize(reasons) == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *reason;
    page_heading(page, "Waiting");
    cJSON_ArrayForEach(reason, reasons) {
        page_add_count(page, grid, field_number(reason, "events"));
        page_add_age(page, grid, reason, "oldest_seconds");
        page_add_text(grid, reason, "reason");
    }
    page_end_grid(page, grid);
}

static void append_retry(struct page *page, const cJSON *parked) {
    const cJSON *event;
    buffer_append_text(page->out, "  when the cause is mended: outbox-relay retry");
    cJSON_ArrayForEach(event, parked) {
        buffer_append_format(page->out, " %.0f", field_number(event, "id"));
    }
    buffer_append_char(page->out, '\n');
}

void page_append_parked(struct page *page) {
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
    page_heading(page, total > shown ? "Parked, the newest" : "Parked");
    cJSON_ArrayForEach(event, parked) {
        page_add_number(page, grid, field_number(event, "id"));
        page_add_text(grid, event, "event_type");
        page_add_text(grid, event, "aggregate_id");
        page_add_number(page, grid, field_number(event, "attempts"));
        page_add_age(page, grid, event, "parked_seconds");
        page_add_text(grid, event, "last_error");
    }
    page_end_grid(page, grid);
    append_retry(page, parked);
}

void page_append_paused(struct page *page) {
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
    page_heading(page, "Paused topics");
    cJSON_ArrayForEach(topic, topics) {
        page_add_text(grid, topic, "topic_arn");
        page_add_time(grid, topic, "paused_at");
        page_add_text(grid, topic, "paused_by");
        page_add_text(grid, topic, "reason");
    }
    page_end_grid(page, grid);
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

void page_append_blockers(struct page *page) {
    static const struct column columns[] = {
        {"kind", COLUMN_WORD},       {"pid", COLUMN_NUMBER}, {"name", COLUMN_TEXT}, {"age", COLUMN_NUMBER},
        {"holds back", COLUMN_TEXT}, {"query", COLUMN_TEXT}, {NULL, COLUMN_WORD}};
    const cJSON *blockers = field_list(page->report, "blockers");
    if (cJSON_GetArraySize(blockers) == 0) {
        return;
    }
    struct grid *grid = grid_new(columns);
    const cJSON *blocker;
    page_heading(page, "Blockers");
    cJSON_ArrayForEach(blocker, blockers) {
        page_add_text(grid, blocker, "kind");
        if (field_has_number(blocker, "pid")) {
            page_add_number(page, grid, field_number(blocker, "pid"));
        } else {
            grid_add(grid, "-");
        }
        page_add_text(grid, blocker, "name");
        page_add_age(page, grid, blocker, "age_seconds");
        page_add_text(grid, blocker, "holds_back");
        page_add_text(grid, blocker, "query");
    }
    page_end_grid(page, grid);
    append_remedies(page, blockers);
}
