// SPDX-License-Identifier: Apache-2.0
// The one registry of metrics, like the one logger: a process has one, whoever does something counts it
// there, and the exposition is written from it. All in the thread of the event loop. Families are in
// families.h.
#pragma once

#include "base/buffer.h"
#include "observe/families.h"

struct metric; // one series of a family

// metric_series returns the series with these label values (NULL for labels the family does not have), which
// is made when it is first asked for. It lives until metric_clear: keep the pointer where it is used often.
// Label values are copied, cut at 256 bytes; what is not UTF-8 in them is written as question marks. A family
// has METRIC_SERIES_MAX at most: whatever comes then is counted under labels "other".
enum { METRIC_SERIES_MAX = 500 };
struct metric *metric_series(enum metric_name name, const char *first, const char *second);

// Counters and gauges.
void metric_add(struct metric *series, int64_t amount);
void metric_set(struct metric *series, int64_t value);
int64_t metric_value(const struct metric *series);

// Histograms: one observation, in the held unit; negative ones count as 0.
void metric_observe(struct metric *series, int64_t value);

// The same for families without labels.
void metric_count(enum metric_name name, int64_t amount);
void metric_gauge(enum metric_name name, int64_t value);
void metric_record(enum metric_name name, int64_t value);

// metric_total is the sum of all series of a counter or gauge; of a histogram, the number of observations.
int64_t metric_total(enum metric_name name);

// metric_buckets adds up the histogram's series: counts[i] are the observations that are at most bounds[i]
// and above bounds[i - 1], the last one those above all. Returns how many counts there are.
int metric_buckets(enum metric_name name, int64_t counts[METRIC_BOUNDS_MAX + 1]);

// metric_each calls for each series of a family; a label that the family does not have is NULL.
void metric_each(enum metric_name name,
                 void (*call)(void *context, const char *first, const char *second, int64_t value),
                 void *context);

// metric_clear drops all series of a family, whose pointers nobody may hold: of gauges that are read anew as
// a whole.
void metric_clear(enum metric_name name);

// metrics_write appends the exposition (text format 0.0.4,
// prometheus.io/docs/instrumenting/exposition_formats) of the families that `owner` exposes, and of the
// process itself (process_*).
void metrics_write(enum metric_owner owner, struct buffer *out);

// metrics_append_table appends the manual's table: Markdown, a line for each family.
void metrics_append_table(struct buffer *out);

// metrics_free releases everything.
void metrics_free(void);
