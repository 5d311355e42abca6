// SPDX-License-Identifier: Apache-2.0
// The relay's control connection: checks that the database is one it can serve, then looks for work, keeps
// the stored floor and the routes, listens, and holds the sleep lock. Claims have connections of their own.
//
// Sleeping without missing an event and without slowing producers (the table's trigger is the other half):
// every inserting transaction tries to take the sleep lock shared and, when it cannot, sends NOTIFY. So while
// nobody holds the lock exclusively, nobody notifies; NOTIFY costs every committing session of the server.
// The relay that wants to sleep takes the lock exclusively, which fails while an inserter is in flight, looks
// once more, and sleeps.
#pragma once

#include "base/error.h"
#include "outbox/ledger.h"
#include "outbox/look.h"
#include "outbox/walk.h"
#include "route/routes.h"

#include <event2/event.h>

struct session;

enum session_news {
    NEWS_EVENT,  // an event was inserted while the relay slept, or came due
    NEWS_ROUTES, // routes, paused topics or the wake-up's state have changed
    NEWS_HELD,   // an event that others may wait for was parked by hand
};

struct session_listener {
    void *context;
    void (*ready)(void *context, int64_t floor);
    void (*lost)(void *context, const struct error *error);
    void (*looked)(void *context, const struct look *look);
    void (*slept)(void *context, bool locked); // answer to session_try_sleep
    void (*notified)(void *context, enum session_news news);
    void (*routes_changed)(void *context); // the rules differ from those before
    void (*floor_stored)(void *context);
    void (*marked)(void *context);         // after session_mark: the ledger is empty
    void (*left)(void *context, bool any); // answer to session_ask_left
};

struct session *session_new(const struct session_listener *listener, struct routes *routes,
                            struct ledger *ledger);
void session_free(struct session *session);

// session_connect opens the connection, checks the database, marks what the ledger holds, reads routes and
// floor, and then calls ready. session_close closes it at once, which also releases the locks.
bool session_connect(struct session *session, struct event_base *base, const char *conninfo,
                     struct error *error);
void session_close(struct session *session);

// session_can_sleep: this relay holds the waker lock, the trigger is on, and no pooler is between. If not,
// polling carries everything (another relay sleeps for all, or nobody can).
bool session_can_sleep(const struct session *session);

void session_look(struct session *session, int64_t floor, int64_t settle_to);
void session_try_sleep(struct session *session); // asks for the sleep lock
void session_wake(struct session *session);      // lets go of it
void session_try_lead(struct session *session);  // asks for the waker lock, if another relay had it
void session_read_routes(struct session *session);
void session_store_floor(struct session *session, int64_t floor);

// session_pruned_to is outbox.pruning.pruned_to when the floor was last read or stored.
int64_t session_pruned_to(const struct session *session);

// session_mark marks what has come into the ledger since the connection was made.
void session_mark(struct session *session);

// session_walk takes a step of the walk along what waits.
void session_walk(struct session *session, struct walk *walk, bool parked_blocks);

// session_is_pooled: a pooler stands between, so there are no sessions to hold locks.
bool session_is_pooled(const struct session *session);

// session_ask_left asks whether any event is unsent above `floor`, or waits to be tried again.
void session_ask_left(struct session *session, int64_t floor);
