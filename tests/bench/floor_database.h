// SPDX-License-Identifier: Apache-2.0
// The database side of the floor: reads batches of events and marks them sent, each with one prepared
// statement, and does nothing for safety.
#pragma once

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

struct floor_batch {
    int64_t *ids;
    int count;
    int unsent;     // requests
    int unanswered; // requests
    enum { BATCH_FREE, BATCH_READING, BATCH_PUBLISHING, BATCH_PUBLISHED, BATCH_MARKING } state;
};

// A connection, which does one thing at a time.
struct floor_database {
    PGconn *connection;
    struct floor_batch *batch; // NULL: it is idle
    void (*done)(struct floor_batch *batch);
};

// floor_database_open connects; a batch has `rows` events. With a cursor nothing is marked: the cursor, row
// `number` of a table made here, moves on, and receipts are put into a log.
void floor_database_open(struct floor_database *database, struct event_base *base, const char *conninfo,
                         int64_t rows, bool cursor, int number);

// Both call `done` when they are.
void floor_database_read(struct floor_database *database, struct floor_batch *batch, int64_t after);
void floor_database_mark(struct floor_database *database, struct floor_batch *batch);
