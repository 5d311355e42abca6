// SPDX-License-Identifier: Apache-2.0
// HTTP requests on the event loop: libcurl's multi interface, connections kept alive and reused, transfer
// objects recycled. HTTP/1.1, TLS 1.2 at least and always verified, no redirects.
#pragma once

#include "base/error.h"
#include "base/slice.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct http_client;

enum http_method { HTTP_POST, HTTP_GET, HTTP_PUT };

struct http_options {
    const char *ca_bundle; // path of a PEM file; "" is the system's
    int64_t timeout_us;    // for a whole exchange, from the start of its connection
    int connections;       // kept open at most
};

// What came back. `status` 0 means that no whole answer came: `failure` then says why, and what the server
// did with the request is unknown.
struct http_answer {
    int status;
    struct slice body; // cut off at 1 MiB, which counts as a failure
    const char *failure;
    void *exchange; // where http_answer_header looks
};

// http_answer_header returns the value of a header of the answer, or NULL; only while `done` runs.
const char *http_answer_header(const struct http_answer *answer, const char *name);

enum { HTTP_HEADERS_MAX = 8 };

struct http_request {
    enum http_method method;
    const char *url;
    const char *headers[HTTP_HEADERS_MAX]; // "Name: value"; NULL ends the list early; copied
    struct slice body;                     // sent with POST; must live until `done`
    int64_t timeout_us;                    // for this exchange; 0: the client's
    bool direct;                           // never through a proxy: a metadata service
    void (*done)(void *context, const struct http_answer *answer);
    void *context;
};

struct http_client *http_client_new(struct event_base *base, const struct http_options *options,
                                    struct error *error);

// http_client_free drops what is under way without calling `done`. NULL is fine.
void http_client_free(struct http_client *client);

// http_send starts an exchange; `done` is called exactly once, later, from the loop.
void http_send(struct http_client *client, const struct http_request *request);
