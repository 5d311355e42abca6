// SPDX-License-Identifier: Apache-2.0
#include "credentials/ask.h"

#include "base/backoff.h"
#include "base/memory.h"

#include <stdlib.h>

enum { PAUSE_BASE_US = 100000, PAUSE_MAX_US = 1000000 };

struct asker {
    struct http_client *http;
    struct event *timer;
    struct question question;
    char *url;
    char *headers[QUESTION_HEADERS_MAX]; // may hold a token
    int tries;
    void (*done)(void *context, const struct http_answer *answer);
    void *context;
};

static void forget(struct asker *asker) {
    memory_free_secret(asker->url);
    asker->url = NULL;
    for (int index = 0; index < QUESTION_HEADERS_MAX; index++) {
        memory_free_secret(asker->headers[index]);
        asker->headers[index] = NULL;
    }
}

static bool is_in_trouble(const struct http_answer *answer) {
    return answer->status == 0 || answer->status == 429 || answer->status >= 500;
}

static void on_answer(void *context, const struct http_answer *answer) {
    struct asker *asker = context;
    if (is_in_trouble(answer) && asker->tries < asker->question.attempts) {
        int64_t pause = backoff_us(asker->tries, PAUSE_BASE_US, PAUSE_MAX_US);
        const struct timeval wait = {.tv_sec = pause / 1000000, .tv_usec = pause % 1000000};
        evtimer_add(asker->timer, &wait);
        return;
    }
    forget(asker);
    asker->done(asker->context, answer); // may ask the next question
}

static void send_request(struct asker *asker) {
    struct http_request request = {.method = asker->question.method,
                                   .url = asker->url,
                                   .timeout_us = asker->question.timeout_us,
                                   .direct = asker->question.direct,
                                   .done = on_answer,
                                   .context = asker};
    for (int index = 0; index < QUESTION_HEADERS_MAX; index++) {
        request.headers[index] = asker->headers[index];
    }
    asker->tries++;
    http_send(asker->http, &request);
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    send_request(context);
}

struct asker *asker_new(struct event_base *base, struct http_client *http) {
    struct asker *asker = memory_allocate(1, sizeof *asker);
    asker->http = http;
    asker->timer = evtimer_new(base, on_timer, asker);
    return asker;
}

void asker_free(struct asker *asker) {
    if (asker != NULL) {
        event_free(asker->timer);
        forget(asker);
        free(asker);
    }
}

void asker_ask(struct asker *asker, const struct question *question,
               void (*done)(void *context, const struct http_answer *answer), void *context) {
    asker->question = *question;
    asker->url = memory_copy_text(question->url);
    for (int index = 0; index < QUESTION_HEADERS_MAX; index++) {
        asker->headers[index] = memory_copy_text(question->headers[index]);
    }
    asker->tries = 0;
    asker->done = done;
    asker->context = context;
    send_request(asker);
}
