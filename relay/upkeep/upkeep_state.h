// SPDX-License-Identifier: Apache-2.0
// What the parts of upkeep share. Nobody else includes this.
#pragma once

#include "postgres/connection.h"
#include "upkeep/backlog.h"
#include "upkeep/upkeep.h"

#include <stdbool.h>
#include <stdint.h>

// What is done on the connection, one at a time, each in a transaction of its own.
enum task_name { TASK_BACKLOG, TASK_REPORT, TASK_PRUNE, TASKS };

struct task_kind {
    const char *what;                                      // as in "cannot ..."
    const char *limits;                                    // a SELECT that sets them for the transaction
    void (*send)(struct upkeep *upkeep);                   // its statements
    void (*done)(struct upkeep *upkeep, int64_t took_us);  // committed: says when it is due again
    void (*failed)(struct upkeep *upkeep, int64_t now_us); // refused, and rolled back
};

struct task {
    int64_t due_at; // monotonic; INT64_MAX: not asked for
    int failures;   // in a row
};

// A pass of pruning, from the oldest event on.
struct pass {
    bool under_way;
    int most;      // rows of a step
    int64_t after; // where the next step begins
    int64_t began_at;
    int64_t total;
    int64_t pruned, last_id; // the answer of the step under way
    bool finished;
};

struct upkeep {
    struct event_base *base;
    const struct settings *settings;
    struct routes *routes; // NULL: of schema inbox
    struct pg_connection *connection;
    unsigned choice; // of the server, that the connection was made under
    bool ready;      // connected
    bool stopped;
    bool lost_before; // since the last success: said already
    int connect_failures;
    int64_t connect_at;
    struct event *timer;
    struct task tasks[TASKS];
    int running;         // the task under way, or TASKS
    bool is_rolled_back; // it was refused
    int64_t began_at;
    struct backlog *backlog;
    char *report;
    char *report_read; // the answer under way
    int64_t report_at, asked_at;
    struct pass pass;
};

extern const struct task_kind task_backlog, task_report, task_prune, task_prune_inbox;

// upkeep_send sends a statement of the task under way.
void upkeep_send(struct upkeep *upkeep, const struct pg_statement *statement);

// upkeep_soon looks anew for what is due.
void upkeep_soon(struct upkeep *upkeep);
