// SPDX-License-Identifier: Apache-2.0
#include "outbox/session.h"

#include "base/log.h"
#include "base/memory.h"
#include "migrate/migrate.h"
#include "observe/metrics.h"
#include "outbox/locks.h"
#include "outbox/transaction.h"
#include "postgres/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    struct session_listener listener;
    struct routes *routes;
    struct ledger *ledger;
    struct pg_connection *connection;
    struct history *history; // only while the schema is checked
    struct look look;
    char *snapshot;
    int64_t floor;
    int64_t pruned_to;
    bool connected;
    bool standby;
    bool unknown_encoding; // SQL_ASCII
    bool has_policies;     // that may hide events from this role
    bool pooled;
    bool has_schema;
    bool wake_up_enabled;
    bool leads; // holds the waker lock
    bool locked;
    bool left;
    bool marking; // what is in the ledger
    bool reading_routes;
    bool routes_again; // they changed while they were read
};

struct session *session_new(const struct session_listener *listener, struct routes *routes,
                            struct ledger *ledger) {
    struct session *session = memory_allocate(1, sizeof *session);
    session->listener = *listener;
    session->routes = routes;
    session->ledger = ledger;
    return session;
}

void session_close(struct session *session) {
    pg_close(session->connection);
    session->connection = NULL;
    session->connected = session->leads = session->reading_routes = session->marking = false;
    metric_gauge(METRIC_LEADER, 0);
    free(session->history);
    session->history = NULL;
}

void session_free(struct session *session) {
    if (session != NULL) {
        session_close(session);
        free(session->snapshot);
        free(session);
    }
}

#define UNREAD_MS "30000" // it reads all the time, unless it is frozen

// `label`: see struct pg_statement.
static void ask(struct session *session, const char *label, const char *sql, pg_row_fn row, pg_done_fn done) {
    pg_send(session->connection,
            &(struct pg_statement){.sql = sql, .row = row, .done = done, .context = session, .label = label});
    pg_sync(session->connection);
}

// A change is a transaction of READ COMMITTED, whatever the database's own default; `done` comes with the
// commit.
static void change(struct session *session, const char *label, const char *sql, pg_done_fn changed,
                   pg_done_fn committed) {
    pg_send(session->connection, &(struct pg_statement){.sql = TRANSACTION_BEGIN});
    pg_send(session->connection, &(struct pg_statement){.sql = TRANSACTION_SETTINGS});
    pg_send(session->connection,
            &(struct pg_statement){.sql = sql, .done = changed, .context = session, .label = label});
    ask(session, "commit", "COMMIT", NULL, committed);
}

static void fail(struct session *session, const struct error *error) {
    session->listener.lost(session->listener.context, error);
}

static void on_lost(void *context, const struct error *error) {
    struct session *session = context;
    struct error explained = *error;
    if (strstr(error->text, "(SQLSTATE 42501)") != NULL) { // insufficient_privilege
        error_set(&explained, error->code, "%s; the relay's role needs: GRANT %s TO ...", error->text,
                  session->connected ? "outbox_relay" : "CONNECT ON DATABASE ...");
    }
    fail(session, &explained);
}

static void on_notified(void *context, const char *payload) {
    struct session *session = context;
    enum session_news news = strcmp(payload, "event") == 0  ? NEWS_EVENT
                             : strcmp(payload, "held") == 0 ? NEWS_HELD
                                                            : NEWS_ROUTES;
    session->listener.notified(session->listener.context, news);
}

// 6. Everything is known.
static void on_lead_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    session->leads = pg_bool(result, row, 0);
    metric_gauge(METRIC_LEADER, session->leads ? 1 : 0);
}

static void on_prepared(void *context, int64_t affected) {
    (void)affected;
    struct session *session = context;
    session->listener.ready(session->listener.context, session->floor);
}

