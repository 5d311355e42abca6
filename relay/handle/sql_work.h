// SPDX-License-Identifier: Apache-2.0
// What one connection has taken from the queue, and how it is divided among transactions. All of it is one
// transaction at first. When an event makes that fail, those before it run again by themselves, since they
// were good, then it runs alone, since an event before it may have left something in the transaction that
// made it fail, and those behind it run in smaller transactions. An error at COMMIT has no culprit: each runs
// alone. What fails without anybody's fault is tried again a few times.
#pragma once

#include "handle/sql_fault.h"
#include "handle/sql_task.h"

enum {
    SQL_BATCH_MAX = 1000,      // as OUTBOX_SQL_BATCH
    SQL_BATCH_BYTES = 1 << 20, // of events; one may be larger by itself
    SQL_CONFLICTS_MAX = 10,    // for one event; then it has failed
    SQL_NO_CULPRIT = -1,
};

struct sql_work {
    struct sql_task *tasks[SQL_BATCH_MAX]; // sorted by event id
    int count;
    int running; // the first of them, which the transaction under way is about
    int good;    // the first of them, which have run already, and were rolled back because of another
};

// sql_work_take moves events from the queue, at most `most`, to the (empty) work. Sorted by event id, two
// processes that are given the same events lock their rows in inbox.processed_event in the same order.
void sql_work_take(struct sql_work *work, struct sql_queue *queue, int most);

// sql_work_begin chooses what the next transaction is about, of at most `most` events unless they are known
// to be good, and returns how many those are.
int sql_work_begin(struct sql_work *work, int most);

// sql_work_done takes the running ones out; the caller has settled them.
void sql_work_done(struct sql_work *work);

// sql_work_refused: the transaction was rolled back because of the running event `culprit` (its index, or
// SQL_NO_CULPRIT). Returns the event that has failed for good, which is then taken out, or NULL: all of them
// are tried again.
struct sql_task *sql_work_refused(struct sql_work *work, int culprit, enum sql_fault fault);
