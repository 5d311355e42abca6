// SPDX-License-Identifier: Apache-2.0
#include "postgres/connection.h"

#include "base/clock.h"
#include "base/memory.h"
#include "observe/metrics.h"
#include "postgres/conninfo.h"
#include "postgres/dial.h"
#include "postgres/prepared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What was sent and not yet answered, in order: statements, and the syncs between them.
struct pending {
    struct pending *next;
    bool is_sync;
    bool answered; // its final result came; the NULL that ends it is still to come
    bool failed;   // it was refused, or dropped as one before it was
    int64_t affected;
    pg_row_fn row;
    pg_done_fn done;
    void *context;
    const char *label; // NULL: its time is not counted
    int64_t sent_at;
};

// A statement that was refused, until the sync behind it: before that libpq takes nothing more.
struct refusal {
    void *statement;
    char *sqlstate;
    char *message; // NULL: there is none
};

struct pg_connection {
    PGconn *pg; // NULL until connected, and once lost
    struct event_base *base;
    struct dial *dial;      // while connecting
    struct event *readable; // its time-out is the answer's; NULL until connected
    struct event *writable;
    struct pg_handler handler;
    struct timeval answer_limit;
    struct pending *head;
    struct pending *tail;
    struct refusal refusal;
    struct prepared *prepared; // what is sent repeatedly; NULL: a pooler may stand between
    bool rows_came;            // of what was read last
    bool paused;
    bool broken;   // libpq has failed to write; reported from the loop
    bool closed;   // by pg_close; freed when the last callback under way returns
    int callbacks; // under way
};

// How long a server may be silent that owes an answer. The kernel notices a network that swallows everything
// as late as that; a server, a pooler or a proxy that is frozen only we notice.
enum { ANSWER_LIMIT_US = 30000000 };

// The server that the first connection since pg_choose_again has led to.
static struct host chosen;
static bool is_chosen;
static unsigned choices;

static void drop_pending(struct pg_connection *connection) {
    while (connection->head != NULL) {
        struct pending *next = connection->head->next;
        free(connection->head);
        connection->head = next;
    }
    connection->tail = NULL;
}

static void free_event(struct event **event) {
    if (*event != NULL) {
        event_free(*event);
        *event = NULL;
    }
}

static void free_refusal(struct refusal *refusal) {
    free(refusal->sqlstate);
    free(refusal->message);
    *refusal = (struct refusal){0};
}

static void count_open(int64_t more) {
    metric_add(metric_series(METRIC_DATABASE_CONNECTIONS, NULL, NULL), more);
}

static bool is_open(const struct pg_connection *connection) {
    return connection->readable != NULL;
}

static void disconnect(struct pg_connection *connection) {
    count_open(is_open(connection) ? -1 : 0);
    dial_free(connection->dial);
    connection->dial = NULL;
    free_event(&connection->readable);
    free_event(&connection->writable);
    PQfinish(connection->pg);
    connection->pg = NULL;
    drop_pending(connection);
    free_refusal(&connection->refusal);
    prepared_free(connection->prepared);
    connection->prepared = NULL;
}

static void count_lost(const struct pg_connection *connection) {
    metric_count(METRIC_DATABASE_RECONNECTS, is_open(connection) ? 1 : 0);
}

static void lose(struct pg_connection *connection, const char *what, const char *reason) {
    struct error error = {0};
    error_set(&error, ERROR_DATABASE, "%s: %s", what, reason);
    count_lost(connection);
    disconnect(connection);
    connection->handler.lost(connection->handler.context, &error);
}

static void lose_for_result(struct pg_connection *connection, const PGresult *result) {
    struct error error = {0};
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    error_set(&error, ERROR_DATABASE, "PostgreSQL refused a statement: %s (SQLSTATE %s)%s%s%s%s",
              message != NULL ? message : PQresultErrorMessage(result), state != NULL ? state : "unknown",
              detail != NULL ? "; " : "", detail != NULL ? detail : "", hint != NULL ? "; hint: " : "",
              hint != NULL ? hint : "");
    count_lost(connection);
    disconnect(connection);
    connection->handler.lost(connection->handler.context, &error);
}

static bool is_text(const char *text, const char *expected) {
    return text != NULL && strcmp(text, expected) == 0;
}

