// SPDX-License-Identifier: Apache-2.0
#include "upkeep/backlog.h"

#include "base/memory.h"
#include "observe/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_SIZE = 64, BLOCKERS_MAX = 16 };

static const char NO_TOPIC[] = "none";

struct of_topic {
    const char *topic; // its ARN, which lives as long as the routes
    int64_t pending;
    int64_t oldest_us;
};

struct blocker {
    char kind[KIND_SIZE];
    int64_t age_us;
};

struct backlog {
    const char *sink;     // what all is counted under; NULL: by topic
    const char *fallback; // the topic that is always there
    struct of_topic *topics;
    size_t count;
    size_t capacity;
    struct blocker blockers[BLOCKERS_MAX];
    int blocker_count;
    int64_t pending, waiting, scheduled, parked;
};

static const char *name_of_sink(enum sink_kind kind) {
    switch (kind) {
    case SINK_STDOUT:
        return "stdout";
    case SINK_HANDLERS:
        return "handlers";
    case SINK_SNS:
        break;
    }
    return NULL;
}

struct backlog *backlog_new(const struct settings *settings) {
    struct backlog *backlog = memory_allocate(1, sizeof *backlog);
    backlog->sink = name_of_sink((enum sink_kind)settings->sink);
    backlog->fallback = settings->topic_arn[0] != '\0' ? settings->topic_arn : NO_TOPIC;
    backlog->fallback = backlog->sink != NULL ? backlog->sink : backlog->fallback;
    return backlog;
}

void backlog_free(struct backlog *backlog) {
    if (backlog != NULL) {
        free(backlog->topics);
        free(backlog);
    }
}

void backlog_begin(struct backlog *backlog) {
    *backlog = (struct backlog){.sink = backlog->sink,
                                .fallback = backlog->fallback,
                                .topics = backlog->topics,
                                .capacity = backlog->capacity};
}

static struct of_topic *topic_of(struct backlog *backlog, const char *topic) {
    for (size_t index = 0; index < backlog->count; index++) {
        if (strcmp(backlog->topics[index].topic, topic) == 0) {
            return &backlog->topics[index];
        }
    }
    if (backlog->count == backlog->capacity) {
        backlog->capacity = backlog->capacity > 0 ? backlog->capacity * 2 : 16;
        backlog->topics = memory_resize(backlog->topics, backlog->capacity, sizeof *backlog->topics);
    }
    struct of_topic *added = &backlog->topics[backlog->count++];
    *added = (struct of_topic){.topic = topic};
    return added;
}

static const char *label_of(const struct backlog *backlog, struct routes *routes, struct slice event_type) {
    const char *reason = NULL;
    if (backlog->sink != NULL) {
        return backlog->sink;
    }
    const struct topic *topic = routes_topic(routes, event_type, &reason);
    return topic != NULL ? topic->arn : NO_TOPIC;
}

void backlog_add(struct backlog *backlog, struct routes *routes, const struct backlog_line *line) {
    struct of_topic *of_topic = topic_of(backlog, label_of(backlog, routes, line->event_type));
    of_topic->pending += line->pending;
    if (line->oldest_us > of_topic->oldest_us) {
        of_topic->oldest_us = line->oldest_us;
    }
    backlog->pending += line->pending;
    backlog->waiting += line->waiting + line->retrying;
    backlog->scheduled += line->scheduled;
    backlog->parked += line->parked;
}

void backlog_add_blocker(struct backlog *backlog, struct slice kind, int64_t age_us) {
    if (backlog->blocker_count < BLOCKERS_MAX) {
        struct blocker *blocker = &backlog->blockers[backlog->blocker_count++];
        snprintf(blocker->kind, sizeof blocker->kind, "%.*s", (int)kind.length, kind.data);
        blocker->age_us = age_us;
    }
}

static void set(enum metric_name name, const char *label, int64_t value) {
    metric_set(metric_series(name, label, NULL), value);
}

static void set_topic(const char *topic, int64_t pending, int64_t oldest_us) {
    set(METRIC_PENDING_EVENTS, topic, pending);
    set(METRIC_OLDEST_PENDING_AGE, topic, oldest_us);
}

static void clear_topic(void *context, const char *topic, const char *second, int64_t value) {
    (void)context;
    (void)second;
    (void)value;
    set_topic(topic, 0, 0);
}

static void clear_blocker(void *context, const char *kind, const char *second, int64_t value) {
    (void)context;
    (void)second;
    (void)value;
    set(METRIC_BLOCKER_AGE, kind, 0);
}

// Series that hold several topics, where there are too many, hold the sum and the oldest.
static void add_topic(const struct of_topic *of_topic) {
    metric_add(metric_series(METRIC_PENDING_EVENTS, of_topic->topic, NULL), of_topic->pending);
    struct metric *oldest = metric_series(METRIC_OLDEST_PENDING_AGE, of_topic->topic, NULL);
    if (of_topic->oldest_us > metric_value(oldest)) {
        metric_set(oldest, of_topic->oldest_us);
    }
}

void backlog_publish(const struct backlog *backlog, int64_t read_at_unix_us) {
    metric_each(METRIC_PENDING_EVENTS, clear_topic, NULL);
    metric_each(METRIC_PUBLISHED, clear_topic, NULL);
    metric_each(METRIC_BLOCKER_AGE, clear_blocker, NULL);
    set_topic(backlog->fallback, 0, 0);
    for (size_t index = 0; index < backlog->count; index++) {
        const struct of_topic *of_topic = &backlog->topics[index];
        add_topic(of_topic);
    }
    for (int index = 0; index < backlog->blocker_count; index++) {
        set(METRIC_BLOCKER_AGE, backlog->blockers[index].kind, backlog->blockers[index].age_us);
    }
    metric_gauge(METRIC_WAITING_EVENTS, backlog->waiting);
    metric_gauge(METRIC_SCHEDULED_EVENTS, backlog->scheduled);
    metric_gauge(METRIC_PARKED_EVENTS, backlog->parked);
    metric_gauge(METRIC_BACKLOG_READ_TIMESTAMP, read_at_unix_us);
}

int64_t backlog_pending(const struct backlog *backlog) {
    return backlog->pending;
}

void backlog_forget(void) {
    static const enum metric_name names[] = {
        METRIC_PENDING_EVENTS, METRIC_OLDEST_PENDING_AGE,     METRIC_WAITING_EVENTS, METRIC_SCHEDULED_EVENTS,
        METRIC_PARKED_EVENTS,  METRIC_BACKLOG_READ_TIMESTAMP, METRIC_BLOCKER_AGE};
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        metric_clear(names[index]);
    }
}
