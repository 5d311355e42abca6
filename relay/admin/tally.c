// SPDX-License-Identifier: Apache-2.0
#include "admin/tally.h"

#include "base/memory.h"
#include "observe/metrics.h"

#include <stdlib.h>
#include <string.h>

// The families of one topic label, in the order of topic_columns.
static const enum metric_name topic_families[] = {
    METRIC_PUBLISHED,      METRIC_RETRIED,           METRIC_PARKED, METRIC_THROTTLED, METRIC_TOPIC_RESTING,
    METRIC_PENDING_EVENTS, METRIC_OLDEST_PENDING_AGE};
static const struct tally_column topic_columns[] = {
    {"published", TALLY_COUNT},        {"retried", TALLY_COUNT}, {"parked", TALLY_COUNT},
    {"throttled", TALLY_COUNT},        {"resting", TALLY_FLAG},  {"pending", TALLY_COUNT},
    {"oldest_seconds", TALLY_SECONDS},
};
static const struct tally_column handler_columns[] = {
    {"done", TALLY_COUNT}, {"duplicate", TALLY_COUNT}, {"failed", TALLY_COUNT}, {"put_off", TALLY_COUNT}};
enum {
    TOPIC_COLUMNS = sizeof topic_columns / sizeof topic_columns[0],
    HANDLER_COLUMNS = sizeof handler_columns / sizeof handler_columns[0],
};

// Families mostly name the same topics in the same order, so the next row is mostly the right one.
static struct tally_row *row_of(struct tally *tally, const char *name) {
    for (size_t tried = 0; tried < tally->count; tried++) {
        size_t index = (tally->next + tried) % tally->count;
        if (strcmp(tally->rows[index].name, name) == 0) {
            tally->next = index + 1;
            return &tally->rows[index];
        }
    }
    if (tally->count == tally->capacity) {
        tally->capacity = tally->capacity > 0 ? 2 * tally->capacity : 16;
        tally->rows = memory_resize(tally->rows, tally->capacity, sizeof *tally->rows);
    }
    struct tally_row *row = &tally->rows[tally->count++];
    *row = (struct tally_row){.name = name};
    tally->next = tally->count;
    return row;
}

struct filling {
    struct tally *tally;
    int column;
};

static void add_topic(void *context, const char *topic, const char *second, int64_t value) {
    (void)second;
    const struct filling *filling = context;
    row_of(filling->tally, topic)->values[filling->column] += value;
}

struct tally tally_of_topics(void) {
    struct tally tally = {.columns = topic_columns, .columns_count = TOPIC_COLUMNS};
    for (int column = 0; column < TOPIC_COLUMNS; column++) {
        struct filling filling = {.tally = &tally, .column = column};
        metric_each(topic_families[column], add_topic, &filling);
    }
    return tally;
}

static void add_handler(void *context, const char *handler, const char *outcome, int64_t value) {
    struct tally *tally = context;
    struct tally_row *row = row_of(tally, handler);
    for (int column = 0; column < HANDLER_COLUMNS; column++) {
        if (strcmp(outcome, handler_columns[column].name) == 0) {
            row->values[column] += value;
        }
    }
}

struct tally tally_of_handlers(void) {
    struct tally tally = {.columns = handler_columns, .columns_count = HANDLER_COLUMNS};
    metric_each(METRIC_HANDLED, add_handler, &tally);
    return tally;
}

void tally_free(struct tally *tally) {
    free(tally->rows);
    *tally = (struct tally){0};
}
