// SPDX-License-Identifier: Apache-2.0
// The connection, and which task is next; the tasks themselves are in the files beside this one.
#include "upkeep/upkeep.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "upkeep/steps.h"
#include "upkeep/upkeep_state.h"

#include <stdlib.h>
#include <string.h>

enum {
    START_US = 1000000, // after the first connection of those who work: theirs come first
    CHOICE_US = 500000, // how often to look whether there is one
    RECONNECT_BASE_US = 1000000,
    RECONNECT_MAX_US = 60000000,
    AGAIN_BASE_US = 5000000, // after a refused statement
    AGAIN_MAX_US = 600000000,
    FIRST_PASS_US = 10000000, // at most, after the start
};

static const struct task_kind *kind_of(const struct upkeep *upkeep, int name) {
    if (name == TASK_PRUNE) {
        return upkeep->routes != NULL ? &task_prune : &task_prune_inbox;
    }
    return name == TASK_REPORT ? &task_report : &task_backlog;
}

static void set_timer(struct upkeep *upkeep, int64_t delay_us) {
    int64_t delay = delay_us > 0 ? delay_us : 0;
    const struct timeval wait = {.tv_sec = delay / 1000000, .tv_usec = delay % 1000000};
    evtimer_add(upkeep->timer, &wait);
}

void upkeep_soon(struct upkeep *upkeep) {
    if (!upkeep->stopped) {
        set_timer(upkeep, 0);
    }
}

void upkeep_send(struct upkeep *upkeep, const struct pg_statement *statement) {
    struct pg_statement of_task = *statement;
    of_task.context = upkeep;
    pg_send(upkeep->connection, &of_task);
}

static void forget_readings(struct upkeep *upkeep) {
    if (upkeep->routes != NULL) {
        backlog_forget();
    }
    free(upkeep->report);
    upkeep->report = NULL;
}

static void disconnect(struct upkeep *upkeep) {
    pg_close(upkeep->connection);
    upkeep->connection = NULL;
    upkeep->ready = false;
    upkeep->running = TASKS;
    upkeep->is_rolled_back = false;
}

// Said once for an outage: those who publish and handle say more of it than that.
static void on_lost(void *context, const struct error *error) {
    struct upkeep *upkeep = context;
    int64_t delay = backoff_us(++upkeep->connect_failures, RECONNECT_BASE_US, RECONNECT_MAX_US);
    disconnect(upkeep);
    forget_readings(upkeep);
    if (!upkeep->lost_before) {
        log_warn("upkeep has no connection to the database: nothing is measured or pruned until it has",
                 LOG_TEXT("reason", error->text));
    }
    upkeep->lost_before = true;
    upkeep->connect_at = clock_monotonic_us() + delay;
    set_timer(upkeep, delay);
}

static void on_connected(void *context) {
    struct upkeep *upkeep = context;
    upkeep->ready = true;
    upkeep_soon(upkeep);
}

static const char *remedy_for(const struct upkeep *upkeep, const char *sqlstate) {
    bool inbox = upkeep->routes == NULL;
    if (strcmp(sqlstate, "42501") == 0) { // insufficient_privilege
        return inbox ? "grant it to the consumer's role: GRANT inbox_operator TO ..."
                     : "grant it to the relay's role: GRANT outbox_relay TO ...";
    }
    if (strcmp(sqlstate, "42883") == 0 || strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "3F000") == 0 ||
        strcmp(sqlstate, "42703") == 0) { // undefined function, table, schema, column
        return inbox ? "run \"outbox-relay migrate up --inbox\"" : "run \"outbox-relay migrate up\"";
    }
    return "";
}

static void on_rolled_back(void *context, int64_t affected) {
    struct upkeep *upkeep = context;
    (void)affected;
    int64_t now = clock_monotonic_us();
    struct task *task = &upkeep->tasks[upkeep->running];
    task->due_at = now + backoff_us(task->failures, AGAIN_BASE_US, AGAIN_MAX_US);
    kind_of(upkeep, upkeep->running)->failed(upkeep, now);
    upkeep->running = TASKS;
    upkeep->is_rolled_back = false;
    upkeep_soon(upkeep);
}

// Said once, until it has succeeded again.
static void on_refused(void *context, void *statement, const char *sqlstate, const char *message) {
    struct upkeep *upkeep = context;
    (void)statement;
    const char *state = sqlstate != NULL ? sqlstate : "";
    if (upkeep->running == TASKS ||
        upkeep->is_rolled_back) { // what refuses ROLLBACK is no PostgreSQL to talk to
        struct error error = {0};
        error_set(&error, ERROR_DATABASE, "PostgreSQL refused a statement: %s (SQLSTATE %s)", message, state);
        on_lost(upkeep, &error);
        return;
    }
    if (upkeep->tasks[upkeep->running].failures++ == 0) {
        log_warn("upkeep fails, and is tried again", LOG_TEXT("task", kind_of(upkeep, upkeep->running)->what),
                 LOG_TEXT("reason", message), LOG_TEXT("sqlstate", state),
                 LOG_TEXT("remedy", remedy_for(upkeep, state)));
    }
    upkeep->is_rolled_back = true;
    pg_send(upkeep->connection,
            &(struct pg_statement){.sql = "ROLLBACK", .done = on_rolled_back, .context = upkeep});
    pg_sync(upkeep->connection);
}

