// SPDX-License-Identifier: Apache-2.0
// Which events are ordered, as a condition for the database: those whose route leads to a FIFO topic. Events
// that need order are claimed differently from the others, so the claim has to tell them apart before it
// locks a row.
#pragma once

#include "route/routes.h"

struct rule {
    char *pattern;
    struct topic *topic;
};

struct rules {
    struct rule *items;
    size_t count;
};

// ordered_sql returns the condition over the column event_type, to be freed, or NULL when it is true of no
// event. `default_arn` ("" for none) is the topic of events that no rule names. The topics that `left_out`
// (NULL: none) is true of count as if they were no FIFO topics.
char *ordered_sql(const struct rules *rules, const char *default_arn, topic_filter left_out, void *context);
