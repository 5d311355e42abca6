// SPDX-License-Identifier: Apache-2.0
// The HTTP client between a test and a scripted server: sends requests, and records what came back.
#pragma once

#include "http/client.h"
#include "support/http_server.h"

#include <event2/event.h>

enum {
    ANSWERS_MAX = 256,
    BODY_CAP = 1 << 20,
    CONNECTIONS = 3,
    LONG_US = 60000000,
    SHORT_US = 50000,
};

struct client_harness {
    struct event_base *base;
    struct http_server *server;
    struct http_client *client;
    char url[64];
    int expected; // answers to wait for
    int answers;
    int status[ANSWERS_MAX];
    size_t length[ANSWERS_MAX];
    char body[ANSWERS_MAX][64];
    char failure[ANSWERS_MAX][128];
    bool unreached[ANSWERS_MAX];
    char header[ANSWERS_MAX][64]; // the answer's X-Test
    int waiting_goal;
};

// client_open makes server and client; client_close releases all. client_replace makes another client.
struct client_harness *client_open(http_server_handler *handler, int64_t timeout_us);
struct client_harness *client_open_trusting(http_server_handler *handler, const char *ca_bundle);
void client_replace(struct client_harness *harness, const char *ca_bundle);
void client_close(struct client_harness *harness);

// client_post sends a body. client_send sends any request, whose `done` and `context` need not be set.
void client_post(struct client_harness *harness, const char *url, const char *body);
void client_send(struct client_harness *harness, struct http_request request);

// client_await runs the loop until so many answers have come in all, client_await_waiting until the server
// has so many requests that it has not answered; both fail the test when that never happens.
void client_await(struct client_harness *harness, int answers);
void client_await_waiting(struct client_harness *harness, int requests);

// client_try posts to harness->url and returns the status of the answer.
int client_try(struct client_harness *harness);

// Handlers: client_hold never answers, client_echo sends the body back.
http_server_handler client_hold;
http_server_handler client_echo;
