// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "base/memory.h"
#include "handle/environment.h"
#include "handle/line.h"
#include "handle/runner.h"
#include "process/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
    RUNNING_MAX = 16,
    OUTPUT_KEPT = 1024,
    REASON_SIZE = PROCESS_LINE_SIZE + 128,
};

// One task, from its start to its end.
struct run {
    struct run *next;
    struct exec_runner *runner;
    char *const *words;
    const struct domain_event *event;
    void *task;
    struct process *process; // NULL while it waits
};

struct exec_runner {
    struct event_base *base;
    struct runner_listener listener;
    int64_t timeout_us;
    struct run *waiting;
    struct run **waiting_end;
    struct run *running;
    int running_count;
    struct event *begin; // libevent's: nothing begins, and so nothing fails, but from the loop
};

static const struct handled let_go = {.kind = HANDLED_LET_GO};

static void end(struct run *run, const struct handled *handled) {
    struct exec_runner *runner = run->runner;
    void *task = run->task;
    process_free(run->process);
    free(run);
    runner->listener.ended(runner->listener.context, task, handled);
}

static void end_failed(struct run *run, bool outage, const char *reason) {
    const struct handled handled = {.kind = HANDLED_FAILED, .outage = outage, .reason = reason};
    end(run, &handled);
}

static void log_output(const struct run *run, struct slice output) {
    char line[LINE_SIZE];
    line_first(output, line);
    if (line[0] != '\0') {
        log_debug("a handler wrote", LOG_TEXT("program", run->words[0]),
                  LOG_TEXT("event_id", run->event->event_id), LOG_TEXT("line", line));
    }
}

static void leave_running(struct run *run) {
    struct exec_runner *runner = run->runner;
    struct run **link = &runner->running;
    while (*link != run) {
        link = &(*link)->next;
    }
    *link = run->next;
    runner->running_count--;
    if (runner->waiting != NULL) {
        event_active(runner->begin, EV_TIMEOUT, 0);
    }
}

static void on_end(void *context, const struct process_end *ended) {
    static const struct handled done = {.kind = HANDLED_DONE};
    struct run *run = context;
    char reason[REASON_SIZE];
    leave_running(run);
    log_output(run, ended->output);
    if (ended->failure == NULL) {
        end(run, &done);
        return;
    }
    snprintf(reason, sizeof reason, "%s%s%s", ended->failure,
             ended->error_line[0] != '\0' ? "; it says: " : "", ended->error_line);
    end_failed(run, ended->exit_code == EX_TEMPFAIL, reason);
}

static bool may_begin(const struct run *run) {
    const struct runner_listener *listener = &run->runner->listener;
    return listener->may_begin == NULL || listener->may_begin(listener->context, run->task);
}

static void run_program(struct run *run) {
    struct exec_runner *runner = run->runner;
    const struct process_limits limits = {
        .timeout_us = runner->timeout_us, .output_limit = OUTPUT_KEPT, .discards = true};
    struct environment environment;
    struct error error = {0};
    if (!environment_make(&environment, run->event, &error)) {
        end_failed(run, false, error.text);
        return;
    }
    const struct process_program program = {
        .words = run->words, .environment = environment.entries, .input = run->event->json};
    run->process = process_start(runner->base, &program, &limits, on_end, run, &error);
    environment_free(&environment);
    if (run->process == NULL) {
        end_failed(run, true, error.text);
        return;
    }
    run->next = runner->running;
    runner->running = run;
    runner->running_count++;
}

// Returns what waits. What is started meanwhile waits anew.
static struct run *take_waiting(struct exec_runner *runner) {
    struct run *waiting = runner->waiting;
    runner->waiting = NULL;
    runner->waiting_end = &runner->waiting;
    return waiting;
}

static void on_begin(evutil_socket_t file, short kinds, void *context) {
    (void)file;
    (void)kinds;
    struct exec_runner *runner = context;
    while (runner->waiting != NULL && runner->running_count < RUNNING_MAX) {
        struct run *run = runner->waiting;
        runner->waiting = run->next;
        if (runner->waiting == NULL) {
            runner->waiting_end = &runner->waiting;
        }
        if (may_begin(run)) {
            run_program(run);
        } else {
            end(run, &let_go);
        }
    }
}

struct exec_runner *exec_runner_new(struct event_base *base, const struct settings *settings,
                                    const struct runner_listener *listener) {
    struct exec_runner *runner = memory_allocate(1, sizeof *runner);
    runner->base = base;
    runner->listener = *listener;
    runner->timeout_us = settings->handler_timeout;
    runner->waiting_end = &runner->waiting;
    runner->begin = evtimer_new(base, on_begin, runner);
    return runner;
}

void exec_runner_start(struct exec_runner *runner, char *const *words, const struct domain_event *event,
                       void *task) {
    struct run *run = memory_allocate(1, sizeof *run);
    *run = (struct run){.runner = runner, .words = words, .event = event, .task = task};
    *runner->waiting_end = run;
    runner->waiting_end = &run->next;
    event_active(runner->begin, EV_TIMEOUT, 0);
}

void exec_runner_drop(struct exec_runner *runner) {
    struct run *run = take_waiting(runner);
    while (run != NULL) {
        struct run *next = run->next;
        end(run, &let_go);
        run = next;
    }
}

static void free_runs(struct run *run) {
    while (run != NULL) {
        struct run *next = run->next;
        process_free(run->process);
        free(run);
        run = next;
    }
}

void exec_runner_free(struct exec_runner *runner) {
    if (runner != NULL) {
        free_runs(runner->running);
        free_runs(runner->waiting);
        event_free(runner->begin);
        free(runner);
    }
}
