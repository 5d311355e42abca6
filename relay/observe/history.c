// SPDX-License-Identifier: Apache-2.0
#include "observe/history.h"

#include <inttypes.h>
#include <string.h>

static const double SECOND_US = 1e6;

static bool is_consumer(const struct history *history) {
    return history->owner == METRIC_OF_CONSUME;
}

static int64_t total_sent(const struct history *history) {
    return metric_total(is_consumer(history) ? METRIC_DELETED : METRIC_PUBLISHED);
}

static int64_t total_failures(const struct history *history) {
    return is_consumer(history) ? metric_total(METRIC_RETURNED) + metric_total(METRIC_REFUSED)
                                : metric_total(METRIC_RETRIED) + metric_total(METRIC_PARKED);
}

static enum metric_name delay_family(const struct history *history) {
    return is_consumer(history) ? METRIC_MESSAGE_AGE : METRIC_DELIVERY_DELAY;
}

static int64_t pending_now(const struct history *history) {
    return metric_total(is_consumer(history) ? METRIC_HELD_MESSAGES : METRIC_PENDING_EVENTS);
}

void history_begin(struct history *history, enum metric_owner owner, int64_t monotonic_us) {
    memset(history, 0, sizeof *history);
    history->owner = owner;
    history->at_us = monotonic_us;
    history->sent = total_sent(history);
    history->failures = total_failures(history);
    (void)metric_buckets(delay_family(history), history->delays);
}

double history_quantile(double quantile, const int64_t *counts, const int64_t *bounds, int buckets) {
    int64_t all = 0;
    for (int index = 0; index < buckets; index++) {
        all += counts[index];
    }
    if (all <= 0) {
        return -1;
    }
    double rank = quantile * (double)all;
    double below = 0;
    for (int index = 0; index < buckets - 1; index++) {
        double inside = (double)counts[index];
        if (inside > 0 && below + inside >= rank) {
            double lower = index > 0 ? (double)bounds[index - 1] : 0;
            return lower + ((double)bounds[index] - lower) * (rank - below) / inside;
        }
        below += inside;
    }
    return buckets > 1 ? (double)bounds[buckets - 2] : -1;
}

// The delays of the interval, in seconds.
static void take_delays(struct history *history, struct history_sample *sample) {
    enum metric_name family = delay_family(history);
    int64_t now[METRIC_BOUNDS_MAX + 1];
    int64_t since[METRIC_BOUNDS_MAX + 1];
    int buckets = metric_buckets(family, now);
    for (int index = 0; index < buckets; index++) {
        since[index] = now[index] - history->delays[index];
        history->delays[index] = now[index];
    }
    const int64_t *bounds = metric_families[family].bounds;
    double p50 = history_quantile(0.5, since, bounds, buckets);
    double p95 = history_quantile(0.95, since, bounds, buckets);
    sample->delay_p50 = p50 < 0 ? -1 : p50 / SECOND_US;
    sample->delay_p95 = p95 < 0 ? -1 : p95 / SECOND_US;
}

static struct history_sample *next_place(struct history *history) {
    if (history->count < HISTORY_SAMPLES) {
        return &history->samples[history->count++];
    }
    struct history_sample *place = &history->samples[history->first];
    history->first = (history->first + 1) % HISTORY_SAMPLES;
    return place;
}

void history_take(struct history *history, int64_t monotonic_us, int64_t unix_us) {
    double seconds = (double)(monotonic_us - history->at_us) / SECOND_US;
    if (seconds <= 0) {
        return;
    }
    int64_t sent = total_sent(history);
    int64_t failures = total_failures(history);
    struct history_sample *sample = next_place(history);
    sample->unix_us = unix_us;
    sample->pending = pending_now(history);
    sample->sent = (double)(sent - history->sent) / seconds;
    sample->failures = (double)(failures - history->failures) / seconds;
    take_delays(history, sample);
    history->at_us = monotonic_us;
    history->sent = sent;
    history->failures = failures;
}

const struct history_sample *history_get(const struct history *history, int index) {
    return &history->samples[(history->first + index) % HISTORY_SAMPLES];
}

static void append_delay(struct buffer *out, double seconds) {
    if (seconds < 0) {
        buffer_append_text(out, ",null");
    } else {
        buffer_append_format(out, ",%.6f", seconds);
    }
}

void history_append_json(const struct history *history, struct buffer *out) {
    buffer_append_format(out, "{\"interval_seconds\":%d,\"samples\":[", HISTORY_INTERVAL_SECONDS);
    for (int index = 0; index < history->count; index++) {
        const struct history_sample *sample = history_get(history, index);
        buffer_append_format(out, "%s[%.3f,%" PRId64 ",%.3f", index > 0 ? "," : "",
                             (double)sample->unix_us / SECOND_US, sample->pending, sample->sent);
        append_delay(out, sample->delay_p50);
        append_delay(out, sample->delay_p95);
        buffer_append_format(out, ",%.3f]", sample->failures);
    }
    buffer_append_text(out, "]}");
}
