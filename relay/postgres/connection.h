// SPDX-License-Identifier: Apache-2.0
// One asynchronous connection to PostgreSQL on the event loop: libpq in non-blocking pipeline mode, results
// row by row. There is one way to fail: whatever goes wrong (no connection, a refused statement, a broken
// socket, 30 s without a sign of an answer that is due), the connection is closed, pending statements are
// dropped without a call, and `lost` is called once with the reason. Only who wishes so (`refused`) survives
// a refused statement. See PostgreSQL, "libpq: Pipeline Mode" and "Retrieving Query Results Row-by-Row".
#pragma once

#include "base/error.h"

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdint.h>

struct pg_connection;

struct pg_handler {
    void *context;
    void (*ready)(void *context); // connected; statements may be sent
    void (*lost)(void *context,
                 const struct error *error); // see above; the connection is freed by pg_close only
    void (*notified)(void *context,
                     const char *payload); // a NOTIFY arrived; NULL when nothing is listened to
    // The server has refused the statement whose context this was, and the connection lives on. What was sent
    // behind it, up to the next pg_sync, is dropped without a call; this call comes when that is reached. A
    // transaction that had begun waits for its ROLLBACK. The texts live as long as the call. An error that
    // ends the session makes the connection lost all the same. NULL: so does every refused statement.
    void (*refused)(void *context, void *statement, const char *sqlstate, const char *message);
    int64_t answer_limit_us; // how long a server that owes an answer may be silent; 0: 30 s
    const char *application; // "outbox-relay" and what for, see conninfo_application; NULL: that alone
};

// One row of a result; the values live only during the call. Row callbacks may call pg_pause, never pg_close.
// Whatever the server has sent of them is read at once, so what takes long is to be done later.
typedef void (*pg_row_fn)(void *context, const PGresult *result, int row);

// The statement is done; `affected` is the number of rows it returned or changed.
typedef void (*pg_done_fn)(void *context, int64_t affected);

enum { PG_PARAMETERS_MAX = 5 };

struct pg_parameter {
    const char *value; // text (zero-terminated) when `length` is 0, else `length` bytes in binary format
    int length;
};

struct pg_statement {
    const char *name; // of what pg_prepare has prepared; NULL: `sql`
    const char *sql;
    bool repeated; // sent again and again: prepared, by its text, where the session is our own
    int parameter_count;
    struct pg_parameter parameters[PG_PARAMETERS_MAX];
    pg_row_fn row;   // NULL: rows are not looked at
    pg_done_fn done; // NULL: nobody waits
    void *context;
    const char *label; // a word of ours under which the time until its answer is counted; NULL: it is not
};

// pg_open starts to connect; `conninfo` may be "" (then PG* variables rule). Returns NULL only when conninfo
// cannot be parsed. The text of conninfo never appears in an error: it can hold a password. All connections
// lead to the server that the first one has found, however many conninfo names: one transaction must not be
// looked for on the old primary and another on the new one.
struct pg_connection *pg_open(struct event_base *base, const char *conninfo, const struct pg_handler *handler,
                              struct error *error);

// pg_choose_again lets the next pg_open choose among all servers once more.
void pg_choose_again(void);

// pg_choice is a number for the choice that holds, another one for each; 0 while none has been made. Who must
// not make it waits for one, and opens anew when it is another.
unsigned pg_choice(void);

// pg_close closes at once (an open transaction is rolled back by the server) and frees. NULL is fine.
void pg_close(struct pg_connection *connection);

// pg_send queues one statement, results in binary format; parameters are copied by libpq. Statements up to
// the next pg_sync share one implicit transaction unless they begin one. On a connection that is lost already
// it does nothing.
void pg_send(struct pg_connection *connection, const struct pg_statement *statement);
void pg_sync(struct pg_connection *connection);

// pg_own_session: no pooler stands between, so what is sent repeatedly is prepared from now on. The server
// reads and plans it once instead of every time.
void pg_own_session(struct pg_connection *connection);

// pg_prepare queues a statement that prepares another one, which pg_send then calls by its name: the server
// reads and plans it once instead of every time. Not behind a pooler: it belongs to the server's session.
// `context` is for `refused`.
void pg_prepare(struct pg_connection *connection, const char *name, const char *sql, void *context);

// pg_flush asks for the answers to what was sent before, which the server keeps until the next pg_sync
// otherwise. (What it asks goes out with the next pg_sync at the latest.)
void pg_flush(struct pg_connection *connection);

// pg_pause stops reading from the server (its sender then waits: flow control) until pg_resume.
void pg_pause(struct pg_connection *connection);
void pg_resume(struct pg_connection *connection);

// pg_is_pooled tells whether a pooler stands between: the server's own process id, which the caller read with
// pg_backend_pid(), is not the one of the connection.
bool pg_is_pooled(const struct pg_connection *connection, int backend_pid);
