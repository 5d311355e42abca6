// SPDX-License-Identifier: Apache-2.0
// An application on 127.0.0.1 that is handed events by HTTP: a runner, and what it sends to.
#pragma once

#include "support/http_server.h"
#include "support/runner_harness.h"

struct application {
    struct runner_harness *harness;
    struct http_server *server;
    struct http_runner *runner;
    char url[64];                  // may be changed at any time
    const char *answer;            // the next one, as it is sent; NULL: none, "": it hangs up
    struct http_received *request; // the last one
};

// application_new: the settings may be changed until application_begin makes the runner. application_start
// does both.
struct application *application_new(void);
void application_begin(struct application *application);
struct application *application_start(void);
void application_free(struct application *application);

// application_post has an event handled, and returns when that has ended; application_post_any any event.
void application_post(struct application *application, const struct domain_event *event);
void application_post_any(struct application *application);

// application_assert_header: a header of the last request; "": it is not there.
void application_assert_header(const struct application *application, const char *name, const char *expected);