// An error without a state is libpq's own: there is no connection any more.
static bool ends_session(const struct pg_connection *connection, const PGresult *result) {
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return PQstatus(connection->pg) == CONNECTION_BAD ||
           PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL || is_text(severity, "FATAL") ||
           is_text(severity, "PANIC");
}

static void refuse(struct pg_connection *connection, const PGresult *result) {
    struct pending *head = connection->head;
    if (connection->handler.refused == NULL || head->is_sync || ends_session(connection, result)) {
        lose_for_result(connection, result);
        return;
    }
    head->answered = head->failed = true;
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    connection->refusal =
        (struct refusal){.statement = head->context,
                         .sqlstate = memory_copy_text(PQresultErrorField(result, PG_DIAG_SQLSTATE)),
                         .message = memory_copy_text(message != NULL ? message : "no message")};
}

static void report_refusal(struct pg_connection *connection) {
    struct refusal refusal = connection->refusal;
    connection->refusal = (struct refusal){0};
    if (refusal.message != NULL) {
        connection->handler.refused(connection->handler.context, refusal.statement, refusal.sqlstate,
                                    refusal.message);
    }
    free_refusal(&refusal);
}

static void flush(struct pg_connection *connection) {
    int left = PQflush(connection->pg);
    if (left < 0) {
        lose(connection, "the connection to PostgreSQL broke", PQerrorMessage(connection->pg));
    } else if (left > 0) {
        event_add(connection->writable, NULL);
    }
}

static void append_pending(struct pg_connection *connection, const struct pending *template) {
    struct pending *pending = memory_allocate(1, sizeof *pending);
    *pending = *template;
    if (connection->tail != NULL) {
        connection->tail->next = pending;
    } else {
        connection->head = pending;
    }
    connection->tail = pending;
}

// Single-row mode is asked for anew for each statement, at the moment it becomes the one being answered.
static void start_head(struct pg_connection *connection) {
    if (connection->head != NULL && !connection->head->is_sync && connection->head->row != NULL) {
        PQsetSingleRowMode(
            connection->pg); // refused: rows come all at once, which deliver_rows copes with as well
    }
}

static struct pending pop_head(struct pg_connection *connection) {
    struct pending *head = connection->head;
    struct pending copy = *head;
    connection->head = head->next;
    if (connection->head == NULL) {
        connection->tail = NULL;
        event_remove_timer(connection->readable);
    }
    free(head);
    start_head(connection);
    return copy;
}

static void deliver_rows(struct pg_connection *connection, const PGresult *result) {
    const struct pending *pending = connection->head;
    for (int row = 0; pending->row != NULL && row < PQntuples(result); row++) {
        connection->rows_came = true;
        pending->row(pending->context, result, row);
    }
}

static void take_result(struct pg_connection *connection, PGresult *result) {
    struct pending *head = connection->head;
    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        pop_head(connection);
        report_refusal(connection);
        break;
    case PGRES_SINGLE_TUPLE:
        head->affected++;
        deliver_rows(connection, result);
        break;
    case PGRES_TUPLES_OK:
        head->affected += PQntuples(result);
        head->answered = true;
        deliver_rows(connection, result);
        break;
    case PGRES_COMMAND_OK:
        head->affected = strtoll(PQcmdTuples(result), NULL, 10);
        head->answered = true;
        break;
    case PGRES_PIPELINE_ABORTED:
        head->answered = head->failed = true;
        break;
    default:
        refuse(connection, result);
    }
}

static void finish_head(struct pg_connection *connection) {
    struct pending done = pop_head(connection);
    if (done.label != NULL) {
        metric_observe(metric_series(METRIC_DATABASE_DURATION, done.label, NULL),
                       clock_monotonic_us() - done.sent_at);
    }
    if (done.done != NULL && !done.failed) {
        done.done(done.context, done.affected);
    }
}

// Callbacks run between enter and leave: one of them may call pg_close.
static void enter(struct pg_connection *connection) {
    connection->callbacks++;
}

static void leave(struct pg_connection *connection) {
    if (--connection->callbacks == 0 && connection->closed) {
        free(connection);
    }
}

// Hands on everything that has arrived.
static void deliver(struct pg_connection *connection) {
    while (connection->pg != NULL && !connection->paused && connection->head != NULL &&
           !PQisBusy(connection->pg)) {
        PGresult *result = PQgetResult(connection->pg);
        if (result != NULL) {
            take_result(connection, result);
            PQclear(result);
        } else if (connection->head->answered) {
            finish_head(connection);
        } else {
            break;
        }
    }
}

