// SPDX-License-Identifier: Apache-2.0
// The way of an event: which handlers match, those in SQL first, then the others at the same time.
#include "handle/handlers.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "handle/figures.h"
#include "handle/passage.h"
#include "handle/runner.h"
#include "handle/table.h"

#include <stdlib.h>
#include <string.h>

struct handlers {
    struct handlers_listener listener;
    struct table *table;
    struct event *ready; // where there is nothing to look up
    struct sql_runner *sql;
    struct http_runner *http;
    struct exec_runner *exec;
    struct passage *passages; // all that are not settled
};

static void settle(struct handlers *handlers, struct passage *passage) {
    void *delivery = passage->delivery;
    struct passage_result result = passage->result;
    passage_unlink(&handlers->passages, passage);
    passage_free(passage);
    handlers->listener.settled(handlers->listener.context, delivery, &result.handled);
    buffer_free(&result.reasons);
}

static void start_others(struct handlers *handlers, struct passage *passage) {
    passage->began_at = clock_monotonic_us();
    for (int index = 0; index < passage->run_count; index++) {
        struct passage_run *run = &passage->runs[index];
        if (run->handler->kind == HANDLER_HTTP) {
            http_runner_start(handlers->http, run->handler->where, &passage->event, run);
        } else {
            exec_runner_start(handlers->exec, run->handler->words, &passage->event, run);
        }
    }
}

// All functions of an event have ended together.
static void count_sql(const struct table *table, const struct passage *passage,
                      const struct handled *handled) {
    for (int index = 0; index < passage->function_count; index++) {
        const struct handler *handler = table->handlers;
        while (handler->where != passage->functions[index]) {
            handler++;
        }
        figures_ended(handler, handled, passage->began_at);
    }
}

static void on_sql_ended(void *context, void *task, const struct handled *handled) {
    struct handlers *handlers = context;
    struct passage *passage = task;
    count_sql(handlers->table, passage, handled);
    passage_note(passage, NULL, handled);
    if (handled->kind == HANDLED_DONE && passage->run_count > 0) {
        start_others(handlers, passage);
    } else {
        settle(handlers, passage);
    }
}

static void on_other_ended(void *context, void *task, const struct handled *handled) {
    struct passage_run *run = task;
    struct passage *passage = run->passage;
    figures_ended(run->handler, handled, passage->began_at);
    passage_note(passage, run->handler, handled);
    if (--passage->open == 0) {
        passage_conclude(passage);
        settle(context, passage);
    }
}

static void on_sql_ready(void *context) {
    struct handlers *handlers = context;
    handlers->listener.ready(handlers->listener.context);
}

static void on_sql_broken(void *context, const struct error *error) {
    struct handlers *handlers = context;
    handlers->listener.broken(handlers->listener.context, error);
}

static void on_sql_recovered(void *context) {
    struct handlers *handlers = context;
    handlers->listener.recovered(handlers->listener.context);
}

static void on_nothing_to_look_up(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    on_sql_ready(context);
}

static bool make_sql(struct handlers *handlers, struct event_base *base, const struct settings *settings,
                     const char *consumer, struct error *error) {
    const char *functions[SQL_FUNCTIONS_MAX];
    int count = 0;
    for (int index = 0; index < handlers->table->handler_count; index++) {
        if (handlers->table->handlers[index].kind == HANDLER_SQL) {
            functions[count++] = handlers->table->handlers[index].where;
        }
    }
    const struct sql_runner_listener listener = {.runner = {.context = handlers, .ended = on_sql_ended},
                                                 .ready = on_sql_ready,
                                                 .broken = on_sql_broken,
                                                 .recovered = on_sql_recovered};
    handlers->sql = sql_runner_new(base, settings, consumer, &listener, functions, count, error);
    return handlers->sql != NULL;
}

static bool on_may_begin(void *context, void *task) {
    const struct handlers *handlers = context;
    const struct passage_run *run = task;
    return handlers->listener.may_begin == NULL ||
           handlers->listener.may_begin(handlers->listener.context, run->passage->delivery);
}

static bool make_runners(struct handlers *handlers, struct event_base *base, const struct settings *settings,
                         const char *consumer, struct error *error) {
    const struct runner_listener listener = {
        .context = handlers, .ended = on_other_ended, .may_begin = on_may_begin};
    if (table_count(handlers->table, HANDLER_HTTP) > 0) {
        handlers->http = http_runner_new(base, settings, &listener, error);
        if (handlers->http == NULL) {
            return false;
        }
    }
    if (table_count(handlers->table, HANDLER_EXEC) > 0) {
        handlers->exec = exec_runner_new(base, settings, &listener);
    }
    if (table_count(handlers->table, HANDLER_SQL) > 0) {
        return make_sql(handlers, base, settings, consumer, error);
    }
    handlers->ready = evtimer_new(base, on_nothing_to_look_up, handlers);
    event_active(handlers->ready, EV_TIMEOUT, 1);
    return true;
}

struct handlers *handlers_new(struct event_base *base, const struct settings *settings, const char *consumer,
                              const struct handlers_listener *listener, struct error *error) {
    struct table *table = table_read(settings->on, error);
    if (table == NULL) {
        return NULL;
    }
    struct handlers *handlers = memory_allocate(1, sizeof *handlers);
    handlers->listener = *listener;
    handlers->table = table;
    figures_of_table(table);
    if (!make_runners(handlers, base, settings, consumer, error)) {
        handlers_free(handlers);
        return NULL;
    }
    return handlers;
}

void handlers_free(struct handlers *handlers) {
    if (handlers == NULL) {
        return;
    }
    sql_runner_free(handlers->sql);
    http_runner_free(handlers->http);
    exec_runner_free(handlers->exec);
    while (handlers->passages != NULL) {
        struct passage *passage = handlers->passages;
        passage_unlink(&handlers->passages, passage);
        buffer_free(&passage->result.reasons);
        passage_free(passage);
    }
    if (handlers->ready != NULL) {
        event_free(handlers->ready);
    }
    table_free(handlers->table);
    free(handlers);
}

int handlers_count(const struct handlers *handlers) {
    return handlers->table->line_count;
}

void handlers_offer(struct handlers *handlers, const struct domain_event *event, void *delivery) {
    struct passage *passage = passage_new(handlers->table, event, delivery);
    if (passage == NULL) {
        handlers->listener.settled(handlers->listener.context, delivery,
                                   &(struct handled){.kind = HANDLED_NONE});
        return;
    }
    passage_link(&handlers->passages, passage);
    passage->began_at = clock_monotonic_us();
    if (passage->function_count > 0) {
        sql_runner_start(handlers->sql, passage->functions, passage->function_count, &passage->event,
                         passage);
    } else {
        start_others(handlers, passage);
    }
}

void handlers_drop(struct handlers *handlers) {
    if (handlers->sql != NULL) {
        sql_runner_drop(handlers->sql);
    }
    if (handlers->exec != NULL) {
        exec_runner_drop(handlers->exec);
    }
}

bool handlers_resting(const struct handlers *handlers) {
    return handlers->sql != NULL && sql_runner_resting(handlers->sql);
}

void handlers_health(const struct handlers *handlers, struct health *health) {
    bool resting = handlers_resting(handlers);
    struct error why = {0};
    if (resting) {
        error_set(&why, ERROR_DATABASE, "the database of the sql: handlers: %s",
                  sql_runner_problem(handlers->sql));
    }
    health_add(health, "handlers", !resting, why.text);
}
