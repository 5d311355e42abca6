// SPDX-License-Identifier: Apache-2.0
#include "commands/supervision.h"

#include "base/clock.h"
#include "base/memory.h"
#include "observe/metrics.h"
#include "process/notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_SIZE = 384 };

struct supervision {
    struct admin_subject subject;
    int64_t started_us; // clock_monotonic_us
    struct event *looking;
    struct event *watchdog;   // NULL: there is none
    bool is_stopping;         // it has been told
    char status[STATUS_SIZE]; // told last
};

static void describe_count(const struct supervision *supervision, char status[STATUS_SIZE]) {
    if (supervision->subject.owner == METRIC_OF_RUN) {
        (void)snprintf(status, STATUS_SIZE, "published %" PRId64, metric_total(METRIC_PUBLISHED));
    } else {
        (void)snprintf(status, STATUS_SIZE, "handled %" PRId64, metric_total(METRIC_DELETED));
    }
}

// Returns whether every check is good; else the status names the first that is not.
static bool describe(const struct supervision *supervision, char status[STATUS_SIZE]) {
    struct health health = {.count = 0};
    describe_count(supervision, status);
    supervision->subject.health(supervision->subject.context, &health);
    for (int index = 0; index < health.count; index++) {
        const struct health_check *check = &health.checks[index];
        if (!check->good) {
            size_t length = strlen(status);
            (void)snprintf(status + length, STATUS_SIZE - length, ", not ready: %s: %s", check->name,
                           check->why);
            return false;
        }
    }
    return true;
}

static void tell_status(struct supervision *supervision, const char *status) {
    char line[STATUS_SIZE + sizeof "STATUS="];
    (void)snprintf(line, sizeof line, "STATUS=%s", status);
    if (strcmp(status, supervision->status) != 0 && notify_send(line)) {
        (void)snprintf(supervision->status, sizeof supervision->status, "%s", status);
    }
}

static bool is_patient(const struct supervision *supervision) {
    return clock_monotonic_us() - supervision->started_us < SUPERVISION_PATIENCE_US;
}

void supervision_look(struct supervision *supervision) {
    if (supervision == NULL || supervision->looking == NULL || supervision->is_stopping) {
        return;
    }
    if (supervision->subject.is_stopping(supervision->subject.context)) {
        supervision->is_stopping = notify_send("STOPPING=1\nSTATUS=finishing what is in flight");
        return;
    }
    char status[STATUS_SIZE];
    bool good = describe(supervision, status);
    if (!notify_is_ready() && (good || !is_patient(supervision))) {
        notify_ready(status);
    }
    tell_status(supervision, status);
}

static void on_look(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    supervision_look(context);
}

static void on_watchdog(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    (void)context;
    (void)notify_send("WATCHDOG=1");
}

static struct event *repeat(struct event_base *base, int64_t interval_us, event_callback_fn call,
                            void *context) {
    const struct timeval interval = {.tv_sec = interval_us / 1000000, .tv_usec = interval_us % 1000000};
    struct event *timer = event_new(base, -1, EV_PERSIST, call, context);
    event_add(timer, &interval);
    return timer;
}

struct supervision *supervision_new(struct event_base *base, const struct admin_subject *subject) {
    struct supervision *supervision = memory_allocate(1, sizeof *supervision);
    supervision->subject = *subject;
    supervision->started_us = clock_monotonic_us();
    if (!notify_listened()) {
        return supervision;
    }
    supervision->looking = repeat(base, 1000000, on_look, supervision);
    event_active(supervision->looking, EV_TIMEOUT, 0);
    if (notify_watchdog_us() > 1) { // at half of it, as sd_watchdog_enabled(3) advises
        supervision->watchdog = repeat(base, notify_watchdog_us() / 2, on_watchdog, supervision);
        event_active(supervision->watchdog, EV_TIMEOUT, 0);
    }
    return supervision;
}

void supervision_free(struct supervision *supervision) {
    if (supervision == NULL) {
        return;
    }
    if (supervision->looking != NULL) {
        event_free(supervision->looking);
    }
    if (supervision->watchdog != NULL) {
        event_free(supervision->watchdog);
    }
    free(supervision);
}