static void deliver_notifications(struct pg_connection *connection) {
    PGnotify *notify;
    while (connection->pg != NULL && (notify = PQnotifies(connection->pg)) != NULL) {
        if (connection->handler.notified != NULL) {
            connection->handler.notified(connection->handler.context, notify->extra);
        }
        PQfreemem(notify);
    }
}

// Begins to wait for an answer, or waits for it anew. Every piece of an answer does so by itself, since the
// event is a persistent one.
static void expect_answer(struct pg_connection *connection) {
    if (connection->head != NULL && !connection->paused) {
        event_add(connection->readable, &connection->answer_limit);
    }
}

static void lose_for_silence(struct pg_connection *connection) {
    char reason[64];
    snprintf(reason, sizeof reason, "no answer within %lld s", (long long)connection->answer_limit.tv_sec);
    lose(connection, "the connection to PostgreSQL is dead", reason);
}

// libpq reads a piece at a time. Where there were rows in it, there may be more behind.
static void read_all(struct pg_connection *connection) {
    do {
        connection->rows_came = false;
        if (connection->broken || !PQconsumeInput(connection->pg)) {
            lose(connection, "the connection to PostgreSQL broke", PQerrorMessage(connection->pg));
            return;
        }
        deliver(connection);
    } while (connection->rows_came && connection->pg != NULL && !connection->paused);
}

static void on_readable(evutil_socket_t socket, short events, void *context) {
    (void)socket;
    struct pg_connection *connection = context;
    enter(connection);
    if (events & EV_TIMEOUT && !(events & EV_READ)) {
        lose_for_silence(connection);
    } else {
        read_all(connection);
        deliver_notifications(connection);
    }
    leave(connection);
}

static void on_writable(evutil_socket_t socket, short events, void *context) {
    (void)socket;
    (void)events;
    struct pg_connection *connection = context;
    enter(connection);
    expect_answer(connection);
    flush(connection);
    leave(connection);
}

static void become_ready(struct pg_connection *connection) {
    if (PQsetnonblocking(connection->pg, 1) != 0 || PQenterPipelineMode(connection->pg) != 1) {
        lose(connection, "cannot use the connection to PostgreSQL", PQerrorMessage(connection->pg));
        return;
    }
    int socket = PQsocket(connection->pg);
    connection->readable = event_new(connection->base, socket, EV_READ | EV_PERSIST, on_readable, connection);
    connection->writable = event_new(connection->base, socket, EV_WRITE, on_writable, connection);
    event_add(connection->readable, NULL);
    count_open(1);
    connection->handler.ready(connection->handler.context);
}

static void choose(const struct host *host) {
    if (!is_chosen) {
        chosen = host_copy(host);
        is_chosen = true;
        choices++;
    }
}

static void on_dialled(void *context, PGconn *pg, const struct host *host, const struct error *error) {
    struct pg_connection *connection = context;
    enter(connection);
    connection->pg = pg;
    if (pg != NULL) {
        choose(host);
        dial_free(connection->dial);
        connection->dial = NULL;
        become_ready(connection);
    } else {
        disconnect(connection);
        connection->handler.lost(connection->handler.context, error);
    }
    leave(connection);
}

struct pg_connection *pg_open(struct event_base *base, const char *conninfo, const struct pg_handler *handler,
                              struct error *error) {
    if (!conninfo_check(conninfo, error)) {
        return NULL;
    }
    struct pg_connection *connection = memory_allocate(1, sizeof *connection);
    connection->base = base;
    connection->handler = *handler;
    int64_t limit_us = handler->answer_limit_us > 0 ? handler->answer_limit_us : ANSWER_LIMIT_US;
    connection->answer_limit = (struct timeval){limit_us / 1000000, limit_us % 1000000};
    const char *application = handler->application != NULL ? handler->application : CONNINFO_APPLICATION;
    connection->dial =
        dial_start(base, conninfo, application, is_chosen ? &chosen : NULL, on_dialled, connection);
    return connection;
}

void pg_choose_again(void) {
    host_free(&chosen);
    is_chosen = false;
}

unsigned pg_choice(void) {
    return is_chosen ? choices : 0;
}

