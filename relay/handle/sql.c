// SPDX-License-Identifier: Apache-2.0
// The runner for handlers in SQL: a queue of events, and the connections that take them from it. What is
// offered in one turn of the event loop is taken together at its end, so that a single event waits for
// nothing and many share transactions.
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "handle/runner.h"
#include "handle/sql_session.h"

#include <stdlib.h>
#include <string.h>

enum {
    RETRY_BASE_US = 100000,
    RETRY_MAX_US = 15000000,
    FURTHER_US = 30000000, // before a further connection is tried again, after one was refused
};

struct sql_runner {
    struct sql_runner_listener listener;
    struct sql_session_options options;
    struct sql_function *functions;
    struct sql_batch batch;
    bool prepares;
    struct sql_session **sessions;
    int session_count;
    struct sql_queue queue;
    struct event *turn; // hands out what is in the queue
    struct event *retry;
    bool ready;
    bool broken;
    int failures;        // to connect, one after the other
    int64_t further_at;  // no further connection before
    struct error reason; // why no connection works
};

static void release(struct sql_task *task) {
    free(task);
}

static void end_task(struct sql_runner *runner, struct sql_task *task, const struct handled *handled) {
    void *owner = task->owner;
    free(task);
    runner->listener.runner.ended(runner->listener.runner.context, owner, handled);
}

static void on_ended(void *context, struct sql_task *task, const struct handled *handled) {
    end_task(context, task, handled);
}

// What is offered meanwhile goes to the new queue.
static void end_queue(struct sql_runner *runner, const struct handled *handled) {
    struct sql_queue queue = runner->queue;
    runner->queue = (struct sql_queue){0};
    for (struct sql_task *task = sql_queue_pop(&queue); task != NULL; task = sql_queue_pop(&queue)) {
        end_task(runner, task, handled);
    }
}

static struct sql_session *find(const struct sql_runner *runner, bool (*is)(const struct sql_session *)) {
    for (int index = 0; index < runner->session_count; index++) {
        if (is(runner->sessions[index])) {
            return runner->sessions[index];
        }
    }
    return NULL;
}

static bool is_working(const struct sql_session *session) {
    return !sql_session_is_closed(session) && !sql_session_is_opening(session);
}

static void soon(struct sql_runner *runner) {
    event_active(runner->turn, EV_TIMEOUT, 1);
}

// The connection string was good when the runner was made.
static void open_one(struct sql_runner *runner) {
    struct sql_session *closed = find(runner, sql_session_is_closed);
    struct error error = {0};
    if (closed != NULL && find(runner, sql_session_is_opening) == NULL && !sql_session_open(closed, &error)) {
        log_error("cannot connect for sql: handlers", LOG_TEXT("reason", error.text));
    }
}

static void on_turn(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct sql_runner *runner = context;
    if (sql_runner_resting(runner)) {
        end_queue(runner,
                  &(struct handled){.kind = HANDLED_FAILED, .outage = true, .reason = runner->reason.text});
        return;
    }
    struct sql_session *idle;
    while (runner->queue.first != NULL && (idle = find(runner, sql_session_is_idle)) != NULL) {
        sql_session_run(idle, &runner->queue);
    }
    if (runner->queue.first != NULL && clock_monotonic_us() >= runner->further_at) {
        open_one(runner);
    }
}

static void on_retry(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    open_one(context);
}

static void on_idle(void *context, struct sql_session *session) {
    (void)session;
    soon(context);
}

static void on_opened(void *context, struct sql_session *session) {
    (void)session;
    struct sql_runner *runner = context;
    bool recovered = runner->ready && runner->failures > 0;
    runner->failures = 0;
    evtimer_del(runner->retry);
    soon(runner);
    if (!runner->ready) {
        runner->ready = true;
        runner->listener.ready(runner->listener.runner.context);
    } else if (recovered) {
        log_info("the database of the sql: handlers is there again");
        runner->listener.recovered(runner->listener.runner.context);
    }
}

// Class 28 of the SQLSTATEs (see dial.h) is what the server says, in whatever language; without a password
// libpq does not even ask.
static bool is_wrong_password(const struct error *error) {
    return strstr(error->text, "(SQLSTATE 28") != NULL || strstr(error->text, "no password supplied") != NULL;
}

static void give_up(struct sql_runner *runner, const struct error *error) {
    runner->broken = true;
    runner->listener.broken(runner->listener.runner.context, error);
}

// The server that all connections of this process lead to is kept as long as it may come back, as other
// parts of the process may still use it.
static void try_again(struct sql_runner *runner, const struct error *error, bool missing) {
    int64_t delay_us = backoff_us(++runner->failures, RETRY_BASE_US, RETRY_MAX_US);
    const struct timeval delay = {.tv_sec = delay_us / 1000000, .tv_usec = delay_us % 1000000};
    log_warn("the database of the sql: handlers is out of reach", LOG_TEXT("reason", error->text),
             LOG_INT("delay_ms", delay_us / 1000));
    if (missing || runner->failures > 1) {
        pg_choose_again();
    }
    evtimer_add(runner->retry, &delay);
}

