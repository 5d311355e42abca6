// SPDX-License-Identifier: Apache-2.0
// A scripted HTTP server on 127.0.0.1, on the event loop of the test: keep-alive, bodies by Content-Length.
// It hands each request to the test, which answers at once, later, wrongly or never. Not here: chunked
// requests.
#pragma once

#include <event2/event.h>
#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

struct http_server;

// One request that came in; lives as long as the server.
struct http_received {
    struct http_received *next;
    struct http_server *server;
    int connection;    // which of the server's connections, from 1
    void *bufferevent; // NULL when the connection is gone
    char *head;        // request line and headers, zero-terminated
    char *body;
    size_t body_length;
    bool answered;
};

typedef void http_server_handler(void *context, struct http_received *request);

// What a test may read at any time.
struct http_server_counts {
    int accepted; // connections so far
    int open;     // connections now
    int most_open;
    int requests; // whole requests so far
    int waiting;  // requests not answered, whose connection is open
    int most_waiting;
    int resumed; // connections that resumed a TLS session
};

// http_server_new listens on a free port. `handler` is called for every request.
struct http_server *http_server_new(struct event_base *base, http_server_handler *handler, void *context);
// http_server_new_at listens on an address (127.0.0.2) and port; NULL when it is taken.
struct http_server *http_server_new_at(struct event_base *base, const char *address, int port,
                                       http_server_handler *handler, void *context);

// http_server_use_tls makes it speak TLS on connections that come from now on; NULL: no more. The context
// must live as long as the server. A connection that is closed is cut off, without a word of TLS.
void http_server_use_tls(struct http_server *server, SSL_CTX *tls);

void http_server_free(struct http_server *server);
int http_server_port(const struct http_server *server);
const struct http_server_counts *http_server_counts(const struct http_server *server);

// http_server_requests is the first request; `next` leads to the others in order of arrival.
struct http_received *http_server_requests(const struct http_server *server);

// http_server_header copies a header's value ("" when there is none); the name in any case.
void http_server_header(const struct http_received *request, const char *name, char *value, size_t size);

// http_server_reply answers with a status ("200 OK") and a body, and keeps the connection. Nothing happens
// when the connection is gone.
void http_server_reply(struct http_received *request, const char *status, const char *body);

// http_server_reply_raw sends bytes as they are, then closes the connection where `then_close`.
void http_server_reply_raw(struct http_received *request, const void *bytes, size_t length, bool then_close);