void pg_close(struct pg_connection *connection) {
    if (connection == NULL) {
        return;
    }
    disconnect(connection);
    connection->closed = true;
    if (connection->callbacks == 0) {
        free(connection);
    }
}

// libpq may have closed its socket by itself, so that the loop would never hear of it again. The loss is
// reported from the loop, since the caller is in the middle of something.
static void note_broken(struct pg_connection *connection) {
    connection->broken = true;
    event_active(connection->readable, EV_READ, 1);
}

static void await(struct pg_connection *connection, const struct pending *pending) {
    bool was_empty = connection->head == NULL;
    append_pending(connection, pending);
    if (was_empty) {
        start_head(connection);
        expect_answer(connection);
    }
}

static int send_query(PGconn *pg, const struct pg_statement *statement, const char *name) {
    const char *values[PG_PARAMETERS_MAX];
    int lengths[PG_PARAMETERS_MAX];
    int formats[PG_PARAMETERS_MAX];
    for (int index = 0; index < statement->parameter_count; index++) {
        values[index] = statement->parameters[index].value;
        lengths[index] = statement->parameters[index].length;
        formats[index] = lengths[index] > 0 ? 1 : 0;
    }
    if (name != NULL) {
        return PQsendQueryPrepared(pg, name, statement->parameter_count, values, lengths, formats, 1);
    }
    return PQsendQueryParams(pg, statement->sql, statement->parameter_count, NULL, values, lengths, formats,
                             1);
}

// Under which name, prepared first where it is new; NULL: as it is.
static const char *name_repeated(struct pg_connection *connection, const struct pg_statement *statement) {
    bool is_new;
    const char *name = prepared_find(connection->prepared, statement->sql, &is_new);
    if (is_new) {
        pg_prepare(connection, name, statement->sql, statement->context);
    }
    return name;
}

void pg_send(struct pg_connection *connection, const struct pg_statement *statement) {
    if (connection->pg == NULL || connection->broken) {
        return;
    }
    bool prepares = statement->repeated && connection->prepared != NULL;
    const char *name = prepares ? name_repeated(connection, statement) : statement->name;
    if (connection->broken || !send_query(connection->pg, statement, name)) {
        note_broken(connection);
        return;
    }
    await(connection, &(struct pending){.row = statement->row,
                                        .done = statement->done,
                                        .context = statement->context,
                                        .label = statement->label,
                                        .sent_at = statement->label != NULL ? clock_monotonic_us() : 0});
}

void pg_own_session(struct pg_connection *connection) {
    if (connection->pg != NULL && connection->prepared == NULL) {
        connection->prepared = prepared_new();
    }
}

void pg_prepare(struct pg_connection *connection, const char *name, const char *sql, void *context) {
    if (connection->pg == NULL || connection->broken) {
        return;
    }
    if (!PQsendPrepare(connection->pg, name, sql, 0, NULL)) {
        note_broken(connection);
        return;
    }
    await(connection, &(struct pending){.context = context});
}

void pg_sync(struct pg_connection *connection) {
    if (connection->pg == NULL || connection->broken) {
        return;
    }
    if (!PQpipelineSync(connection->pg)) {
        note_broken(connection);
        return;
    }
    await(connection, &(struct pending){.is_sync = true});
    int left = PQflush(connection->pg);
    if (left < 0) {
        note_broken(connection);
    } else if (left > 0) {
        event_add(connection->writable, NULL);
    }
}

void pg_flush(struct pg_connection *connection) {
    if (connection->pg != NULL && !connection->broken && !PQsendFlushRequest(connection->pg)) {
        note_broken(connection);
    }
}

void pg_pause(struct pg_connection *connection) {
    connection->paused = true;
    if (connection->readable != NULL) {
        event_del(connection->readable);
    }
}

// What libpq holds already would never make the socket readable again, so the loop is told that it is.
void pg_resume(struct pg_connection *connection) {
    if (!connection->paused) {
        return;
    }
    connection->paused = false;
    if (connection->readable != NULL) {
        event_add(connection->readable, NULL);
        expect_answer(connection);
        event_active(connection->readable, EV_READ, 1);
    }
}

bool pg_is_pooled(const struct pg_connection *connection, int backend_pid) {
    return connection->pg != NULL && PQbackendPID(connection->pg) != backend_pid;
}
