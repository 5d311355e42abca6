// SPDX-License-Identifier: Apache-2.0
// The table of metric families: the only place that names them. The exposition, `help metrics` and the
// manual's table all come from it. Names follow Prometheus' rules (prometheus.io/docs/practices/naming): base
// units, counters end in _total, and a sum over all labels means something.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

// How a value is written that is held as a whole number.
enum metric_unit {
    METRIC_PLAIN,
    METRIC_MICROSECONDS, // held in microseconds, written in seconds
};

// What exposes a family: the relay (`run`), the consumer (`consume`), or both.
enum metric_owner { METRIC_OF_RUN = 1 << 0, METRIC_OF_CONSUME = 1 << 1, METRIC_OF_BOTH = 3 };

enum metric_name {
    // The backlog, as the database was last read; see upkeep/upkeep.h.
    METRIC_PENDING_EVENTS,
    METRIC_OLDEST_PENDING_AGE,
    METRIC_WAITING_EVENTS,
    METRIC_PARKED_EVENTS,
    METRIC_SCHEDULED_EVENTS,
    METRIC_FLOOR_LAG_EVENTS,
    METRIC_BACKLOG_READ_TIMESTAMP,
    METRIC_BLOCKER_AGE,
    // The relay's own work.
    METRIC_PUBLISHED,
    METRIC_RETRIED,
    METRIC_PARKED,
    METRIC_DUPLICATES_AVOIDED,
    METRIC_RESCUED,
    METRIC_IN_FLIGHT_EVENTS,
    METRIC_IN_FLIGHT_REQUESTS,
    METRIC_BATCH_EVENTS,
    METRIC_PUBLISH_DURATION,
    METRIC_DELIVERY_DELAY,
    METRIC_SNS_ERRORS,
    METRIC_THROTTLED,
    METRIC_TOPIC_RESTING,
    METRIC_LEADER,
    METRIC_PRUNED,
    // The consumer's.
    METRIC_RECEIVED,
    METRIC_DELETED,
    METRIC_RETURNED,
    METRIC_REFUSED,
    METRIC_HELD_MESSAGES,
    METRIC_RECEIVE_DURATION,
    METRIC_MESSAGE_AGE,
    METRIC_SQS_ERRORS,
    // Handlers: of the consumer, and of run --sink handlers.
    METRIC_HANDLED,
    METRIC_HANDLER_DURATION,
    // Both.
    METRIC_DATABASE_DURATION,
    METRIC_DATABASE_CONNECTIONS,
    METRIC_DATABASE_RECONNECTS,
    METRIC_CREDENTIALS_EXPIRY,
    METRIC_READY,
    METRIC_BUILD_INFO,
    METRIC_NAMES,
};

enum { METRIC_LABELS_MAX = 2, METRIC_BOUNDS_MAX = 20 };

struct metric_family {
    const char *name;      // whole: outbox_relay_published_total
    const char *help;      // one line
    const int64_t *bounds; // of histograms: upper bounds, in the held unit, rising; 0 ends them
    const char *labels[METRIC_LABELS_MAX]; // NULL ends them
    enum metric_kind kind;
    enum metric_unit unit;
    unsigned owners;      // of enum metric_owner
    bool absent_at_first; // not written before it is set: 0 would say something
};

extern const struct metric_family metric_families[METRIC_NAMES];
