// SPDX-License-Identifier: Apache-2.0
// The task that deletes what is older than the retention time, in passes of small steps. The database lets
// one relay at a time do a step; the others take it for the end of their pass, and come again later.
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "observe/metrics.h"
#include "postgres/array.h"
#include "upkeep/steps.h"
#include "upkeep/upkeep_state.h"

#include <inttypes.h>
#include <stdio.h>

enum { URGENT_EVENTS = 10000, ARGUMENT_SIZE = 48 };

// What a crash brings back is deleted again, so a step need not wait for the disk.
static const char LIMITS[] = "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),"
                             " pg_catalog.set_config('statement_timeout', '10s', true),"
                             " pg_catalog.set_config('lock_timeout', '2s', true),"
                             " pg_catalog.set_config('synchronous_commit', 'off', true)";

static void begin_pass(struct pass *pass) {
    if (!pass->under_way) {
        *pass = (struct pass){.under_way = true, .most = pass->most, .began_at = clock_monotonic_us()};
    }
    pass->pruned = 0;
}

static void send_step(struct upkeep *upkeep, const char *sql, int parameters, pg_row_fn row) {
    char retention[ARGUMENT_SIZE], most[ARGUMENT_SIZE], after[ARGUMENT_SIZE];
    snprintf(retention, sizeof retention, "%" PRId64 " microseconds", upkeep->retention);
    snprintf(most, sizeof most, "%d", upkeep->pass.most);
    snprintf(after, sizeof after, "%" PRId64, upkeep->pass.after);
    upkeep_send(upkeep, &(struct pg_statement){
                            .sql = sql,
                            .parameter_count = parameters,
                            .parameters = {{.value = retention}, {.value = most}, {.value = after}},
                            .row = row});
}

static void on_step_row(void *context, const PGresult *result, int row) {
    struct pass *pass = &((struct upkeep *)context)->pass;
    pass->pruned = pg_int(result, row, 0);
    pass->last_id = pg_int(result, row, 1);
    pass->finished = pg_bool(result, row, 2);
}

static void send_outbox(struct upkeep *upkeep) {
    begin_pass(&upkeep->pass);
    send_step(upkeep,
              "SELECT pruned, last_id, finished"
              " FROM outbox.prune_step($1::interval, $3::bigint, $2::integer)",
              3, on_step_row);
}

static void on_inbox_row(void *context, const PGresult *result, int row) {
    struct pass *pass = &((struct upkeep *)context)->pass;
    pass->pruned = pg_int(result, row, 0);
    pass->finished = pass->pruned < pass->most;
}

static void send_inbox(struct upkeep *upkeep) {
    begin_pass(&upkeep->pass);
    send_step(upkeep, "SELECT inbox.prune($1::interval, $2::integer)", 2, on_inbox_row);
}

static void end_pass(struct upkeep *upkeep, int64_t now) {
    struct pass *pass = &upkeep->pass;
    int64_t between = steps_between_passes(upkeep->retention);
    if (pass->total > 0) {
        log_info(upkeep->routes != NULL ? "pruned sent events" : "forgot processed events",
                 LOG_INT("events", pass->total), LOG_INT("seconds", (now - pass->began_at) / 1000000));
    }
    pass->under_way = false;
    upkeep->tasks[TASK_PRUNE].due_at = now + backoff_us(1, between, between);
}

static void on_step(struct upkeep *upkeep, int64_t took_us) {
    struct pass *pass = &upkeep->pass;
    int64_t now = clock_monotonic_us();
    pass->total += pass->pruned;
    metric_count(METRIC_PRUNED, pass->pruned);
    if (pass->finished) {
        end_pass(upkeep, now);
        return;
    }
    pass->after = pass->last_id;
    pass->most = steps_next(pass->most, took_us);
    bool urgent = backlog_pending(upkeep->backlog) > URGENT_EVENTS;
    upkeep->tasks[TASK_PRUNE].due_at = now + steps_rest(took_us, pass->pruned, urgent);
}

// It may have been too much for the time it had. The pass goes on where it was.
static void on_step_failed(struct upkeep *upkeep, int64_t now_us) {
    (void)now_us;
    upkeep->pass.most = STEPS_LEAST;
}

const struct task_kind task_prune = {.what = "prune sent events",
                                     .limits = LIMITS,
                                     .send = send_outbox,
                                     .done = on_step,
                                     .failed = on_step_failed};
const struct task_kind task_prune_inbox = {.what = "forget processed events",
                                           .limits = LIMITS,
                                           .send = send_inbox,
                                           .done = on_step,
                                           .failed = on_step_failed};
