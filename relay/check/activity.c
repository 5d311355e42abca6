// SPDX-License-Identifier: Apache-2.0
// What holds the relay or the vacuum back, and which relays there are.
#include "check/look.h"
#include "check/rows.h"

#include <stdio.h>
#include <string.h>

// Statements are left out: payloads may be in them. What has no age is of a kind that only shows when it is
// old.
const char blockers_sql[] = "SELECT b.kind, b.pid, b.name, floor(extract(epoch FROM b.age))::bigint AS "
                            "seconds, b.holds_back, b.remedy"
                            " FROM outbox.blockers AS b WHERE b.age > interval '1 minute' OR b.age IS NULL"
                            " ORDER BY b.age DESC NULLS LAST LIMIT 20";

// What is to be pasted gets a line of its own.
static void add_remedy(struct finding *finding, const char *remedy) {
    static const char *const statements[] = {": SELECT ", ": ROLLBACK PREPARED ", ": GRANT "};
    const char *place = NULL;
    for (size_t index = 0; place == NULL && index < sizeof statements / sizeof statements[0]; index++) {
        place = strstr(remedy, statements[index]);
    }
    if (place == NULL) {
        finding_remedy(finding, "%s", remedy);
        return;
    }
    const char *statement = place + 2;
    const char *end = strrchr(statement, ';');
    size_t length = end != NULL ? (size_t)(end - statement) + 1 : strlen(statement);
    const char *rest = statement + length;
    finding_remedy(finding, "-- %.*s%s\n%.*s", (int)(place - remedy), remedy, rest, (int)length, statement);
}

static void judge_blocker(struct subject *subject, const PGresult *rows, int row) {
    const char *pid = row_text(rows, row, "pid");
    char lasted[64] = "";
    if (row_text(rows, row, "seconds")[0] != '\0') {
        snprintf(lasted, sizeof lasted, ", for %lld s", (long long)row_int(rows, row, "seconds"));
    }
    bool unknown = strcmp(row_text(rows, row, "kind"), "unknown") == 0;
    add_remedy(finding_add(subject, unknown ? FINDING_NOTE : FINDING_WARNING,
                           unknown ? "blockers.hidden" : "blocker", "%s %s%s%s%s holds back %s%s",
                           row_text(rows, row, "kind"), row_text(rows, row, "name"),
                           pid[0] != '\0' ? " (pid " : "", pid, pid[0] != '\0' ? ")" : "",
                           row_text(rows, row, "holds_back"), lasted),
               row_text(rows, row, "remedy"));
}

void blockers_judge(struct subject *subject, const PGresult *rows, struct look_context *context) {
    (void)context;
    for (int row = 0; row < PQntuples(rows); row++) {
        judge_blocker(subject, rows, row);
    }
    if (PQntuples(rows) == 0) {
        finding_add(subject, FINDING_OK, "blockers",
                    "nothing that may be seen has held back relay or vacuum for more than a minute");
    }
}

const char relays_sql[] =
    "SELECT count(*) AS relays, count(DISTINCT r.application) AS applications,"
    " string_agg(DISTINCT r.application, ', ') AS names, coalesce(bool_or(r.leads), false) AS led,"
    " (SELECT coalesce(sum(b.pending), 0) FROM outbox.backlog() AS b) AS pending"
    " FROM outbox.relays AS r";

static void judge_none(struct subject *subject, long long pending) {
    struct finding *finding =
        pending > 0 ? finding_add(subject, FINDING_WARNING, "relays.none",
                                  "no relay is connected, and events wait to be published: %lld", pending)
                    : finding_add(subject, FINDING_NOTE, "relays.none", "no relay is connected");
    finding_remedy(finding, "outbox-relay run");
}

// A relay behind a pooler leads nobody, and is none to blame.
void relays_judge(struct subject *subject, const PGresult *rows, struct look_context *context) {
    long long relays = row_int(rows, 0, "relays");
    if (relays == 0) {
        judge_none(subject, row_int(rows, 0, "pending"));
        return;
    }
    finding_add(subject, FINDING_OK, "relays", "connections of relays: %lld (%s)", relays,
                row_text(rows, 0, "names"));
    if (row_int(rows, 0, "applications") > 1) {
        finding_add(subject, FINDING_NOTE, "relays.several", "relays of several names or versions run: %s",
                    row_text(rows, 0, "names"));
    }
    if (!row_true(rows, 0, "led") && !context->pooled) {
        finding_remedy(finding_add(subject, FINDING_NOTE, "relays.no_leader",
                                   "none of them leads: no relay is awakened, events are found by polling"),
                       "connect relays to PostgreSQL itself, not through a pooler; else see their logs");
    }
}