// 5. Listen and ask for the waker lock, where sessions are real.
static void listen_and_lead(struct session *session) {
    if (session->pooled) {
        log_warn(
            "a pooler in transaction mode is in front of PostgreSQL: no LISTEN, events are found by polling");
        on_prepared(session, 0);
        return;
    }
    pg_send(session->connection, &(struct pg_statement){.sql = "LISTEN outbox_relay"});
    ask(session, "lead", "SELECT pg_catalog.pg_try_advisory_lock(" WAKER_LOCK ")", on_lead_row, on_prepared);
}

// 4. Floor and trigger.
static void on_state_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    session->floor = pg_int(result, row, 0);
    if (session->floor < pg_int(result, row, 1)) {
        log_warn("the ids of outbox.event are below the stored floor: all events are looked at again",
                 LOG_INT("floor", pg_int(result, row, 1)));
    }
    session->wake_up_enabled = pg_bool(result, row, 2);
    session->has_policies = pg_bool(result, row, 3);
    session->pruned_to = pg_int(result, row, 4);
}

static void on_state(void *context, int64_t rows) {
    struct session *session = context;
    if (rows == 0) {
        struct error error = {0};
        error_set(&error, ERROR_SCHEMA, "table outbox.state is empty: run \"outbox-relay migrate up\"");
        fail(session, &error);
        return;
    }
    if (session->has_policies) {
        struct error error = {0};
        error_set(&error, ERROR_DATABASE,
                  "row-level security of outbox.event applies to the relay's role, and events that a policy "
                  "hides would never be published: ALTER ROLE ... BYPASSRLS, or ALTER TABLE outbox.event "
                  "DISABLE ROW LEVEL SECURITY");
        fail(session, &error);
        return;
    }
    if (!session->wake_up_enabled) {
        log_warn("the wake-up trigger of outbox.event is off: events are found by polling");
    }
    listen_and_lead(session);
}

static void read_state(struct session *session, pg_done_fn done) {
    ask(session, "state",
        "SELECT CASE WHEN s.floor - q.is_called::int4 < q.last_value THEN s.floor ELSE 0 END, s.floor, "
        "EXISTS (SELECT FROM pg_catalog.pg_trigger AS t"
        " JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid"
        " WHERE t.tgrelid = 'outbox.event'::pg_catalog.regclass::pg_catalog.oid AND p.proname = 'wake_up' "
        "AND t.tgenabled IN "
        "('O', 'A')),"
        " pg_catalog.row_security_active('outbox.event'::pg_catalog.regclass::pg_catalog.oid),"
        " (SELECT p.pruned_to FROM outbox.pruning AS p)"
        " FROM outbox.state AS s, outbox.event_id_seq AS q",
        on_state_row, done);
}

static void on_route_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    struct error error = {0};
    const char *pattern = pg_bytes(result, row, 0).data;
    const char *format = PQgetisnull(result, row, 2) ? NULL : pg_bytes(result, row, 2).data;
    if (!routes_add(session->routes, pattern, pg_bytes(result, row, 1).data, format, pg_bool(result, row, 3),
                    &error)) {
        log_error("a route cannot be used", LOG_TEXT("pattern", pattern), LOG_TEXT("reason", error.text));
    }
}

static void read_routes(struct session *session);

static void on_routes(void *context, int64_t rows) {
    struct session *session = context;
    session->reading_routes = false;
    if (session->routes_again) {
        read_routes(session);
        return;
    }
    if (routes_finish(session->routes)) {
        log_info("routes read", LOG_INT("routes", rows));
        session->listener.routes_changed(session->listener.context);
    }
}

static void on_paused_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    routes_add_paused(session->routes, pg_bytes(result, row, 0).data);
}

// One read at a time: the rows of two would mix.
static void read_routes(struct session *session) {
    session->routes_again = session->reading_routes;
    if (!session->reading_routes) {
        session->reading_routes = true;
        routes_begin(session->routes);
        pg_send(session->connection,
                &(struct pg_statement){.sql = "SELECT topic_arn FROM outbox.paused_topic",
                                       .row = on_paused_row,
                                       .context = session});
        ask(session, "routes",
            "SELECT pattern, topic_arn, format, message_group FROM outbox.topic_route ORDER BY pattern",
            on_route_row, on_routes);
    }
}

