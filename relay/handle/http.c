// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "handle/answer.h"
#include "handle/headers.h"
#include "handle/runner.h"
#include "handle/url.h"
#include "http/client.h"
#include "http/host.h"

#include <stdlib.h>

enum { CONNECTIONS = 64 };

// One task, from its start to its end.
struct post {
    struct post *next;
    struct post **link; // what leads to it, while it is under way
    struct http_runner *runner;
    void *task;
    struct error refusal; // why it has not been sent
};

struct http_runner {
    struct http_client *http;
    const struct settings *settings;
    uint64_t generation; // of the settings that the webhook is made of
    struct runner_listener listener;
    struct webhook *webhook;   // NULL: requests are not signed
    struct post *posts;        // under way
    struct post *refused;      // ended as soon as the loop has its turn
    struct event *end_refused; // libevent's
    bool warned;
};

// A reload may have changed the secret, and has checked it.
static void renew_webhook(struct http_runner *runner) {
    const char *secrets = runner->settings->webhook_secret;
    if (runner->generation != runner->settings->generation) {
        runner->generation = runner->settings->generation;
        webhook_free(runner->webhook);
        runner->webhook = secrets[0] != '\0' ? webhook_new(secrets, NULL) : NULL;
    }
}

static void enlist(struct http_runner *runner, struct post *post) {
    post->next = runner->posts;
    post->link = &runner->posts;
    if (post->next != NULL) {
        post->next->link = &post->next;
    }
    runner->posts = post;
}

static void leave(struct post *post) {
    *post->link = post->next;
    if (post->next != NULL) {
        post->next->link = post->link;
    }
}

static void end(struct post *post, const struct handled *handled) {
    post->runner->listener.ended(post->runner->listener.context, post->task, handled);
    free(post);
}

static void on_answer(void *context, const struct http_answer *answer) {
    struct handled handled;
    char reason[ANSWER_REASON_SIZE];
    struct post *post = context;
    answer_judge(answer, clock_unix_us(), &handled, reason);
    leave(post);
    end(post, &handled);
}

// That it cannot be signed is nothing that the event has done.
static void on_refused(evutil_socket_t file, short kinds, void *context) {
    (void)file;
    (void)kinds;
    struct http_runner *runner = context;
    struct post *post = runner->refused;
    runner->refused = NULL;
    while (post != NULL) {
        struct post *next = post->next;
        const struct handled handled = {.kind = HANDLED_FAILED,
                                        .outage = post->refusal.code == ERROR_INTERNAL,
                                        .reason = post->refusal.text};
        end(post, &handled);
        post = next;
    }
}

static void warn_once(struct http_runner *runner, const char *host) {
    if (!runner->warned) {
        runner->warned = true;
        log_warn("signed events go over http: who is on the way can read them, and send them again for some "
                 "minutes; use https",
                 LOG_TEXT("host", host));
    }
}

void http_runner_start(struct http_runner *runner, const char *url, const struct domain_event *event,
                       void *task) {
    struct post *post = memory_allocate(1, sizeof *post);
    struct http_request request = {.method = HTTP_POST,
                                   .url = url,
                                   .body = event->json,
                                   .body_kept = ANSWER_BODY_KEPT,
                                   .done = on_answer,
                                   .context = post};
    struct headers headers;
    char host[URL_HOST_SIZE];
    renew_webhook(runner);
    post->runner = runner;
    post->task = task;
    if (!headers_compose(&headers, request.headers, event, runner->webhook, clock_unix_us() / 1000000,
                         &post->refusal)) {
        post->next = runner->refused;
        runner->refused = post;
        event_active(runner->end_refused, EV_TIMEOUT, 0);
        return;
    }
    url_host(url, host);
    request.direct = host_is_loopback(host);
    if (runner->webhook != NULL && url_is_plain(url) && !request.direct) {
        warn_once(runner, host);
    }
    enlist(runner, post);
    http_send(runner->http, &request);
}

struct http_runner *http_runner_new(struct event_base *base, const struct settings *settings,
                                    const struct runner_listener *listener, struct error *error) {
    const struct http_options options = {.ca_bundle = settings->aws_ca_bundle,
                                         .timeout_us = settings->handler_timeout,
                                         .connections = CONNECTIONS};
    struct http_runner *runner = memory_allocate(1, sizeof *runner);
    runner->listener = *listener;
    runner->settings = settings;
    runner->generation = settings->generation;
    runner->end_refused = evtimer_new(base, on_refused, runner);
    bool is_signed = settings->webhook_secret[0] != '\0';
    runner->webhook = is_signed ? webhook_new(settings->webhook_secret, error) : NULL;
    runner->http = is_signed && runner->webhook == NULL ? NULL : http_client_new(base, &options, error);
    if (runner->http == NULL) {
        http_runner_free(runner);
        return NULL;
    }
    return runner;
}

static void free_posts(struct post *post) {
    while (post != NULL) {
        struct post *next = post->next;
        free(post);
        post = next;
    }
}

void http_runner_free(struct http_runner *runner) {
    if (runner != NULL) {
        http_client_free(runner->http);
        free_posts(runner->posts);
        free_posts(runner->refused);
        event_free(runner->end_refused);
        webhook_free(runner->webhook);
        free(runner);
    }
}
