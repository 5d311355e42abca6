// SPDX-License-Identifier: Apache-2.0
#include "outbox/figures.h"

#include "base/clock.h"
#include "observe/metrics.h"

static void make_counters(struct topic_counters *counters, const char *topic) {
    counters->published = metric_series(METRIC_PUBLISHED, topic, NULL);
    counters->retried = metric_series(METRIC_RETRIED, topic, NULL);
    counters->parked = metric_series(METRIC_PARKED, topic, NULL);
}

void figures_init(struct figures *figures, const char *sink_name) {
    *figures = (struct figures){.by_topic = sink_name == NULL,
                                .in_flight = metric_series(METRIC_IN_FLIGHT_EVENTS, NULL, NULL),
                                .delay = metric_series(METRIC_DELIVERY_DELAY, NULL, NULL)};
    if (sink_name != NULL) {
        make_counters(&figures->sink, sink_name);
    }
}

const struct topic_counters *figures_counters(struct figures *figures, struct topic *topic) {
    if (!figures->by_topic) {
        return &figures->sink;
    }
    if (topic != NULL && topic->counters.published == NULL) {
        make_counters(&topic->counters, topic->arn);
    }
    return topic != NULL ? &topic->counters : NULL;
}

void figures_claimed(struct figures *figures) {
    metric_add(figures->in_flight, 1);
}

// (The database's clock and ours may differ: an event that seems to come before its time has a delay of 0.)
void figures_settled(struct figures *figures, const struct topic_counters *counters, enum outcome_kind kind,
                     int64_t wanted_at) {
    metric_add(figures->in_flight, -1);
    if (counters == NULL) {
        return;
    }
    switch (kind) {
    case OUTCOME_SENT:
        metric_add(counters->published, 1);
        metric_observe(figures->delay, clock_unix_us() - wanted_at);
        break;
    case OUTCOME_RETRY:
    case OUTCOME_REFUSED:
        metric_add(counters->retried, 1);
        break;
    case OUTCOME_PARK:
        metric_add(counters->parked, 1);
        break;
    case OUTCOME_LET_GO:
    case OUTCOME_WAIT:
        break;
    }
}
