// SPDX-License-Identifier: Apache-2.0
#include "handle/sql_session.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "handle/sql_check.h"
#include "handle/sql_work.h"
#include "postgres/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MARGIN_US = 30000000, // for a silent server, beyond what a function may take
    SMALL_BATCH = 4,             // see send_call
    FLUSH_EVERY = 16,
    CONFLICT_BASE_US = 5000,
    CONFLICT_MAX_US = 500000,
};

enum session_state {
    SESSION_CLOSED,
    SESSION_OPENING, // connecting, and checking
    SESSION_IDLE,
    SESSION_RUNNING, // a transaction is under way, or is being rolled back
    SESSION_WAITING, // for a moment, after a conflict
};

// What a refused statement was.
enum refused { REFUSED_BEFORE, REFUSED_CALL, REFUSED_COMMIT };

struct sql_session {
    struct sql_session_listener listener;
    const struct sql_session_options *options;
    enum session_state state;
    struct pg_connection *connection;
    struct sql_check check;
    bool prepared;  // the calls
    bool read_only; // the server
    struct sql_work work;
    struct event *again;
    int64_t began_at;
    int calls;     // of this transaction
    int conflicts; // one after the other
    enum refused refused;
    enum sql_fault fault;
    struct sql_task *culprit; // of REFUSED_CALL
    struct error reason;
};

static void run(struct sql_session *session);

static void settle(struct sql_session *session, struct sql_task *task, const struct handled *handled) {
    session->listener.ended(session->listener.context, task, handled);
}

// Whether the transaction that was under way has been committed nobody knows: the next delivery finds out.
static void fail_all(struct sql_session *session, const struct error *error) {
    const struct handled handled = {.kind = HANDLED_FAILED, .outage = true, .reason = error->text};
    while (session->work.count > 0) {
        session->work.running = 1;
        struct sql_task *task = session->work.tasks[0];
        sql_work_done(&session->work);
        settle(session, task, &handled);
    }
    session->work.good = 0;
}

// An event whose function ends the server's process would take all that share its transaction with it, at
// each delivery anew. So transactions become smaller, until it is alone.
static void note_loss(struct sql_session *session) {
    if (session->state == SESSION_RUNNING) {
        sql_batch_conflicted(session->options->batch, session->work.running);
    }
}

static void close_session(struct sql_session *session, const struct error *error, bool missing) {
    struct error copy = *error;
    note_loss(session);
    event_del(session->again);
    pg_close(session->connection);
    session->connection = NULL;
    session->state = SESSION_CLOSED;
    session->conflicts = 0;
    fail_all(session, &copy);
    session->listener.closed(session->listener.context, session, &copy, missing);
}

static void on_lost(void *context, const struct error *error) {
    close_session(context, error, false);
}

static void become_open(struct sql_session *session) {
    session->state = SESSION_IDLE;
    session->listener.opened(session->listener.context, session);
}

static void on_prepared(void *context, int64_t affected) {
    (void)affected;
    become_open(context);
}

// Nothing runs before all is prepared: a statement of the same name might be somebody else's.
static void prepare(struct sql_session *session) {
    session->prepared = true;
    sql_call_prepare(session->connection, session->options->functions, session->options->function_count);
    pg_send(session->connection,
            &(struct pg_statement){.sql = "SELECT", .done = on_prepared, .context = session});
    pg_sync(session->connection);
}

static void stop_preparing(struct sql_session *session, const char *sqlstate) {
    log_warn("prepared statements fail, as behind a pooler: none is used any more",
             LOG_TEXT("sqlstate", sqlstate));
    *session->options->prepares = session->prepared = false;
}

static void on_checked(void *context, const struct error *problem) {
    struct sql_session *session = context;
    if (problem != NULL) {
        close_session(session, problem, true);
        return;
    }
    if (*session->options->prepares && !pg_is_pooled(session->connection, session->check.backend_pid)) {
        prepare(session);
    } else {
        become_open(session);
    }
}

static void on_connected(void *context) {
    struct sql_session *session = context;
    session->prepared = false;
    sql_check_start(&session->check, session->connection);
}

static void become_idle(struct sql_session *session) {
    session->state = SESSION_IDLE;
    session->listener.idle(session->listener.context, session);
}

// What is left runs in the next transaction.
static void go_on(struct sql_session *session) {
    if (session->work.count > 0) {
        run(session);
    } else {
        become_idle(session);
    }
}

static void on_again(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    run(context);
}

// Both who were in each other's way would meet again at once.
static void wait_a_moment(struct sql_session *session) {
    int64_t delay_us = backoff_jittered_us(++session->conflicts, CONFLICT_BASE_US, CONFLICT_MAX_US);
    const struct timeval delay = {.tv_sec = delay_us / 1000000, .tv_usec = delay_us % 1000000};
    session->state = SESSION_WAITING;
    event_add(session->again, &delay);
}

