// SPDX-License-Identifier: Apache-2.0
#include "support/application.h"

#include <stdio.h>
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

static void on_request(void *context, struct http_received *request) {
    struct application *application = context;
    application->request = request;
    if (application->answer != NULL) {
        http_server_reply_raw(request, application->answer, strlen(application->answer),
                              application->answer[0] == '\0');
    }
}

struct application *application_new(void) {
    struct application *application = calloc(1, sizeof *application);
    application->harness = runner_harness_new();
    application->server = http_server_new(application->harness->base, on_request, application);
    application->answer = "HTTP/1.1 204 No Content\r\n\r\n";
    snprintf(application->url, sizeof application->url, "http://127.0.0.1:%d/events?from=outbox",
             http_server_port(application->server));
    return application;
}

void application_begin(struct application *application) {
    struct runner_harness *harness = application->harness;
    struct error error = {0};
    application->runner = http_runner_new(harness->base, &harness->settings, &harness->listener, &error);
    assert_string_equal(error.text, "");
    assert_non_null(application->runner);
}

struct application *application_start(void) {
    struct application *application = application_new();
    application_begin(application);
    return application;
}

void application_free(struct application *application) {
    http_runner_free(application->runner);
    if (application->server != NULL) {
        http_server_free(application->server);
    }
    runner_harness_free(application->harness);
    free(application);
}

void application_post(struct application *application, const struct domain_event *event) {
    struct runner_harness *harness = application->harness;
    int ended = harness->ended;
    http_runner_start(application->runner, application->url, event, runner_task(harness));
    assert_int_equal(harness->ended, ended); // never before the caller is back
    runner_await(harness, ended + 1);
}

void application_post_any(struct application *application) {
    const struct domain_event event = runner_event();
    application_post(application, &event);
}

void application_assert_header(const struct application *application, const char *name,
                               const char *expected) {
    char value[512];
    http_server_header(application->request, name, value, sizeof value);
    assert_string_equal(value, expected);
}
