// SPDX-License-Identifier: Apache-2.0
// What runs when events are inserted or marked.
#include "check/look.h"
#include "check/rows.h"

#include <string.h>

enum { EVENT_LIMIT_LEAST = 8192 }; // of outbox.set_max_message_bytes

// Bit 16 of tgtype: UPDATE. An argument in tgargs ends with a zero byte.
const char triggers_sql[] =
    "SELECT t.tgname AS name, p.proname AS function, n.nspname AS schema, t.tgenabled AS enabled,"
    " (t.tgtype & 16) <> 0 AS on_update, quote_ident(t.tgname) AS name_sql,"
    " substring(encode(t.tgargs, 'escape') from '^[0-9]{1,9}') AS argument"
    " FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid JOIN pg_namespace AS n ON n.oid = "
    "p.pronamespace"
    " JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS o ON o.oid = c.relnamespace"
    " WHERE o.nspname = 'outbox' AND c.relname = 'event' AND NOT t.tgisinternal ORDER BY t.tgname";

static bool is(const PGresult *rows, int row, const char *column, const char *value) {
    return strcmp(row_text(rows, row, column), value) == 0;
}

// The row of the trigger that calls this function of ours; -1 when there is none.
static int find(const PGresult *rows, const char *function) {
    int row = 0;
    while (row < PQntuples(rows) &&
           !(is(rows, row, "function", function) && is(rows, row, "schema", "outbox"))) {
        row++;
    }
    return row < PQntuples(rows) ? row : -1;
}

static bool fires(const PGresult *rows, int row) {
    return is(rows, row, "enabled", "O") || is(rows, row, "enabled", "A");
}

static const char *state_of(const PGresult *rows, int row) {
    return row < 0 ? "missing"
                   : (is(rows, row, "enabled", "R") ? "enabled for replication only" : "disabled");
}

static void judge_size(struct subject *subject, int64_t written, int64_t sent) {
    if (written > sent) {
        finding_remedy(finding_add(subject, FINDING_WARNING, "table.message_size",
                                   "the trigger check_event takes events for messages of %lld bytes, but "
                                   "OUTBOX_MAX_MESSAGE_BYTES is %lld: events between the two are parked",
                                   (long long)written, (long long)sent),
                       "SELECT outbox.set_max_message_bytes(%lld); -- or set OUTBOX_MAX_MESSAGE_BYTES=%lld",
                       (long long)(sent > EVENT_LIMIT_LEAST ? sent : EVENT_LIMIT_LEAST), (long long)written);
    }
}

static bool judge_check_event(struct subject *subject, const PGresult *rows, int64_t max_message_bytes) {
    int row = find(rows, "check_event");
    if (row >= 0 && fires(rows, row)) {
        judge_size(subject, row_int(rows, row, "argument"), max_message_bytes);
        return true;
    }
    struct finding *finding = finding_add(subject, FINDING_WARNING, "table.check_event",
                                          "the trigger check_event is %s: events that cannot be published "
                                          "are not refused when they are written",
                                          state_of(rows, row));
    if (row < 0) {
        finding_remedy(finding, "CREATE TRIGGER check_event BEFORE INSERT ON outbox.event FOR EACH ROW\n"
                                "EXECUTE FUNCTION outbox.check_event('262144');");
    } else {
        finding_remedy(finding, "ALTER TABLE outbox.event ENABLE TRIGGER %s;",
                       row_text(rows, row, "name_sql"));
    }
    return false;
}

static bool judge_wake_up(struct subject *subject, const PGresult *rows) {
    int row = find(rows, "wake_up");
    if (row >= 0 && fires(rows, row)) {
        return true;
    }
    finding_remedy(
        finding_add(subject, row >= 0 ? FINDING_NOTE : FINDING_WARNING, "table.wake_up",
                    "the trigger wake_up is %s: events are found by polling (OUTBOX_POLL_INTERVAL)",
                    state_of(rows, row)),
        "%sSELECT outbox.set_wake_up(true);",
        row >= 0 ? ""
                 : "CREATE TRIGGER wake_up BEFORE INSERT ON outbox.event FOR EACH STATEMENT\n"
                   "EXECUTE FUNCTION outbox.wake_up();\n");
    return false;
}

void triggers_judge(struct subject *subject, const PGresult *rows, struct look_context *context) {
    bool checked = judge_check_event(subject, rows, context->max_message_bytes);
    bool awakened = judge_wake_up(subject, rows);
    if (checked && awakened) {
        finding_add(subject, FINDING_OK, "table.triggers", "the triggers check_event and wake_up are on");
    }
    for (int row = 0; row < PQntuples(rows); row++) {
        if (row_true(rows, row, "on_update") && !is(rows, row, "enabled", "D")) {
            finding_add(subject, FINDING_NOTE, "table.trigger",
                        "the trigger %s runs at each mark, and its errors keep events from being marked",
                        row_text(rows, row, "name"));
        }
    }
}
