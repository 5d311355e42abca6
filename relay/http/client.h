// SPDX-License-Identifier: Apache-2.0
// HTTP requests on the event loop: libcurl's multi interface, connections kept alive and reused, transfer
// objects recycled. HTTP/1.1, TLS 1.2 at least and always verified (trust.h), no redirects. Each new
// connection goes to any of the addresses behind its name, as they are then; a connection serves for some
// minutes, so that a client follows its names to other addresses. Proxies are those of the environment:
// https_proxy, HTTPS_PROXY, http_proxy, all_proxy, ALL_PROXY, but not for hosts in no_proxy or NO_PROXY.
#pragma once

#include "base/error.h"
#include "base/slice.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct http_client;

enum http_method { HTTP_POST, HTTP_GET, HTTP_PUT };

struct http_options {
    const char *ca_bundle; // AWS_CA_BUNDLE: path of a PEM file; "" is the system's
    int64_t timeout_us;    // for a whole exchange, from http_send on
    int connections;       // kept at most, of all hosts together, when no request needs more
};

// What came back. `status` 0 means that no whole answer came (a proxy that opens no tunnel, an answer that is
// cut off): `failure` then says why, and what the server did with the request is unknown. (An answer that
// states no length ends with its connection; only its own form can tell whether it is whole.)
struct http_answer {
    int status;
    struct slice body; // one that is longer than answer_limit counts as a failure (but see body_kept)
    const char *failure;
    bool unreached; // with a failure: there was no connection, so nothing of the request has been sent
    void *exchange; // where http_answer_header looks
};

// http_answer_header returns the value of a header of the answer (the last, if it has several), or NULL; only
// while `done` runs. It never is one of a proxy's answer to CONNECT.
const char *http_answer_header(const struct http_answer *answer, const char *name);

enum { HTTP_HEADERS_MAX = 8, HTTP_FOREVER = -1 };

struct http_request {
    enum http_method method;
    const char *url;
    const char *headers[HTTP_HEADERS_MAX]; // "Name: value"; NULL ends the list early; copied, and wiped
    struct slice body;                     // sent with POST; must live until `done`
    int64_t timeout_us;                    // for this exchange; 0: the client's; HTTP_FOREVER: none
    int64_t connect_timeout_us;            // of which so much for the connection; 0: five seconds
    size_t answer_limit;                   // of the answer's body; 0: 1 MiB
    bool direct;                           // never through a proxy: a metadata service
    size_t body_kept; // bytes of the answer's body; the rest is read and thrown away. 0: all
    void (*done)(void *context, const struct http_answer *answer);
    void *context;
};

// http_client_new fails (ERROR_USAGE) when the bundle of certificates is of no use; see trust_new.
struct http_client *http_client_new(struct event_base *base, const struct http_options *options,
                                    struct error *error);

// http_client_free drops what is under way without calling `done`; not from within a `done`. NULL is fine.
void http_client_free(struct http_client *client);

// http_client_trim gives back the memory that is kept for further exchanges; connections stay.
void http_client_trim(struct http_client *client);

// http_send starts an exchange at once, on a connection that nobody uses, else on a new one: how many there
// are at a time is the callers' business, so that nobody's request waits for another's. `done` is called
// exactly once, later, from the loop.
void http_send(struct http_client *client, const struct http_request *request);
