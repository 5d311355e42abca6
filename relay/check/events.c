// SPDX-License-Identifier: Apache-2.0
// Events that wait for something, and for a person.
#include "check/look.h"
#include "check/rows.h"

const char events_sql[] =
    "SELECT coalesce(sum(b.pending), 0) AS pending, coalesce(sum(b.retrying), 0) AS retrying,"
    " coalesce(sum(b.scheduled), 0) AS scheduled, coalesce(sum(b.parked), 0) AS parked,"
    " coalesce(bool_and(b.exact), true) AS exact,"
    " coalesce(floor(extract(epoch FROM max(b.oldest_pending)))::bigint, 0) AS seconds"
    " FROM outbox.backlog() AS b";

void events_judge(struct subject *subject, const PGresult *rows, struct look_context *context) {
    (void)context;
    const char *about = row_true(rows, 0, "exact") ? "" : "about ";
    finding_add(subject, FINDING_OK, "events",
                "%s%s to be published now, the oldest for %lld s; %s to be tried again, %s scheduled", about,
                row_text(rows, 0, "pending"), (long long)row_int(rows, 0, "seconds"),
                row_text(rows, 0, "retrying"), row_text(rows, 0, "scheduled"));
    if (row_number(rows, 0, "parked") > 0) {
        finding_remedy(finding_add(subject, FINDING_WARNING, "events.parked",
                                   "events are parked, for a person to decide about: %s",
                                   row_text(rows, 0, "parked")),
                       "psql -c 'SELECT id, event_type, last_error FROM outbox.parked'\n"
                       "outbox-relay retry --pattern '**'");
    }
}

const char events_waiting_sql[] =
    "SELECT w.reason, w.events, floor(extract(epoch FROM w.oldest))::bigint AS seconds, w.exact"
    " FROM outbox.waiting AS w ORDER BY w.events DESC LIMIT 20";

void events_judge_waiting(struct subject *subject, const PGresult *rows, struct look_context *context) {
    (void)context;
    for (int row = 0; row < PQntuples(rows); row++) {
        finding_remedy(finding_add(subject, FINDING_WARNING, "events.waiting",
                                   "%s%s events wait, the oldest for %lld s: %s",
                                   row_true(rows, row, "exact") ? "" : "about ",
                                   row_text(rows, row, "events"), (long long)row_int(rows, row, "seconds"),
                                   row_text(rows, row, "reason")),
                       "end that, and the relay lets them go by itself");
    }
}
