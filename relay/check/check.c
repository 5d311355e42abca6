// SPDX-License-Identifier: Apache-2.0
// The order of things: what there is to look at, then the credentials, then, with good ones, all topics at
// once. The loop ends with the last answer, or when the time is over.
#include "check/check.h"

#include "base/memory.h"
#include "check/state.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONNECTIONS = 8 };

struct kept {
    struct kept *next;
    max_align_t memory[];
};

void *check_keep(struct check *check, size_t size) {
    struct kept *kept = memory_allocate(1, sizeof *kept + size);
    kept->next = check->kept;
    check->kept = kept;
    return kept->memory;
}

static struct subject *topic_subject(struct check *check, const struct target *target) {
    char about[1024];
    snprintf(about, sizeof about, "Topic %s (%.500s)", target->arn, target->because);
    return findings_subject(check->findings, NULL, about);
}

// All subjects are opened before the first answer, so that their order does not depend on it.
static void check_topics(struct check *check, bool usable) {
    for (const struct target *target = check->targets; target != NULL; target = target->next) {
        struct subject *subject = topic_subject(check, target);
        if (usable) {
            topic_check(check, target, subject);
        } else {
            finding_add(subject, FINDING_NOTE, "topic.skipped",
                        "not looked at, as there are no good credentials");
        }
    }
}

static void explain_credentials(struct check *check) {
    const char *problem = credentials_problem(check->credentials);
    finding_add(check->identity, FINDING_ERROR, "credentials.none", "%s",
                problem[0] != '\0' ? problem : "no credentials have come in time");
    check_topics(check, false);
}

static void start(struct check *check) {
    check->started = true;
    if (credentials_now(check->credentials) != NULL) {
        identity_check(check, check_topics);
    } else {
        explain_credentials(check);
    }
}

static void on_credentials(void *context) {
    struct check *check = context;
    if (!check->started) {
        start(check);
    }
    if (check->asked == NULL && !check->locating) {
        event_base_loopbreak(check->base);
    }
}

static void on_deadline(evutil_socket_t socket, short kinds, void *context) {
    struct check *check = context;
    (void)socket;
    (void)kinds;
    if (!check->started) {
        start(check);
    }
    ask_end(check, "the time for the check is over");
    if (check->locating) {
        finding_add(check->identity, FINDING_ERROR, "region", "no region has been found in time");
        check_topics(check, false);
    }
    event_base_loopbreak(check->base);
}

static bool prepare(struct check *check, struct error *error) {
    const struct settings *settings = check->settings;
    const struct credentials_listener listener = {check, on_credentials};
    check->config = aws_config_load(settings, error);
    if (check->config == NULL) {
        return false;
    }
    const struct http_options options = {
        .ca_bundle = aws_config_text(check->config, settings->aws_ca_bundle, "ca_bundle"),
        .timeout_us = settings->request_timeout,
        .connections = CONNECTIONS};
    bool made =
        (check->http = http_client_new(check->base, &options, error)) != NULL &&
        (check->caller = aws_caller_new(check->base, settings, check->config, check->http, error)) != NULL &&
        (check->credentials = credentials_new(check->base, settings, &listener, error)) != NULL;
    if (made) {
        check->where = region_new(&(struct provider_means){.base = check->base,
                                                           .settings = settings,
                                                           .config = check->config,
                                                           .http = check->http,
                                                           .caller = check->caller});
    }
    return made;
}

static void run(struct check *check, int64_t limit_us) {
    const struct timeval deadline = {.tv_sec = limit_us / 1000000, .tv_usec = limit_us % 1000000};
    if (credentials_now(check->credentials) != NULL || credentials_problem(check->credentials)[0] != '\0') {
        start(check); // else the listener does
    }
    if (!check->started || check->asked != NULL || check->locating) {
        evtimer_add(check->deadline, &deadline);
        event_base_dispatch(check->base);
    }
}

static void end(struct check *check) {
    ask_end(check, "the check has ended early");
    http_client_free(check->http);
    aws_caller_free(check->caller);
    credentials_free(check->credentials);
    region_free(check->where);
    aws_config_free(check->config);
    targets_free(check->targets);
    event_free(check->deadline);
    event_base_free(check->base);
    while (check->kept != NULL) {
        struct kept *kept = check->kept;
        check->kept = kept->next;
        free(kept);
    }
}

// Where events do not go to AWS there is nothing to look for there.
static void look_at_aws(struct check *check, const struct database *database, int64_t limit_us) {
    struct error problem = {0};
    check->identity = findings_subject(check->findings, NULL, "AWS credentials");
    check->endpoints = findings_subject(check->findings, NULL, "AWS endpoints");
    targets_read(check, findings_subject(check->findings, NULL, "Routes"), database);
    if (prepare(check, &problem)) {
        endpoints_check(check);
        run(check, limit_us);
    } else {
        finding_add(check->identity, FINDING_ERROR, "settings", "%s", problem.text);
    }
}

bool check_run(const struct settings *settings, int64_t limit_us, struct findings *findings,
               struct error *error) {
    struct check check = {.settings = settings, .findings = findings, .base = event_base_new()};
    struct database database;
    if (check.base == NULL) {
        return error_set(error, ERROR_INTERNAL, "the event loop cannot be made");
    }
    check.deadline = evtimer_new(check.base, on_deadline, &check);
    database_open(&database, settings, findings);
    if (settings->sink == SINK_SNS) {
        look_at_aws(&check, &database, limit_us);
    }
    database_close(&database);
    end(&check);
    return true;
}