// 3. What was sent before the last connection was lost is marked before anything else.
static void on_ledger_marked(void *context, int64_t affected) {
    (void)affected;
    struct session *session = context;
    int marked = ledger_marked(session->ledger);
    if (marked > 0) {
        log_info("marked events that were sent before the connection was lost", LOG_INT("events", marked));
    }
    read_routes(session);
    read_state(session, on_state);
}

// 2. The schema.
static void on_history_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    history_add(session->history, result, row);
}

static void on_history(void *context, int64_t rows) {
    (void)rows;
    struct session *session = context;
    struct error error = {0};
    bool usable = migrate_check(session->history, &schema_outbox, &error);
    free(session->history);
    session->history = NULL;
    if (!usable) {
        fail(session, &error);
    } else if (ledger_count(session->ledger) > 0) {
        ledger_send_marks(session->ledger, session->connection, on_ledger_marked, session);
    } else {
        on_ledger_marked(session, 0);
    }
}

static void on_history_exists_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    struct slice text = pg_bytes(result, row, 0);
    session->has_schema = text.length == 4 && memcmp(text.data, "true", 4) == 0;
}

static void on_history_exists(void *context, int64_t rows) {
    (void)rows;
    struct session *session = context;
    session->history = memory_allocate(1, sizeof *session->history);
    if (session->has_schema) {
        ask(session, "connect", schema_outbox.history_query, on_history_row, on_history);
    } else {
        on_history(session, 0);
    }
}

// 1. The server.
static void on_server_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    session->pooled = pg_is_pooled(session->connection, (int)pg_int(result, row, 0));
    session->standby = pg_bool(result, row, 1);
    session->unknown_encoding = pg_bool(result, row, 2);
}

// A sleep lock that is left behind makes every producer notify. Behind a pooler the server's session is not
// ours to set.
static void have_us_watched(struct session *session) {
    if (!session->pooled) {
        pg_own_session(session->connection);
        ask(session, "connect", SESSION_SETTINGS, NULL, NULL);
        pg_send(session->connection, &(struct pg_statement){.sql = WATCH_SETTINGS,
                                                            .parameter_count = 1,
                                                            .parameters = {{UNREAD_MS, 0}},
                                                            .label = "connect"});
    }
}

static void on_server(void *context, int64_t rows) {
    (void)rows;
    struct session *session = context;
    if (session->standby) {
        struct error error = {0};
        error_set(&error, ERROR_DATABASE,
                  "this PostgreSQL is a read-only standby: connect to the primary, or list all hosts in "
                  "DATABASE_URL "
                  "with target_session_attrs=read-write");
        fail(session, &error);
        return;
    }
    if (session->unknown_encoding) {
        struct error error = {0};
        error_set(
            &error, ERROR_DATABASE,
            "this database has the encoding SQL_ASCII, which says nothing about what its bytes mean, so "
            "that events cannot be published as UTF-8: use a database with the encoding UTF8, or another "
            "one that PostgreSQL converts to it");
        fail(session, &error);
        return;
    }
    have_us_watched(session);
    ask(session, "connect", schema_outbox.exists_query, on_history_exists_row, on_history_exists);
}

static void on_connected(void *context) {
    struct session *session = context;
    session->connected = true;
    ask(session, "connect",
        "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(),"
        " pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.=) 'SQL_ASCII'",
        on_server_row, on_server);
}

bool session_connect(struct session *session, struct event_base *base, const char *conninfo,
                     struct error *error) {
    const struct pg_handler handler = {
        .context = session, .ready = on_connected, .lost = on_lost, .notified = on_notified};
    pg_choose_again();
    session->connection = pg_open(base, conninfo, &handler, error);
    return session->connection != NULL;
}

bool session_can_sleep(const struct session *session) {
    return session->leads && session->wake_up_enabled && !session->pooled;
}

static void on_look_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    free(session->snapshot);
    session->snapshot = memory_copy_text(pg_bytes(result, row, 0).data);
    session->look =
        (struct look){.snapshot = session->snapshot,
                      .newest = pg_int(result, row, 1),
                      .last_drawn = pg_int(result, row, 2),
                      .lowest_unsent = pg_int(result, row, 3),
                      .due_in_us = PQgetisnull(result, row, 4) ? INT64_MAX : pg_int(result, row, 4)};
}

