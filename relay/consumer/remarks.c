// SPDX-License-Identifier: Apache-2.0
#include "consumer/remarks.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "consumer/texts.h"

#include <stdio.h>
#include <stdlib.h>

enum { SECOND_US = 1000000 };

#define LONG_AGO (INT64_MIN / 2)

// Lines of one kind.
struct flood {
    struct event *timer; // pending while lines have been left out that were not told of
    const char *summary;
    int64_t begin_us; // of the second that is counted
    int written;
    int64_t left_out;
};

struct remarks {
    struct flood malformed;
    struct flood failed;
    char *types[REMARKED_TYPES_MAX];
    int type_count;
};

static void tell_left_out(struct flood *flood) {
    if (flood->left_out > 0) {
        log_warn(flood->summary, LOG_INT("left_out", flood->left_out));
    }
    flood->left_out = 0;
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct flood *flood = context;
    tell_left_out(flood);
    flood->begin_us = LONG_AGO; // the loop's clock is a little coarser
}

static void init_flood(struct flood *flood, struct event_base *base, const char *summary) {
    *flood = (struct flood){.summary = summary, .begin_us = LONG_AGO};
    flood->timer = evtimer_new(base, on_timer, flood);
}

static void end_flood(struct flood *flood) {
    tell_left_out(flood);
    event_free(flood->timer);
}

// Whether a line may be written now.
static bool pass(struct flood *flood) {
    static const struct timeval second = {.tv_sec = 1};
    int64_t now = clock_monotonic_us();
    if (now - flood->begin_us >= SECOND_US) {
        flood->begin_us = now;
        flood->written = 0;
    }
    if (flood->written < REMARKS_PER_SECOND) {
        flood->written++;
        return true;
    }
    if (flood->left_out++ == 0) {
        evtimer_add(flood->timer, &second);
    }
    return false;
}

struct remarks *remarks_new(struct event_base *base) {
    struct remarks *remarks = memory_allocate(1, sizeof *remarks);
    init_flood(&remarks->malformed, base, "more messages are malformed than are shown");
    init_flood(&remarks->failed, base, "more events have failed than are shown");
    return remarks;
}

void remarks_free(struct remarks *remarks) {
    if (remarks == NULL) {
        return;
    }
    end_flood(&remarks->malformed);
    end_flood(&remarks->failed);
    for (int index = 0; index < remarks->type_count; index++) {
        free(remarks->types[index]);
    }
    free(remarks);
}

void remarks_malformed(struct remarks *remarks, const char *message_id, int receive_count,
                       const char *reason) {
    if (pass(&remarks->malformed)) {
        log_warn("a message is malformed", LOG_TEXT("message_id", message_id),
                 LOG_INT("receive_count", receive_count), LOG_TEXT("reason", reason));
    }
}

// An event's type has at most EVENT_TYPE_MAX bytes.
static void copy_type(char ret[EVENT_TYPE_MAX + 1], struct slice event_type) {
    (void)snprintf(ret, EVENT_TYPE_MAX + 1, "%.*s", (int)event_type.length, event_type.data);
}

void remarks_failed(struct remarks *remarks, const struct domain_event *event, const char *reason) {
    char type[EVENT_TYPE_MAX + 1];
    if (pass(&remarks->failed)) {
        copy_type(type, event->event_type);
        log_warn("an event has failed", LOG_TEXT("event_id", event->event_id), LOG_TEXT("event_type", type),
                 LOG_INT("receive_count", event->deliveries), LOG_TEXT("reason", reason));
    }
}

void remarks_unhandled(struct remarks *remarks, struct slice event_type) {
    char type[EVENT_TYPE_MAX + 1];
    for (int index = 0; index < remarks->type_count; index++) {
        if (slice_equals(event_type, remarks->types[index])) {
            return;
        }
    }
    if (remarks->type_count == REMARKED_TYPES_MAX) {
        return;
    }
    copy_type(type, event_type);
    remarks->types[remarks->type_count++] = memory_copy_text(type);
    log_info("events of this type have no handler, and are dropped", LOG_TEXT("event_type", type));
    if (remarks->type_count == REMARKED_TYPES_MAX) {
        log_info("more event types without a handler are not named");
    }
}
