// SPDX-License-Identifier: Apache-2.0
// One connection for handlers in SQL: it is checked, given events, and runs them in transactions until all
// are settled. Nothing of it stays in the server's session, so that it may go through a pooler in transaction
// mode.
#pragma once

#include "handle/runner.h"
#include "handle/sql_batch.h"
#include "handle/sql_task.h"

struct sql_session;

struct sql_session_listener {
    void *context;
    void (*opened)(void *context, struct sql_session *session); // it is idle, and all that is needed is there
    // It is not there (any more); what it had is settled. `missing`: it was reached, but not all is there
    // (sql_check).
    void (*closed)(void *context, struct sql_session *session, const struct error *error, bool missing);
    void (*idle)(void *context, struct sql_session *session); // all it was given is settled
    void (*ended)(void *context, struct sql_task *task, const struct handled *handled);
};

// Shared by all sessions, and must outlive them.
struct sql_session_options {
    struct event_base *base;
    char *const *conninfo; // where the settings have it: a reload may change it
    const char *consumer;
    const struct sql_function *functions;
    int function_count;
    int64_t handler_timeout; // for each function
    struct sql_batch *batch;
    bool *prepares; // false once a statement that was prepared was not there: a pooler unnoticed
};

struct sql_session *sql_session_new(const struct sql_session_listener *listener,
                                    const struct sql_session_options *options);
// sql_session_free closes without a call, and hands what it had to `release`. NULL is fine.
void sql_session_free(struct sql_session *session, void (*release)(struct sql_task *task));

// sql_session_open connects; the end is `opened` or `closed`. Fails when the connection string is malformed.
bool sql_session_open(struct sql_session *session, struct error *error);

bool sql_session_is_closed(const struct sql_session *session);
bool sql_session_is_opening(const struct sql_session *session);
bool sql_session_is_idle(const struct sql_session *session);

// sql_session_run takes from the queue (which is not empty) what may share a transaction. Only when idle.
void sql_session_run(struct sql_session *session, struct sql_queue *queue);
