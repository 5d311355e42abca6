// SPDX-License-Identifier: Apache-2.0
// The last quarter of an hour of the registry's figures, for the charts of the status page: a ring of
// samples, each the difference to the one before. Who wants longer memories has Prometheus.
#pragma once

#include "observe/metrics.h"

#include <stdbool.h>

enum { HISTORY_INTERVAL_SECONDS = 5, HISTORY_SAMPLES = 15 * 60 / HISTORY_INTERVAL_SECONDS };

// Delays are -1 where nothing was sent in the interval.
struct history_sample {
    int64_t unix_us;
    int64_t pending;  // events to be published; of a consumer, messages held
    double sent;      // events published, or messages deleted, a second
    double delay_p50; // seconds
    double delay_p95;
    double
        failures; // events put off, refused or parked, or messages that come again or are refused, a second
};

struct history {
    enum metric_owner owner; // METRIC_OF_RUN or METRIC_OF_CONSUME: which figures
    struct history_sample samples[HISTORY_SAMPLES];
    int first; // the oldest
    int count;

    // The counters at the last sample.
    int64_t at_us;
    int64_t sent;
    int64_t failures;
    int64_t delays[METRIC_BOUNDS_MAX + 1];
};

// history_begin starts an empty history; the first sample tells what has happened since now. `monotonic_us`
// is clock_monotonic_us().
void history_begin(struct history *history, enum metric_owner owner, int64_t monotonic_us);

// history_take adds a sample of what has happened since the last one; the oldest goes when the ring is full.
// To be called every HISTORY_INTERVAL_SECONDS; rates are by the time that has really passed. A call in the
// same microsecond as the last one does nothing.
void history_take(struct history *history, int64_t monotonic_us, int64_t unix_us);

// history_get is the sample at `index`, 0 being the oldest.
const struct history_sample *history_get(const struct history *history, int index);

// history_quantile estimates a quantile (0..1) of the observations `counts`, of `buckets` buckets with the
// upper `bounds` (the last bucket has none), as Prometheus' histogram_quantile does: linear inside a bucket,
// and the highest bound for what is above all. In the unit of the bounds; -1 when there is no observation.
double history_quantile(double quantile, const int64_t *counts, const int64_t *bounds, int buckets);

// history_append_json appends {"interval_seconds":5,"samples":[[unix seconds, pending, sent a second, p50,
// p95, failures a second],…]}, the oldest first; delays are seconds, or null.
void history_append_json(const struct history *history, struct buffer *out);
