// SPDX-License-Identifier: Apache-2.0
// A look at one thing in the database: a statement, and a judge of its rows. A judge is a function of rows
// and context alone, so that it can be tested without a server. Nobody else includes this.
#pragma once

#include "check/findings.h"

#include <libpq-fe.h>
#include <stdint.h>

// What the judges know besides the rows. Texts are never NULL.
struct look_context {
    const char *host;          // where the connection leads to: a name, an address, or the path of a socket
    const char *port;          //
    const char *tls;           // "TLSv1.3"; "" without TLS
    int backend_pid;           // of the server's process, as the connection was told
    int64_t claims;            // OUTBOX_CLAIMS
    int64_t claim_timeout_ms;  // OUTBOX_CLAIM_TIMEOUT
    int64_t max_message_bytes; // OUTBOX_MAX_MESSAGE_BYTES
    bool pooled;               // a pooler is between; set by connection_judge
    bool standby;              // set by connection_judge
};

struct look {
    const char *about;   // the subject; looks that follow each other may share one
    const char *unknown; // the name of the finding when the statement fails
    const char *what;    // "the table's indexes": what is then not known
    const char *sql;     // one statement; search_path is pg_catalog alone
    void (*judge)(struct subject *subject, const PGresult *rows, struct look_context *context);
};

// In connection.c: the server and the way to it. connection_explain names the reason why there is no
// connection, from what libpq has said.
void connection_judge(struct subject *subject, const PGresult *rows, struct look_context *context);
void connection_explain(struct subject *subject, const char *message);
extern const char connection_sql[];

// In rights.c: what the role may and may not do.
void rights_judge(struct subject *subject, const PGresult *rows, struct look_context *context);
void rights_judge_writers(struct subject *subject, const PGresult *rows, struct look_context *context);
extern const char rights_sql[];
extern const char rights_writers_sql[];

// In server.c: settings as a new session of the role gets them, and connections.
void server_judge(struct subject *subject, const PGresult *rows, struct look_context *context);
void server_judge_connections(struct subject *subject, const PGresult *rows, struct look_context *context);
extern const char server_sql[];
extern const char server_connections_sql[];

// In table.c: whether outbox.event is what was installed.
void table_judge(struct subject *subject, const PGresult *rows, struct look_context *context);
void table_judge_options(struct subject *subject, const PGresult *rows, struct look_context *context);
extern const char table_sql[];
extern const char table_options_sql[];

// In triggers.c: what runs when events are inserted or marked.
void triggers_judge(struct subject *subject, const PGresult *rows, struct look_context *context);
extern const char triggers_sql[];

// In indexes.c: those that are missing, and those that make marks expensive.
void indexes_judge(struct subject *subject, const PGresult *rows, struct look_context *context);
extern const char indexes_sql[];

// In vacuum.c: whether marks are HOT, and dead rows cleared away.
void vacuum_judge(struct subject *subject, const PGresult *rows, struct look_context *context);
extern const char vacuum_sql[];

// In activity.c: what holds the relay or the vacuum back, and which relays there are.
void blockers_judge(struct subject *subject, const PGresult *rows, struct look_context *context);
void relays_judge(struct subject *subject, const PGresult *rows, struct look_context *context);
extern const char blockers_sql[];
extern const char relays_sql[];

// In events.c: events that wait for something, and for a person.
void events_judge(struct subject *subject, const PGresult *rows, struct look_context *context);
void events_judge_waiting(struct subject *subject, const PGresult *rows, struct look_context *context);
extern const char events_sql[];
extern const char events_waiting_sql[];
