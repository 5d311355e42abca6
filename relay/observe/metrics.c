// SPDX-License-Identifier: Apache-2.0
#include "observe/metrics.h"

#include "base/memory.h"
#include "observe/metrics_state.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_SIZE_MAX = 256 };

static struct metric *registry[METRIC_NAMES]; // lists of series
static int series_counts[METRIC_NAMES];

static int bound_count(const struct metric_family *family) {
    int count = 0;
    while (family->bounds != NULL && family->bounds[count] != 0) {
        count++;
    }
    return count;
}

static bool is_same_label(const char *label, const char *value) {
    return label == NULL || value == NULL || strncmp(label, value, LABEL_SIZE_MAX) == 0;
}

static struct metric *find(enum metric_name name, const char *const *labels) {
    for (struct metric *series = registry[name]; series != NULL; series = series->next) {
        if (is_same_label(series->labels[0], labels[0]) && is_same_label(series->labels[1], labels[1])) {
            return series;
        }
    }
    return NULL;
}

static struct metric *make(enum metric_name name, const char *const *labels) {
    const struct metric_family *family = &metric_families[name];
    struct metric *series = memory_allocate(1, sizeof *series);
    series->family = family;
    for (int index = 0; index < METRIC_LABELS_MAX; index++) {
        if (labels[index] != NULL) {
            series->labels[index] = strndup(labels[index], LABEL_SIZE_MAX);
        }
    }
    if (family->kind == METRIC_HISTOGRAM) {
        series->counts = memory_allocate((size_t)bound_count(family) + 1, sizeof *series->counts);
    }
    struct metric **end = &registry[name];
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = series;
    series_counts[name]++;
    return series;
}

struct metric *metric_series(enum metric_name name, const char *first, const char *second) {
    const struct metric_family *family = &metric_families[name];
    const char *labels[METRIC_LABELS_MAX] = {
        family->labels[0] != NULL ? (first != NULL ? first : "") : NULL,
        family->labels[1] != NULL ? (second != NULL ? second : "") : NULL,
    };
    struct metric *series = find(name, labels);
    if (series != NULL) {
        return series;
    }
    if (series_counts[name] >= METRIC_SERIES_MAX) {
        const char *const other[METRIC_LABELS_MAX] = {labels[0] != NULL ? "other" : NULL,
                                                      labels[1] != NULL ? "other" : NULL};
        series = find(name, other);
        return series != NULL ? series : make(name, other);
    }
    return make(name, labels);
}

void metric_add(struct metric *series, int64_t amount) {
    series->value += amount;
}

void metric_set(struct metric *series, int64_t value) {
    series->value = value;
}

int64_t metric_value(const struct metric *series) {
    return series->value;
}

void metric_observe(struct metric *series, int64_t value) {
    const int64_t *bounds = series->family->bounds;
    int64_t observed = value > 0 ? value : 0;
    int bucket = 0;
    while (bounds[bucket] != 0 && observed > bounds[bucket]) {
        bucket++;
    }
    series->counts[bucket]++;
    series->value += observed;
    series->observations++;
}

void metric_count(enum metric_name name, int64_t amount) {
    metric_add(metric_series(name, NULL, NULL), amount);
}

void metric_gauge(enum metric_name name, int64_t value) {
    metric_set(metric_series(name, NULL, NULL), value);
}

void metric_record(enum metric_name name, int64_t value) {
    metric_observe(metric_series(name, NULL, NULL), value);
}

int64_t metric_total(enum metric_name name) {
    int64_t total = 0;
    for (const struct metric *series = registry[name]; series != NULL; series = series->next) {
        total += series->counts != NULL ? series->observations : series->value;
    }
    return total;
}

bool metric_is_known(enum metric_name name) {
    return registry[name] != NULL;
}

int metric_buckets(enum metric_name name, int64_t counts[METRIC_BOUNDS_MAX + 1]) {
    int count = bound_count(&metric_families[name]) + 1;
    memset(counts, 0, (size_t)count * sizeof *counts);
    for (const struct metric *series = registry[name]; series != NULL; series = series->next) {
        for (int index = 0; index < count; index++) {
            counts[index] += series->counts[index];
        }
    }
    return count;
}

void metric_each(enum metric_name name,
                 void (*call)(void *context, const char *first, const char *second, int64_t value),
                 void *context) {
    for (const struct metric *series = registry[name]; series != NULL; series = series->next) {
        call(context, series->labels[0], series->labels[1], series->value);
    }
}

const struct metric *metrics_first(enum metric_name name) {
    return registry[name];
}

void metric_clear(enum metric_name name) {
    struct metric *next;
    for (struct metric *series = registry[name]; series != NULL; series = next) {
        next = series->next;
        free(series->labels[0]);
        free(series->labels[1]);
        free(series->counts);
        free(series);
    }
    registry[name] = NULL;
    series_counts[name] = 0;
}

void metrics_free(void) {
    for (int name = 0; name < METRIC_NAMES; name++) {
        metric_clear((enum metric_name)name);
    }
}
