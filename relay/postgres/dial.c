// SPDX-License-Identifier: Apache-2.0
#include "postgres/dial.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct dial {
    struct event_base *base;
    char *conninfo;
    const char *application;
    struct hosts hosts;
    int current;
    PGconn *pg;
    struct event *step; // waits for what PQconnectPoll wants
    int64_t deadline;   // of the current server
    struct buffer failures;
    dial_done_fn done;
    void *context;
};

static void free_step(struct dial *dial) {
    if (dial->step != NULL) {
        event_free(dial->step);
        dial->step = NULL;
    }
}

static void hang_up(struct dial *dial) {
    free_step(dial);
    PQfinish(dial->pg);
    dial->pg = NULL;
}

void dial_free(struct dial *dial) {
    if (dial == NULL) {
        return;
    }
    hang_up(dial);
    memory_free_secret(dial->conninfo);
    hosts_free(&dial->hosts);
    buffer_free(&dial->failures);
    free(dial);
}

static void on_step(evutil_socket_t socket, short events, void *context);

// The socket can be another one at every step, so each step has its own event.
static void wait_for(struct dial *dial, int socket, short events, int64_t limit_us) {
    int64_t left = limit_us > 0 ? limit_us : 0;
    const struct timeval limit = {.tv_sec = left / 1000000, .tv_usec = left % 1000000};
    dial->step = event_new(dial->base, socket, events, on_step, dial);
    event_add(dial->step, &limit);
}

static void wait_for_socket(struct dial *dial, short events) {
    wait_for(dial, PQsocket(dial->pg), events, dial->deadline - clock_monotonic_us());
}

// libpq would print it on standard error by itself.
static void on_notice(void *context, const PGresult *result) {
    (void)context;
    log_info("PostgreSQL notice", LOG_TEXT("message", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
}

static void try_current(struct dial *dial) {
    const struct host *host = &dial->hosts.list[dial->current];
    // Entries before dbname are defaults that the connection string may change: a server that is gone without
    // a word is noticed within half a minute, not within the system's hours. Those after it win, unless NULL.
    const char *const names[] = {"fallback_application_name",
                                 "keepalives_idle",
                                 "keepalives_interval",
                                 "keepalives_count",
                                 "tcp_user_timeout",
                                 "dbname",
                                 "client_encoding",
                                 "host",
                                 "hostaddr",
                                 "port",
                                 NULL};
    const char *const values[] = {dial->application, "10",           "5",    "3",
                                  "30000",           dial->conninfo, "UTF8", host->name,
                                  host->address,     host->port,     NULL};
    dial->deadline = clock_monotonic_us() + dial->hosts.timeout_seconds * INT64_C(1000000);
    dial->pg = PQconnectStartParams(names, values, 1);
    PQsetNoticeReceiver(dial->pg, on_notice, NULL);
    PQsetErrorVerbosity(dial->pg, PQERRORS_VERBOSE); // only so the SQLSTATE of a refusal is told
    if (PQstatus(dial->pg) == CONNECTION_BAD) {
        wait_for(dial, -1, 0, 0); // failed at once: reported from the loop like every other
    } else {
        wait_for_socket(dial, EV_WRITE);
    }
}

// The SQLSTATE in a line of a verbose message, "...FATAL:  28P01: password authentication failed", or NULL.
// (The severity can be in any language.)
static const char *find_state(const char *line, size_t length) {
    enum { STATE = 5, AROUND = STATE + 5 };
    for (size_t index = 0; index + AROUND <= length; index++) {
        const char *state = line + index + 3;
        if (memcmp(line + index, ":  ", 3) == 0 && memcmp(state + STATE, ": ", 2) == 0 &&
            strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == STATE) {
            return state;
        }
    }
    return NULL;
}

// Lines that begin with a tab are advice for a person at a terminal; where in its code the server was is of
// no use.
static bool is_worth_telling(const char *line, size_t length) {
    static const char location[] = "LOCATION:  ";
    return length > 0 && *line != '\t' && strncmp(line, location, sizeof location - 1) != 0;
}

static void note_line(struct dial *dial, const char *line, size_t length) {
    const char *state = find_state(line, length);
    buffer_append_text(&dial->failures, dial->failures.length > 0 ? "; " : "");
    if (state == NULL) {
        buffer_append(&dial->failures, line, length);
        return;
    }
    const char *message = state + 7;
    buffer_append(&dial->failures, line, (size_t)(state - line));
    buffer_append(&dial->failures, message, (size_t)(line + length - message));
    buffer_append_format(&dial->failures, " (SQLSTATE %.5s)", state);
}

// libpq's lines name the server.
static void note_failure(struct dial *dial, const char *message) {
    while (*message != '\0') {
        size_t length = strcspn(message, "\n");
        if (is_worth_telling(message, length)) {
            note_line(dial, message, length);
        }
        message += length + (message[length] == '\n');
    }
}

static void note_silence(struct dial *dial) {
    const struct host *host = &dial->hosts.list[dial->current];
    struct error error = {0};
    error_set(&error, ERROR_DATABASE,
              "connection to server at \"%s\"%s%s%s, port %s failed: no answer within %d s", PQhost(dial->pg),
              host->address != NULL ? " (" : "", host->address != NULL ? host->address : "",
              host->address != NULL ? ")" : "", PQport(dial->pg), dial->hosts.timeout_seconds);
    note_failure(dial, error.text);
}

static void try_next(struct dial *dial) {
    hang_up(dial);
    if (++dial->current < dial->hosts.count) {
        try_current(dial);
        return;
    }
    struct error error = {0};
    error_set(&error, ERROR_DATABASE, "cannot connect to PostgreSQL: %s", buffer_text(&dial->failures));
    dial->done(dial->context, NULL, NULL, &error);
}

static void succeed(struct dial *dial) {
    PGconn *pg = dial->pg;
    dial->pg = NULL;
    PQsetErrorVerbosity(pg, PQERRORS_DEFAULT);
    dial->done(dial->context, pg, &dial->hosts.list[dial->current], NULL);
}

static void on_step(evutil_socket_t socket, short events, void *context) {
    (void)socket;
    struct dial *dial = context;
    free_step(dial); // before libpq closes its socket
    if (events & EV_TIMEOUT && dial->pg != NULL && PQstatus(dial->pg) != CONNECTION_BAD) {
        note_silence(dial);
        try_next(dial);
        return;
    }
    switch (PQconnectPoll(dial->pg)) {
    case PGRES_POLLING_READING:
        wait_for_socket(dial, EV_READ);
        break;
    case PGRES_POLLING_WRITING:
        wait_for_socket(dial, EV_WRITE);
        break;
    case PGRES_POLLING_OK:
        succeed(dial);
        break;
    default:
        note_failure(dial, dial->pg != NULL ? PQerrorMessage(dial->pg) : "out of memory");
        try_next(dial);
    }
}

struct dial *dial_start(struct event_base *base, const char *conninfo, const char *application,
                        const struct host *only, dial_done_fn done, void *context) {
    struct dial *dial = memory_allocate(1, sizeof *dial);
    dial->base = base;
    dial->conninfo = memory_copy_text(conninfo);
    dial->application = application;
    dial->done = done;
    dial->context = context;
    buffer_init(&dial->failures, 64 << 10);
    hosts_read(&dial->hosts, conninfo);
    if (only != NULL) {
        hosts_free(&dial->hosts);
        hosts_add(&dial->hosts, only);
    } else {
        hosts_resolve(&dial->hosts);
    }
    try_current(dial);
    return dial;
}
