// SPDX-License-Identifier: Apache-2.0
// How many events may share a transaction: few at first, more as long as that goes well, half as many when a
// transaction failed or took long. Large batches save work; but when one event fails all must run again, and
// what they have locked stays locked until the last has run.
#pragma once

#include <stdint.h>

struct sql_batch {
    int most; // OUTBOX_SQL_BATCH
    int now;
    int hold; // transactions before it may grow again
};

void sql_batch_init(struct sql_batch *batch, int most);
void sql_batch_succeeded(struct sql_batch *batch, int events, int64_t took_us);
void sql_batch_failed(struct sql_batch *batch, int events); // because of an event
// Because of another transaction, or the connection was lost: what would fail again in the same way.
void sql_batch_conflicted(struct sql_batch *batch, int events);
