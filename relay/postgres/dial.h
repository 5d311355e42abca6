// SPDX-License-Identifier: Apache-2.0
// Connecting to PostgreSQL on the event loop: one server after the other, each within a time of its own
// (connect_timeout, or 10 s), until one takes us and is of the kind that target_session_attrs asks for.
#pragma once

#include "base/error.h"
#include "postgres/hosts.h"

#include <event2/event.h>
#include <libpq-fe.h>

struct dial;

// dial_start: `done` is called once, from the loop, and may call dial_free. It gets the connection, which is
// its own from then on, and the server that it leads to; or NULL and the reason, which names every server
// that was tried, with "(SQLSTATE 28P01)" behind what it has said (both last only as long as the call).
// `application`, which must live on, is application_name unless conninfo has one. Where `only` is not NULL no
// other server is tried. The text of conninfo, which may be "", never appears in an error: it can hold a
// password.
typedef void (*dial_done_fn)(void *context, PGconn *pg, const struct host *host, const struct error *error);
struct dial *dial_start(struct event_base *base, const char *conninfo, const char *application,
                        const struct host *only, dial_done_fn done, void *context);

// dial_free gives up. NULL is fine.
void dial_free(struct dial *dial);
