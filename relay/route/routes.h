// SPDX-License-Identifier: Apache-2.0
// Which topic an event goes to: the most specific matching route of outbox.topic_route, else
// OUTBOX_TOPIC_ARN, else OUTBOX_TOPIC_ARN_PREFIX and the event type. Topics live as long as the routes, so
// that a batch under way may keep a pointer while routes are read anew.
#pragma once

#include "aws/arn.h"
#include "base/error.h"
#include "base/slice.h"
#include "settings/settings.h"

struct metric; // observe/metrics.h

// Where it is counted what becomes of a topic's events; NULL until it first has one.
struct topic_counters {
    struct metric *published;
    struct metric *retried;
    struct metric *parked;
};

struct topic {
    char *arn;
    struct aws_topic_arn parts;
    bool message_group; // a standard topic that is given MessageGroupId all the same (SQS fair queues)
    enum message_format format;
    bool paused; // nothing is to be published to it (outbox.pause)
    struct topic_counters counters;
    void *sink_state; // the sink's own record of this topic; NULL at first
};

struct routes;

struct routes *routes_new(const struct settings *settings);

// routes_free frees the topics as well; `free_sink_state` (may be NULL) is called for each that has one.
void routes_free(struct routes *routes, void (*free_sink_state)(void *sink_state));

// routes_begin, routes_add and routes_finish replace the rules, row by row. A rule that cannot be used (a
// malformed ARN) fails routes_add and is left out. `format` NULL is the default format. routes_finish returns
// whether the rules or what is paused differ from those before.
void routes_begin(struct routes *routes);
bool routes_add(struct routes *routes, const char *pattern, const char *topic_arn, const char *format,
                bool message_group, struct error *error);
bool routes_finish(struct routes *routes);

// routes_add_paused, between routes_begin and routes_finish, names a topic that nothing is to be published
// to.
void routes_add_paused(struct routes *routes, const char *topic_arn);

// routes_order_all: every event is ordered, not only those of FIFO topics.
void routes_order_all(struct routes *routes);

// routes_ordered_sql is a condition in SQL over a column event_type that is true of the events that go to
// FIFO topics; NULL when there are none. It lives until the next routes_finish.
const char *routes_ordered_sql(const struct routes *routes);

// routes_ordered_sql_without is the same, with the topics left out that `left_out` is true of; to be freed.
typedef bool (*topic_filter)(void *context, const char *topic_arn);
char *routes_ordered_sql_without(const struct routes *routes, topic_filter left_out, void *context);

// routes_lead_to_one_topic: whatever its type, every event has the same topic.
bool routes_lead_to_one_topic(const struct routes *routes);

// routes_topic returns the topic of an event type, or NULL when there is none; `reason` then says why.
struct topic *routes_topic(struct routes *routes, struct slice event_type, const char **reason);
