// SPDX-License-Identifier: Apache-2.0
// What registry and exposition share. Nobody else includes this.
#pragma once

#include "observe/metrics.h"

struct metric {
    struct metric *next;
    const struct metric_family *family;
    char *labels[METRIC_LABELS_MAX];
    int64_t value;        // of a histogram: the sum
    int64_t observations; // of a histogram
    int64_t *counts;      // of a histogram: of each bucket alone; NULL for the other kinds
};

// metrics_first is the first of a family's series, in the order they were made; NULL when there is none.
const struct metric *metrics_first(enum metric_name name);