static int index_of(const struct sql_work *work, const struct sql_task *task) {
    int index = 0;
    while (index < work->running && work->tasks[index] != task) {
        index++;
    }
    return index < work->running ? index : SQL_NO_CULPRIT;
}

// One that failed alone says nothing about the size.
static void resize_batch(struct sql_session *session, int events) {
    if (session->fault == FAULT_NOBODY) {
        sql_batch_conflicted(session->options->batch, events);
    } else if (events > 1) {
        sql_batch_failed(session->options->batch, events);
    }
}

static void on_rolled_back(void *context, int64_t affected) {
    (void)affected;
    struct sql_session *session = context;
    resize_batch(session, session->work.running);
    struct sql_task *failed =
        sql_work_refused(&session->work, index_of(&session->work, session->culprit), session->fault);
    if (failed != NULL) {
        session->conflicts = 0;
        settle(session, failed,
               &(struct handled){.kind = HANDLED_FAILED,
                                 .outage = session->fault == FAULT_DATABASE,
                                 .reason = session->reason.text});
    }
    if (failed == NULL && session->fault == FAULT_NOBODY) {
        wait_a_moment(session);
    } else {
        go_on(session);
    }
}

static void roll_back(struct sql_session *session) {
    pg_send(session->connection,
            &(struct pg_statement){.sql = "ROLLBACK", .done = on_rolled_back, .context = session});
    pg_sync(session->connection);
}

static void explain(struct sql_session *session, const struct sql_call *call, const char *sqlstate,
                    const char *message) {
    const char *what = session->refused == REFUSED_CALL     ? call->function->text
                       : session->refused == REFUSED_COMMIT ? "at the end of the transaction"
                                                            : "before the event";
    error_set(&session->reason, ERROR_DATABASE, "%s: %s (SQLSTATE %s)", what, message, sqlstate);
}

// The context of a statement tells what it was: that of COMMIT is the session, that of a call the call.
static enum refused what_was(const struct sql_session *session, const void *statement) {
    if (session->state != SESSION_RUNNING || statement == NULL) {
        return REFUSED_BEFORE;
    }
    return statement == session ? REFUSED_COMMIT : REFUSED_CALL;
}

// A server that has become read-only is of no use; in one that has not it is the event's doing.
static void on_read_only_row(void *context, const PGresult *result, int row) {
    struct sql_session *session = context;
    session->read_only = pg_bool(result, row, 0);
}

static void on_asked(void *context, int64_t affected) {
    struct sql_session *session = context;
    if (session->read_only) {
        close_session(session, &session->reason, false);
    } else {
        session->fault = FAULT_EVENT;
        on_rolled_back(session, affected);
    }
}

static void ask_if_read_only(struct sql_session *session) {
    if (session->refused == REFUSED_CALL) {
        pg_send(session->connection, &(struct pg_statement){.sql = "ROLLBACK", .context = session});
    }
    pg_send(
        session->connection,
        &(struct pg_statement){.sql = "SELECT pg_catalog.current_setting('transaction_read_only')::boolean",
                               .row = on_read_only_row,
                               .done = on_asked,
                               .context = session});
    pg_sync(session->connection);
}

// A pooler that goes unnoticed may have led the transaction to a server's session of somebody else.
// (0A000 is a plan whose result has changed, or a function that says of itself that it is not supported: that
// one says so again.)
static enum sql_fault fault_of(struct sql_session *session, const char *sqlstate) {
    bool gone = strcmp(sqlstate, "26000") == 0;
    bool outdated = strcmp(sqlstate, "0A000") == 0;
    if (session->prepared && (gone || outdated)) {
        stop_preparing(session, sqlstate);
        return FAULT_NOBODY;
    }
    return sql_fault_of(sqlstate);
}

static bool is_preparing(const struct sql_session *session) {
    return session->state == SESSION_OPENING && session->prepared;
}

static void on_refused(void *context, void *statement, const char *sqlstate, const char *message) {
    struct sql_session *session = context;
    const struct sql_call *call = statement;
    if (is_preparing(session) && strcmp(sqlstate, "42P05") == 0) { // somebody else's, as behind a pooler
        stop_preparing(session, sqlstate);
        become_open(session);
        return;
    }
    session->refused = what_was(session, statement);
    session->fault = fault_of(session, sqlstate);
    session->culprit = session->refused == REFUSED_CALL ? call->task : NULL;
    explain(session, call, sqlstate, message);
    if (session->refused == REFUSED_BEFORE) {
        close_session(session, &session->reason, false);
    } else if (session->fault == FAULT_STANDBY) {
        ask_if_read_only(session);
    } else if (session->refused == REFUSED_CALL) {
        roll_back(session);
    } else {
        on_rolled_back(session, 0); // as a commit that is refused has done
    }
}