static void on_closed(void *context, struct sql_session *session, const struct error *error, bool missing) {
    (void)session;
    struct sql_runner *runner = context;
    if (find(runner, is_working) != NULL) {
        log_warn("a connection for sql: handlers is lost, others go on", LOG_TEXT("reason", error->text));
        runner->further_at = clock_monotonic_us() + FURTHER_US;
        soon(runner);
        return;
    }
    runner->reason = *error;
    soon(runner);
    if (!runner->ready && (missing || is_wrong_password(error))) {
        give_up(runner, error);
    } else {
        try_again(runner, error, missing);
    }
}

static void add_functions(struct sql_runner *runner, const char *const *functions, int count) {
    runner->functions = memory_allocate((size_t)count + 1, sizeof *runner->functions);
    for (int index = 0; index < count; index++) {
        sql_function_init(&runner->functions[index], functions[index], index);
    }
    runner->options.functions = runner->functions;
    runner->options.function_count = count;
}

static void add_sessions(struct sql_runner *runner, int count) {
    const struct sql_session_listener listener = {
        .context = runner, .opened = on_opened, .closed = on_closed, .idle = on_idle, .ended = on_ended};
    runner->sessions = memory_allocate((size_t)count, sizeof(struct sql_session *));
    runner->session_count = count;
    for (int index = 0; index < count; index++) {
        runner->sessions[index] = sql_session_new(&listener, &runner->options);
    }
}

struct sql_runner *sql_runner_new(struct event_base *base, const struct settings *settings,
                                  const char *consumer, const struct sql_runner_listener *listener,
                                  const char *const *functions, int function_count, struct error *error) {
    struct sql_runner *runner = memory_allocate(1, sizeof *runner);
    runner->listener = *listener;
    runner->options = (struct sql_session_options){.base = base,
                                                   .conninfo = &settings->database_url,
                                                   .consumer = consumer,
                                                   .handler_timeout = settings->handler_timeout,
                                                   .batch = &runner->batch,
                                                   .prepares = &runner->prepares};
    sql_batch_init(&runner->batch, (int)settings->sql_batch);
    runner->prepares = true;
    add_functions(runner, functions, function_count);
    runner->turn = evtimer_new(base, on_turn, runner);
    runner->retry = evtimer_new(base, on_retry, runner);
    error_set(&runner->reason, ERROR_DATABASE, "the database is not connected yet");
    add_sessions(runner, (int)settings->sql_connections);
    if (!sql_session_open(runner->sessions[0], error)) {
        sql_runner_free(runner);
        return NULL;
    }
    return runner;
}

bool sql_runner_check(const char *function, struct error *error) {
    struct sql_name name;
    return sql_name_parse(&name, function, error);
}

static const struct sql_function *find_function(const struct sql_runner *runner, const char *text) {
    for (int index = 0; index < runner->options.function_count; index++) {
        const struct sql_function *function = &runner->functions[index];
        if (function->text == text || strcmp(function->text, text) == 0) {
            return function;
        }
    }
    abort(); // against the contract
}

void sql_runner_start(struct sql_runner *runner, const char *const *functions, int function_count,
                      const struct domain_event *event, void *task) {
    struct sql_task *added =
        memory_allocate(1, sizeof *added + (size_t)function_count * sizeof(struct sql_call));
    added->event = event;
    added->owner = task;
    added->call_count = function_count;
    for (int index = 0; index < function_count; index++) {
        added->calls[index] = (struct sql_call){added, find_function(runner, functions[index])};
    }
    sql_queue_push(&runner->queue, added);
    soon(runner);
}

void sql_runner_drop(struct sql_runner *runner) {
    end_queue(runner, &(struct handled){.kind = HANDLED_LET_GO});
}

bool sql_runner_resting(const struct sql_runner *runner) {
    return find(runner, is_working) == NULL;
}

const char *sql_runner_problem(const struct sql_runner *runner) {
    return runner->reason.text;
}

void sql_runner_free(struct sql_runner *runner) {
    if (runner == NULL) {
        return;
    }
    for (int index = 0; index < runner->session_count; index++) {
        sql_session_free(runner->sessions[index], release);
    }
    for (struct sql_task *task = sql_queue_pop(&runner->queue); task != NULL;
         task = sql_queue_pop(&runner->queue)) {
        free(task);
    }
    for (int index = 0; index < runner->options.function_count; index++) {
        sql_function_free(&runner->functions[index]);
    }
    event_free(runner->turn);
    event_free(runner->retry);
    free(runner->sessions);
    free(runner->functions);
    free(runner);
}
