// SPDX-License-Identifier: Apache-2.0
// One question to an HTTP service that hands out credentials: asked again, a little later each time, while
// there is no answer or only one that says that the service is in trouble.
#pragma once

#include "http/client.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

enum { QUESTION_HEADERS_MAX = 2 };

// A NULL header ends the list early. Copied.
struct question {
    enum http_method method;
    const char *url;
    const char *headers[QUESTION_HEADERS_MAX];
    int64_t timeout_us; // of each attempt
    int attempts;       // at most
    bool direct;        // never through a proxy
};

struct asker;

struct asker *asker_new(struct event_base *base, struct http_client *http);
void asker_free(struct asker *asker); // once nothing is under way on the client; NULL is fine

// asker_ask asks; one question at a time. `done` is called once, later, from the loop, with the last answer.
void asker_ask(struct asker *asker, const struct question *question,
               void (*done)(void *context, const struct http_answer *answer), void *context);
