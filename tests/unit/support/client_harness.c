// SPDX-License-Identifier: Apache-2.0
#include "support/client_harness.h"

#include "support/loop.h"

#include <stdio.h>
#include <stdlib.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void on_answer(void *context, const struct http_answer *answer) {
    struct client_harness *harness = context;
    int index = harness->answers++;
    const char *header = http_answer_header(answer, "x-test");

    assert_true(index < ANSWERS_MAX);
    assert_true((answer->status == 0) == (answer->failure != NULL));
    harness->status[index] = answer->status;
    harness->length[index] = answer->body.length;
    harness->unreached[index] = answer->unreached;
    assert_true(answer->failure != NULL || !answer->unreached);
    snprintf(harness->body[index], sizeof harness->body[index], "%.*s", (int)answer->body.length,
             answer->body.length < 64 ? answer->body.data : "");
    snprintf(harness->failure[index], sizeof harness->failure[index], "%s",
             answer->failure != NULL ? answer->failure : "");
    snprintf(harness->header[index], sizeof harness->header[index], "%s", header != NULL ? header : "");
}

void client_hold(void *context, struct http_received *request) {
    (void)context;
    (void)request;
}

void client_echo(void *context, struct http_received *request) {
    (void)context;
    http_server_reply(request, "200 OK", request->body);
}

static struct client_harness *open_with(http_server_handler *handler, const struct http_options *options) {
    struct client_harness *harness = calloc(1, sizeof *harness);

    harness->base = event_base_new();
    harness->server = http_server_new(harness->base, handler, harness);
    harness->client = http_client_new(harness->base, options, NULL);
    assert_non_null(harness->client);
    snprintf(harness->url, sizeof harness->url, "http://127.0.0.1:%d/", http_server_port(harness->server));
    return harness;
}

static struct http_options options_with(const char *ca_bundle, int64_t timeout_us) {
    return (struct http_options){
        .ca_bundle = ca_bundle, .timeout_us = timeout_us, .connections = CONNECTIONS};
}

struct client_harness *client_open(http_server_handler *handler, int64_t timeout_us) {
    const struct http_options options = options_with("", timeout_us);
    return open_with(handler, &options);
}

struct client_harness *client_open_trusting(http_server_handler *handler, const char *ca_bundle) {
    const struct http_options options = options_with(ca_bundle, LONG_US);
    struct client_harness *harness = open_with(handler, &options);
    snprintf(harness->url, sizeof harness->url, "https://127.0.0.1:%d/", http_server_port(harness->server));
    return harness;
}

void client_replace(struct client_harness *harness, const char *ca_bundle) {
    const struct http_options options = options_with(ca_bundle, LONG_US);
    http_client_free(harness->client);
    harness->client = http_client_new(harness->base, &options, NULL);
    assert_non_null(harness->client);
}

void client_close(struct client_harness *harness) {
    http_client_free(harness->client);
    if (harness->server != NULL) {
        http_server_free(harness->server);
    }
    event_base_free(harness->base);
    free(harness);
}

void client_send(struct client_harness *harness, struct http_request request) {
    request.done = on_answer;
    request.context = harness;
    http_send(harness->client, &request);
}

void client_post(struct client_harness *harness, const char *url, const char *body) {
    client_send(harness, (struct http_request){.url = url,
                                               .headers = {"Content-Type: text/plain", "X-Test: yes"},
                                               .body = slice_of_text(body)});
}

static bool all_answered(void *context) {
    const struct client_harness *harness = context;
    return harness->answers >= harness->expected;
}

void client_await(struct client_harness *harness, int answers) {
    harness->expected = answers;
    assert_true(loop_until(harness->base, all_answered, harness));
    loop_settle(harness->base);
    assert_int_equal(harness->answers, answers); // and not one more
}

static bool enough_wait(void *context) {
    const struct client_harness *harness = context;
    return http_server_counts(harness->server)->waiting >= harness->waiting_goal;
}

void client_await_waiting(struct client_harness *harness, int requests) {
    harness->waiting_goal = requests;
    assert_true(loop_until(harness->base, enough_wait, harness));
}

int client_try(struct client_harness *harness) {
    client_post(harness, harness->url, "try");
    client_await(harness, harness->answers + 1);
    return harness->status[harness->answers - 1];
}