static void on_committed(void *context, int64_t affected) {
    struct upkeep *upkeep = context;
    (void)affected;
    struct task *task = &upkeep->tasks[upkeep->running];
    if (task->failures > 0) {
        log_info("upkeep succeeds again", LOG_TEXT("task", kind_of(upkeep, upkeep->running)->what));
    }
    task->failures = upkeep->connect_failures = 0;
    upkeep->lost_before = false;
    kind_of(upkeep, upkeep->running)->done(upkeep, clock_monotonic_us() - upkeep->began_at);
    upkeep->running = TASKS;
    upkeep_soon(upkeep);
}

static void begin(struct upkeep *upkeep, int name, int64_t now) {
    const struct task_kind *kind = kind_of(upkeep, name);
    upkeep->running = name;
    upkeep->began_at = now;
    upkeep_send(upkeep, &(struct pg_statement){.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"});
    upkeep_send(upkeep, &(struct pg_statement){.sql = kind->limits});
    kind->send(upkeep);
    upkeep_send(upkeep, &(struct pg_statement){.sql = "COMMIT", .done = on_committed});
    pg_sync(upkeep->connection);
}

static void open_connection(struct upkeep *upkeep) {
    struct error error = {0};
    const struct pg_handler handler = {.context = upkeep,
                                       .ready = on_connected,
                                       .lost = on_lost,
                                       .refused = on_refused,
                                       .application = "outbox-relay upkeep"};
    upkeep->choice = pg_choice();
    upkeep->connection = pg_open(upkeep->base, upkeep->settings->database_url, &handler, &error);
    if (upkeep->connection == NULL) {
        on_lost(upkeep, &error);
    }
}

// A relay's upkeep goes where its relay has gone, and chooses no server: that waits for the relay to say
// which is the primary. A consumer need not have any other connection.
static void connect_when_chosen(struct upkeep *upkeep, int64_t now) {
    bool chosen = upkeep->routes == NULL || pg_choice() != 0;
    if (!chosen) {
        upkeep->connect_at = now + START_US;
        set_timer(upkeep, CHOICE_US);
    } else if (now < upkeep->connect_at) {
        set_timer(upkeep, upkeep->connect_at - now);
    } else {
        open_connection(upkeep);
    }
}

static void run_next(struct upkeep *upkeep, int64_t now) {
    int next = 0;
    for (int name = 1; name < TASKS; name++) {
        if (upkeep->tasks[name].due_at < upkeep->tasks[next].due_at) {
            next = name;
        }
    }
    if (upkeep->tasks[next].due_at <= now) {
        begin(upkeep, next, now);
    } else if (upkeep->tasks[next].due_at != INT64_MAX) {
        set_timer(upkeep, upkeep->tasks[next].due_at - now);
    }
}

static bool has_moved(const struct upkeep *upkeep) {
    return upkeep->routes != NULL && pg_choice() != upkeep->choice;
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct upkeep *upkeep = context;
    int64_t now = clock_monotonic_us();
    if (upkeep->ready && upkeep->running == TASKS && has_moved(upkeep)) {
        disconnect(upkeep);
        forget_readings(upkeep);
        upkeep->connect_at = now + START_US;
    }
    if (upkeep->connection == NULL) {
        connect_when_chosen(upkeep, now);
    } else if (upkeep->ready && upkeep->running == TASKS) {
        run_next(upkeep, now);
    }
}

static int64_t retention_of(const struct settings *settings, const struct routes *routes) {
    return routes != NULL ? settings->retention : settings->inbox_retention;
}

struct upkeep *upkeep_new(struct event_base *base, const struct settings *settings, struct routes *routes) {
    struct upkeep *upkeep = memory_allocate(1, sizeof *upkeep);
    int64_t retention = retention_of(settings, routes);
    int64_t between = steps_between_passes(retention);
    int64_t now = clock_monotonic_us();
    upkeep->base = base;
    upkeep->settings = settings;
    upkeep->routes = routes;
    upkeep->running = TASKS;
    upkeep->backlog = backlog_new(settings);
    upkeep->pass.most = STEPS_FIRST;
    upkeep->tasks[TASK_BACKLOG].due_at = routes != NULL ? now : INT64_MAX;
    upkeep->tasks[TASK_REPORT].due_at = INT64_MAX;
    upkeep->tasks[TASK_PRUNE].due_at = INT64_MAX;
    if (retention > 0) { // not all relays at once
        int64_t latest = between < FIRST_PASS_US ? between : FIRST_PASS_US;
        upkeep->tasks[TASK_PRUNE].due_at = now + backoff_jittered_us(1, latest, latest);
    }
    upkeep->timer = evtimer_new(base, on_timer, upkeep);
    if (routes != NULL || retention > 0) {
        upkeep_soon(upkeep);
    }
    return upkeep;
}

void upkeep_stop(struct upkeep *upkeep) {
    if (upkeep != NULL && !upkeep->stopped) {
        upkeep->stopped = true;
        evtimer_del(upkeep->timer);
        disconnect(upkeep);
    }
}

void upkeep_free(struct upkeep *upkeep) {
    if (upkeep != NULL) {
        upkeep_stop(upkeep);
        event_free(upkeep->timer);
        backlog_free(upkeep->backlog);
        free(upkeep->report);
        free(upkeep->report_read);
        free(upkeep);
    }
}