static void on_committed(void *context, int64_t affected) {
    (void)affected;
    struct sql_session *session = context;
    struct sql_work *work = &session->work;
    sql_batch_succeeded(session->options->batch, work->running, clock_monotonic_us() - session->began_at);
    session->conflicts = 0;
    for (int index = 0; index < work->running; index++) {
        struct sql_task *task = work->tasks[index];
        settle(session, task, &(struct handled){.kind = HANDLED_DONE, .repeated = !task->is_new});
    }
    sql_work_done(work);
    go_on(session);
}

static void on_call_row(void *context, const PGresult *result, int row) {
    const struct sql_call *call = context;
    call->task->is_new = pg_bool(result, row, 0);
}

// The server keeps its answers until the end of the transaction, and so would be silent for as long as all
// events together may take. It is asked for them every few calls; where there are few events, maybe because
// they are slow, after each. (What is silent too long all the same makes transactions smaller: note_loss.)
static void send_call(struct sql_session *session, struct sql_task *task, int index) {
    struct pg_statement statement;
    const struct sql_call_site site = {.function = task->calls[index].function,
                                       .place = index > 0              ? SQL_NEXT
                                                : task->call_count > 1 ? SQL_FIRST
                                                                       : SQL_ONLY,
                                       .prepared = session->prepared};
    sql_call_statement(&statement, &site, session->options->consumer, task->event);
    statement.row = on_call_row;
    statement.context = &task->calls[index];
    statement.label = "handler";
    pg_send(session->connection, &statement);
    session->calls++;
    if (session->work.running <= SMALL_BATCH || session->calls % FLUSH_EVERY == 0) {
        pg_flush(session->connection);
    }
}

// Limits that end with the transaction: on each function, and on a transaction that nobody goes on with.
static void send_begin(struct sql_session *session) {
    char limits[256];
    int64_t limit_ms = session->options->handler_timeout / 1000;
    snprintf(limits, sizeof limits,
             "SELECT pg_catalog.set_config('statement_timeout', '%" PRId64 "', true),"
             " pg_catalog.set_config('idle_in_transaction_session_timeout', '%" PRId64 "', true)",
             limit_ms, limit_ms);
    pg_send(session->connection, &(struct pg_statement){.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"});
    pg_send(session->connection, &(struct pg_statement){.sql = limits});
}

static void run(struct sql_session *session) {
    int running = sql_work_begin(&session->work, session->options->batch->now);
    session->state = SESSION_RUNNING;
    session->began_at = clock_monotonic_us();
    session->calls = 0;
    send_begin(session);
    for (int index = 0; index < running; index++) {
        struct sql_task *task = session->work.tasks[index];
        for (int call = 0; call < task->call_count; call++) {
            send_call(session, task, call);
        }
    }
    pg_send(
        session->connection,
        &(struct pg_statement){.sql = "COMMIT", .done = on_committed, .context = session, .label = "commit"});
    pg_sync(session->connection);
}

struct sql_session *sql_session_new(const struct sql_session_listener *listener,
                                    const struct sql_session_options *options) {
    struct sql_session *session = memory_allocate(1, sizeof *session);
    session->listener = *listener;
    session->options = options;
    session->check = (struct sql_check){.functions = options->functions,
                                        .count = options->function_count,
                                        .done = on_checked,
                                        .context = session};
    session->again = evtimer_new(options->base, on_again, session);
    return session;
}

void sql_session_free(struct sql_session *session, void (*release)(struct sql_task *task)) {
    if (session == NULL) {
        return;
    }
    pg_close(session->connection);
    event_free(session->again);
    for (int index = 0; index < session->work.count; index++) {
        release(session->work.tasks[index]);
    }
    free(session);
}

bool sql_session_open(struct sql_session *session, struct error *error) {
    const struct pg_handler handler = {.context = session,
                                       .ready = on_connected,
                                       .lost = on_lost,
                                       .refused = on_refused,
                                       .application = "outbox-relay handlers",
                                       .answer_limit_us =
                                           session->options->handler_timeout + ANSWER_MARGIN_US};
    session->connection = pg_open(session->options->base, *session->options->conninfo, &handler, error);
    if (session->connection != NULL) {
        session->state = SESSION_OPENING;
    }
    return session->connection != NULL;
}

bool sql_session_is_closed(const struct sql_session *session) {
    return session->state == SESSION_CLOSED;
}

bool sql_session_is_opening(const struct sql_session *session) {
    return session->state == SESSION_OPENING;
}

bool sql_session_is_idle(const struct sql_session *session) {
    return session->state == SESSION_IDLE;
}

void sql_session_run(struct sql_session *session, struct sql_queue *queue) {
    sql_work_take(&session->work, queue, session->options->batch->now);
    run(session);
}
