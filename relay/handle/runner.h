// SPDX-License-Identifier: Apache-2.0
// What runs a handler: one of these for each kind, started by handlers.c and told of nothing but the event.
// Only this module includes this.
#pragma once

#include "handle/handlers.h"

// The event that a runner gets is a copy of its own, and each of its slices has a zero byte behind it.
//
// `ended` is called exactly once for each task that was started, later, from the loop: HANDLED_DONE,
// HANDLED_FAILED, or HANDLED_LET_GO for one that was dropped before it began.
struct runner_listener {
    void *context;
    void (*ended)(void *context, void *task, const struct handled *handled);
    bool (*may_begin)(void *context, void *task); // as in handlers_listener; exec: only
};

// http: one POST on kept-alive connections. `url` and the event live until the task has ended.
struct http_runner;
struct http_runner *http_runner_new(struct event_base *base, const struct settings *settings,
                                    const struct runner_listener *listener, struct error *error);
bool http_runner_check(const char *url, struct error *error); // whether it can be a handler
void http_runner_start(struct http_runner *runner, const char *url, const struct domain_event *event,
                       void *task);
void http_runner_free(struct http_runner *runner);

// exec: a program without a shell, the event on its standard input. `words` and the event live until the task
// has ended.
struct exec_runner;
struct exec_runner *exec_runner_new(struct event_base *base, const struct settings *settings,
                                    const struct runner_listener *listener);
void exec_runner_start(struct exec_runner *runner, char *const *words, const struct domain_event *event,
                       void *task);
void exec_runner_drop(struct exec_runner *runner); // ends what waits for others to end
void exec_runner_free(struct exec_runner *runner);

// sql: functions of one jsonb, many events in a transaction. `functions` are names as the user wrote them
// (schema.function), checked by sql_runner_check; those of sql_runner_new live as long as the runner, and a
// task's are among them; the event lives until the task has ended.
enum { SQL_FUNCTIONS_MAX = 64 };
struct sql_runner;
struct sql_runner_listener {
    struct runner_listener runner;
    void (*ready)(void *context);
    void (*broken)(void *context, const struct error *error);
    void (*recovered)(void *context);
};
struct sql_runner *sql_runner_new(struct event_base *base, const struct settings *settings,
                                  const char *consumer, const struct sql_runner_listener *listener,
                                  const char *const *functions, int function_count, struct error *error);
bool sql_runner_check(const char *function, struct error *error);
void sql_runner_start(struct sql_runner *runner, const char *const *functions, int function_count,
                      const struct domain_event *event, void *task);
void sql_runner_drop(struct sql_runner *runner);
bool sql_runner_resting(const struct sql_runner *runner);
const char *sql_runner_problem(const struct sql_runner *runner); // why it rests; while it does
void sql_runner_free(struct sql_runner *runner);
