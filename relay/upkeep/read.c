// SPDX-License-Identifier: Apache-2.0
// The tasks that read: the backlog, for the gauges, and the report, for the status page.
#include "base/clock.h"
#include "base/memory.h"
#include "postgres/array.h"
#include "upkeep/steps.h"
#include "upkeep/upkeep_state.h"

#include <stdlib.h>

enum {
    INTERVAL_US = 5000000,
    ASKED_US = 15000000, // how long somebody who has asked is taken to be still there
};

#define LIMITS                                                                                               \
    "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),"                              \
    " pg_catalog.set_config('statement_timeout', '10s', true),"                                              \
    " pg_catalog.set_config('lock_timeout', '2s', true)"

static void on_backlog_row(void *context, const PGresult *result, int row) {
    struct upkeep *upkeep = context;
    const struct backlog_line line = {.event_type = pg_bytes(result, row, 0),
                                      .pending = pg_int(result, row, 1),
                                      .retrying = pg_int(result, row, 2),
                                      .waiting = pg_int(result, row, 3),
                                      .scheduled = pg_int(result, row, 4),
                                      .parked = pg_int(result, row, 5),
                                      .oldest_us = pg_int(result, row, 6)};
    backlog_add(upkeep->backlog, upkeep->routes, &line);
}

static void on_blocker_row(void *context, const PGresult *result, int row) {
    struct upkeep *upkeep = context;
    backlog_add_blocker(upkeep->backlog, pg_bytes(result, row, 0), pg_int(result, row, 1));
}

static void send_backlog(struct upkeep *upkeep) {
    backlog_begin(upkeep->backlog);
    upkeep_send(upkeep, &(struct pg_statement){
                            .sql = "SELECT event_type, pending, retrying, waiting, scheduled, parked,"
                                   " (extract(epoch FROM oldest_pending) * 1000000)::bigint"
                                   " FROM outbox.backlog()",
                            .row = on_backlog_row});
    upkeep_send(upkeep, &(struct pg_statement){
                            .sql = "SELECT kind, (extract(epoch FROM pg_catalog.max(age)) * 1000000)::bigint"
                                   " FROM outbox.blockers GROUP BY kind",
                            .row = on_blocker_row});
}

static void on_backlog(struct upkeep *upkeep, int64_t took_us) {
    backlog_publish(upkeep->backlog, clock_unix_us());
    upkeep->tasks[TASK_BACKLOG].due_at = clock_monotonic_us() + steps_read_again(took_us, INTERVAL_US);
}

static void on_backlog_failed(struct upkeep *upkeep, int64_t now_us) {
    (void)upkeep;
    (void)now_us;
    backlog_forget();
}

const struct task_kind task_backlog = {.what = "measure the backlog",
                                       .limits = LIMITS,
                                       .send = send_backlog,
                                       .done = on_backlog,
                                       .failed = on_backlog_failed};

static void on_report_row(void *context, const PGresult *result, int row) {
    struct upkeep *upkeep = context;
    free(upkeep->report_read);
    upkeep->report_read = memory_copy_text(pg_bytes(result, row, 0).data);
}

static void send_report(struct upkeep *upkeep) {
    upkeep_send(upkeep, &(struct pg_statement){.sql = "SELECT outbox.report()", .row = on_report_row});
}

static void drop_report(struct upkeep *upkeep) {
    free(upkeep->report);
    upkeep->report = NULL;
}

static void plan_report(struct upkeep *upkeep, int64_t now, int64_t due_at) {
    bool wanted = now - upkeep->asked_at < ASKED_US;
    upkeep->tasks[TASK_REPORT].due_at = wanted ? due_at : INT64_MAX;
}

static void on_report(struct upkeep *upkeep, int64_t took_us) {
    int64_t now = clock_monotonic_us();
    drop_report(upkeep);
    upkeep->report = upkeep->report_read;
    upkeep->report_read = NULL;
    upkeep->report_at = now;
    plan_report(upkeep, now, now + steps_read_again(took_us, INTERVAL_US));
}

static void on_report_failed(struct upkeep *upkeep, int64_t now_us) {
    drop_report(upkeep);
    plan_report(upkeep, now_us, upkeep->tasks[TASK_REPORT].due_at);
}

const struct task_kind task_report = {.what = "read the report",
                                      .limits = LIMITS,
                                      .send = send_report,
                                      .done = on_report,
                                      .failed = on_report_failed};

// A report is kept while the next one is on its way, which can be long where reading is slow; one that is
// older than both is of another time.
const char *upkeep_report(struct upkeep *upkeep) {
    if (upkeep == NULL || upkeep->routes == NULL || upkeep->stopped) {
        return NULL;
    }
    upkeep->asked_at = clock_monotonic_us();
    struct task *task = &upkeep->tasks[TASK_REPORT];
    if (task->due_at == INT64_MAX && upkeep->running != TASK_REPORT) {
        if (upkeep->asked_at - upkeep->report_at > ASKED_US) {
            drop_report(upkeep);
        }
        task->due_at = upkeep->asked_at;
        upkeep_soon(upkeep);
    }
    return upkeep->report;
}
