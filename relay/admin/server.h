// SPDX-License-Identifier: Apache-2.0
// HTTP on the event loop, by libmicrohttpd: takes connections, reads requests, and writes what is answered.
// Each connection is for one request, lasts ten seconds at most, and makes room for newer ones when there are
// many, so that no client can keep the others out. A request's body is never read.
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <event2/event.h>
#include <stdbool.h>

struct server;

// A request, of which everything is the client's word; lives while it is answered.
struct server_request {
    const char *method;
    const char *path; // decoded, without the query
    const char *host; // the header; NULL: there is none
    bool verbose;     // the query has a "verbose"
};

// What is answered; filled in by server_answer_fn, which finds a 200 of plain text without a body.
struct server_reply {
    unsigned status;
    const char *content_type;    // static
    const char *content_policy;  // Content-Security-Policy; static
    const char *allowed_methods; // Allow; NULL: no such header
    struct buffer body;          // limited; one that overflows becomes a 500
};

typedef void (*server_answer_fn)(void *context, const struct server_request *request,
                                 struct server_reply *reply);

// server_new takes over a socket that listens.
struct server *server_new(struct event_base *base, int socket, server_answer_fn answer, void *context,
                          struct error *error);
void server_free(struct server *server); // closes all connections; NULL is fine
