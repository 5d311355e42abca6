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
    int64_t connected_us; // clock_monotonic_us when the database was there first; 0: it has not been
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

// The first check that is not good; NULL when all are.
static const struct health_check *find_bad(const struct health *health) {
    for (int index = 0; index < health->count; index++) {
        if (!health->checks[index].good) {
            return &health->checks[index];
        }
    }
    return NULL;
}

static void describe(const struct supervision *supervision, const struct health_check *bad,
                     char status[STATUS_SIZE]) {
    describe_count(supervision, status);
    if (bad != NULL) {
        size_t length = strlen(status);
        (void)snprintf(status + length, STATUS_SIZE - length, ", not ready: %s: %s", bad->name, bad->why);
    }
}

static void tell_status(struct supervision *supervision, const char *status) {
    char line[STATUS_SIZE + sizeof "STATUS="];
    (void)snprintf(line, sizeof line, "STATUS=%s", status);
    if (strcmp(status, supervision->status) != 0 && notify_send(line)) {
        (void)snprintf(supervision->status, sizeof supervision->status, "%s", status);
    }
}

// The database's check comes first.
static bool has_waited(struct supervision *supervision, const struct health_check *bad) {
    bool connected = bad == NULL || strcmp(bad->name, "database") != 0;
    if (connected && supervision->connected_us == 0) {
        supervision->connected_us = clock_monotonic_us();
    }
    return connected && clock_monotonic_us() - supervision->connected_us >= SUPERVISION_PATIENCE_US;
}

void supervision_look(struct supervision *supervision) {
    if (supervision == NULL || supervision->looking == NULL || supervision->is_stopping) {
        return;
    }
    if (supervision->subject.is_stopping(supervision->subject.context)) {
        supervision->is_stopping = notify_send("STOPPING=1\nSTATUS=finishing what is in flight");
        return;
    }
    struct health health = {.count = 0};
    supervision->subject.health(supervision->subject.context, &health);
    const struct health_check *bad = find_bad(&health);
    char status[STATUS_SIZE];
    describe(supervision, bad, status);
    if (!notify_is_ready() && (bad == NULL || has_waited(supervision, bad))) {
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
