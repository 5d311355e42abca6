// SPDX-License-Identifier: Apache-2.0
// An HTTP client that sends nothing: a test answers what was asked. Included by one file of a program, whose
// http_client_new and the like stand in for those of http/client.h.
#pragma once

#include "http/client.h"

#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { FAKE_REQUESTS_MAX = 128 };

struct http_client {
    bool freed;
};

static struct {
    struct http_client client;
    bool broken; // none can be made
    struct http_request requests[FAKE_REQUESTS_MAX];
    char urls[FAKE_REQUESTS_MAX][512];
    int count;
} fake_http;

struct http_client *http_client_new(struct event_base *base, const struct http_options *options,
                                    struct error *error) {
    assert_non_null(base);
    assert_true(options->timeout_us > 0 && options->connections > 0);
    if (fake_http.broken) {
        error_set(error, ERROR_USAGE, "AWS_CA_BUNDLE: %s", options->ca_bundle);
        return NULL;
    }
    fake_http.client.freed = false;
    return &fake_http.client;
}

void http_client_free(struct http_client *client) {
    if (client != NULL) {
        client->freed = true;
    }
}

void http_send(struct http_client *client, const struct http_request *request) {
    int index = fake_http.count++;
    assert_false(client->freed);
    assert_true(index < FAKE_REQUESTS_MAX);
    assert_int_equal(request->method, HTTP_GET);
    assert_true(strlen(request->url) < sizeof fake_http.urls[0]);
    fake_http.requests[index] = *request;
    snprintf(fake_http.urls[index], sizeof fake_http.urls[0], "%s", request->url);
}

// Number `index` (from 0) of the requests, once each.
static void fake_http_answer(int index, int status, const char *body) {
    struct http_request *request = &fake_http.requests[index];
    assert_true(index < fake_http.count);
    assert_non_null(request->done);
    void (*done)(void *context, const struct http_answer *answer) = request->done;
    request->done = NULL;
    // The body does not outlive the call.
    char *copy = strdup(body);
    done(request->context, &(struct http_answer){.status = status,
                                                 .body = slice_of_text(status != 0 ? copy : ""),
                                                 .failure = status == 0 ? copy : NULL});
    memset(copy, '#', strlen(copy));
    free(copy);
}