static void on_looked(void *context, int64_t rows) {
    (void)rows;
    struct session *session = context;
    session->listener.looked(session->listener.context, &session->look);
}

void session_look(struct session *session, int64_t floor, int64_t settle_to) {
    char numbers[2][24];
    snprintf(numbers[0], sizeof numbers[0], "%" PRId64, floor);
    snprintf(numbers[1], sizeof numbers[1], "%" PRId64, settle_to);
    pg_send(session->connection,
            &(struct pg_statement){.sql = "SELECT snapshot, newest, last_drawn, lowest_unsent, due_in"
                                          " FROM outbox.look($1, $2)",
                                   .repeated = true,
                                   .parameter_count = 2,
                                   .parameters = {{numbers[0], 0}, {numbers[1], 0}},
                                   .row = on_look_row,
                                   .done = on_looked,
                                   .context = session,
                                   .label = "look"});
    pg_sync(session->connection);
}

static void on_lock_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    session->locked = pg_bool(result, row, 0);
}

static void on_lock(void *context, int64_t rows) {
    (void)rows;
    struct session *session = context;
    session->listener.slept(session->listener.context, session->locked);
}

void session_try_sleep(struct session *session) {
    ask(session, "sleep", "SELECT pg_catalog.pg_try_advisory_lock(" SLEEP_LOCK ")", on_lock_row, on_lock);
}

void session_wake(struct session *session) {
    ask(session, "wake", "SELECT pg_catalog.pg_advisory_unlock(" SLEEP_LOCK ")", NULL, NULL);
}

void session_try_lead(struct session *session) {
    if (!session->pooled && !session->leads) {
        ask(session, "lead", "SELECT pg_catalog.pg_try_advisory_lock(" WAKER_LOCK ")", on_lead_row, NULL);
    }
}

void session_read_routes(struct session *session) {
    read_routes(session);
    read_state(session, NULL);
}

static void on_stored(void *context, int64_t rows) {
    (void)rows;
    struct session *session = context;
    session->listener.floor_stored(session->listener.context);
}

static void on_pruned_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    session->pruned_to = pg_int(result, row, 0);
}

void session_store_floor(struct session *session, int64_t floor) {
    char sql[200];
    snprintf(sql, sizeof sql,
             "UPDATE outbox.state SET floor = %" PRId64
             ", floor_moved_at = pg_catalog.statement_timestamp() WHERE floor <> %" PRId64,
             floor, floor);
    ask(session, "state", "SELECT pruned_to FROM outbox.pruning", on_pruned_row, NULL);
    change(session, "store_floor", sql, NULL, on_stored);
}

static void on_marked(void *context, int64_t affected) {
    (void)affected;
    struct session *session = context;
    session->marking = false;
    int marked = ledger_marked(session->ledger);
    if (ledger_untried(session->ledger) > 0) {
        session_mark(session);
    }
    if (marked > 0) {
        session->listener.marked(session->listener.context);
    }
}

void session_mark(struct session *session) {
    if (!session->marking) {
        session->marking = true;
        ledger_send_marks(session->ledger, session->connection, on_marked, session);
    }
}

void session_walk(struct session *session, struct walk *walk, bool parked_blocks) {
    walk_step(walk, session->connection, routes_ordered_sql(session->routes), parked_blocks);
}

int64_t session_pruned_to(const struct session *session) {
    return session->pruned_to;
}

bool session_is_pooled(const struct session *session) {
    return session->pooled;
}

static void on_left_row(void *context, const PGresult *result, int row) {
    struct session *session = context;
    session->left = pg_bool(result, row, 0);
}

static void on_left(void *context, int64_t rows) {
    (void)rows;
    struct session *session = context;
    session->listener.left(session->listener.context, session->left);
}

void session_ask_left(struct session *session, int64_t floor) {
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT outbox.has_unsent(%" PRId64 ")", floor);
    ask(session, "left", sql, on_left_row, on_left);
}
