// SPDX-License-Identifier: Apache-2.0
#include "admin/routes.h"

#include "admin/page.h"
#include "admin/status.h"
#include "base/clock.h"
#include "observe/metrics.h"

#include <string.h>

static void answer_livez(struct admin *admin, const struct server_request *request,
                         struct server_reply *reply) {
    (void)admin;
    (void)request;
    buffer_append_text(&reply->body, "ok\n");
}

static void answer_readyz(struct admin *admin, const struct server_request *request,
                          struct server_reply *reply) {
    struct health health;
    bool ready = readiness_read(admin, &health);
    reply->status = ready ? 200 : 503;
    if (request->verbose || !ready) {
        readiness_append(&health, !request->verbose, &reply->body);
    }
    if (ready || request->verbose) {
        buffer_append_text(&reply->body, ready ? "ok\n" : "not ready\n");
    }
}

static void answer_metrics(struct admin *admin, const struct server_request *request,
                           struct server_reply *reply) {
    struct health health;
    (void)request;
    metric_gauge(METRIC_READY, readiness_read(admin, &health) ? 1 : 0);
    metric_set(metric_series(METRIC_BUILD_INFO, RELAY_VERSION, NULL), 1);
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(admin->subject.owner, &reply->body);
}

static void answer_page(struct admin *admin, const struct server_request *request,
                        struct server_reply *reply) {
    (void)admin;
    (void)request;
    reply->content_type = "text/html; charset=utf-8";
    reply->content_policy = page_policy;
    buffer_append(&reply->body, page_document, page_length);
}

static void answer_status(struct admin *admin, const struct server_request *request,
                          struct server_reply *reply) {
    const struct admin_subject *subject = &admin->subject;
    struct health health;
    (void)request;
    (void)readiness_read(admin, &health);
    const struct status status = {
        .version = RELAY_VERSION,
        .command = subject->command,
        .started_us = admin->started_at,
        .now_us = clock_unix_us(),
        .is_stopping = subject->is_stopping(subject->context),
        .health = &health,
        .history = &admin->history,
        .report = subject->report != NULL ? subject->report(subject->context) : NULL,
    };
    reply->content_type = "application/json";
    status_write(&status, &reply->body);
}

// clang-format off
const struct route admin_routes[] = {
    {"/livez", "200 while the event loop turns, whatever else is wrong", answer_livez},
    {"/readyz", "200 when every check is good, else 503; ?verbose shows each", answer_readyz},
    {"/metrics", "for Prometheus", answer_metrics},
    {"/", "the status page, for people", answer_page},
    {"/status.json", "what the status page shows", answer_status},
    {.path = NULL},
};
// clang-format on

static const struct route *find_route(const char *path) {
    for (const struct route *route = admin_routes; route->path != NULL; route++) {
        if (strcmp(route->path, path) == 0) {
            return route;
        }
    }
    return NULL;
}

static void refuse_host(const char *host, struct server_reply *reply) {
    reply->status = 403;
    buffer_append_text(&reply->body, "this port answers to localhost, 127.0.0.1 and [::1], not to \"");
    for (size_t index = 0; index < 100 && host[index] != '\0'; index++) {
        bool plain = host[index] >= ' ' && host[index] <= '~';
        buffer_append_char(&reply->body, plain ? host[index] : '?');
    }
    buffer_append_text(&reply->body, "\": a page of another site must not read what is here. For other names "
                                     "listen at another address (OUTBOX_LISTEN)\n");
}

static void refuse_method(struct server_reply *reply) {
    reply->status = 405;
    reply->allowed_methods = "GET, HEAD";
    buffer_append_text(&reply->body, "the admin port only reads: GET or HEAD\n");
}

static void list_paths(struct server_reply *reply) {
    reply->status = 404;
    buffer_append_text(&reply->body, "there is no such path; these are:\n");
    for (const struct route *route = admin_routes; route->path != NULL; route++) {
        buffer_append_format(&reply->body, "  %-13s %s\n", route->path, route->about);
    }
}

void routes_answer(void *context, const struct server_request *request, struct server_reply *reply) {
    struct admin *admin = context;
    const struct route *route = find_route(request->path);
    if (!address_answers_to(&admin->address, request->host)) {
        refuse_host(request->host, reply);
    } else if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        refuse_method(reply);
    } else if (route == NULL) {
        list_paths(reply);
    } else {
        route->answer(admin, request, reply);
    }
}
