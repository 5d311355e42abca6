// SPDX-License-Identifier: Apache-2.0
// What the metrics say of events on their way (observe/families.h): how many are under way, what becomes of
// them, and how late they were.
#pragma once

#include "route/routes.h"
#include "sink/sink.h"

struct figures {
    struct topic_counters sink; // of a sink that has a name
    bool by_topic;
    struct metric *in_flight;
    struct metric *delay;
};

// figures_init: `sink_name` NULL counts by topic.
void figures_init(struct figures *figures, const char *sink_name);

// figures_counters is where the events of a topic (NULL: they have none) are counted, or NULL. All of its
// counters are there from then on, so that none is absent while it is 0.
const struct topic_counters *figures_counters(struct figures *figures, struct topic *topic);

// figures_claimed: one more is under way, until figures_settled. `kind` is what has become of it in the end
// (retry_judge), `counters` may be NULL.
void figures_claimed(struct figures *figures);
void figures_settled(struct figures *figures, const struct topic_counters *counters, enum outcome_kind kind,
                     int64_t wanted_at);
