// SPDX-License-Identifier: Apache-2.0
// The registry's families as tables: what it counts for each topic, and for each handler, in one row.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum tally_kind { TALLY_COUNT, TALLY_SECONDS, TALLY_FLAG };
enum { TALLY_COLUMNS_MAX = 7 };

struct tally_column {
    const char *name;
    enum tally_kind kind; // TALLY_SECONDS: held in microseconds
};

struct tally_row {
    const char *name; // the registry's: valid until it changes
    int64_t values[TALLY_COLUMNS_MAX];
};

struct tally {
    const struct tally_column *columns;
    int columns_count;
    struct tally_row *rows; // in the order in which the registry got to know them
    size_t count;
    size_t capacity;
    size_t next; // where the next row is looked for first
};

// tally_of_topics: published, retried, parked, throttled, resting, pending, oldest_seconds.
struct tally tally_of_topics(void);

// tally_of_handlers: done, duplicate, failed, put_off, the outcomes of METRIC_HANDLED.
struct tally tally_of_handlers(void);

void tally_free(struct tally *tally);
