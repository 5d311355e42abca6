// SPDX-License-Identifier: Apache-2.0
// Where to look for unsent events, without an index on what is unsent. Pure bookkeeping: no clock, no
// connection.
//
// An id is drawn before its transaction commits, so events become visible out of order. Two numbers cut the
// table:
//
//     ... settled ... | floor | ... gaps: looked at again ... | frontier | ... new: read forward ...
//
// - Above the frontier everything is new. Reading forward moves it.
// - At or below the floor every event is settled: sent, parked, waiting in the due_at index, or never coming.
// - Between the two are gaps. What can still appear there belongs to transactions that were running when the
// gap was
//   last looked at: whoever owns an id at or below `gap.to` had a transaction id below `gap.next` (the
//   table's defaults assign the transaction id before the id). So a gap is read again when one of those
//   transactions has ended, and only then; and it can become settled when all of them have.
//
// Snapshots come from pg_current_snapshot (PostgreSQL, "System Information Functions", Transaction ID and
// Snapshot). Its xmax is one past the highest transaction that has ended, so it names no transaction that is
// younger than that; those that run lie between xmax and next, which function outbox.look adds.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Which transactions have ended: those below xmax that are not among the running ones.
struct snapshot {
    uint64_t xmax;
    uint64_t next;     // not yet given out when the snapshot had been taken
    uint64_t *running; // below xmax, ascending
    size_t running_count;
};

// snapshot_parse reads "xmin:xmax:xid,xid,...:next"; returns false on anything else. snapshot_free releases.
bool snapshot_parse(struct snapshot *snapshot, const char *text);
void snapshot_free(struct snapshot *snapshot);

// snapshot_forget removes one transaction: the relay's own claims hold transaction ids, but insert no events.
void snapshot_forget(struct snapshot *snapshot, uint64_t xid);

struct scan;

struct scan *scan_new(void);
void scan_free(struct scan *scan);

// scan_reset begins anew from a stored floor, as after every (re)connection.
void scan_reset(struct scan *scan, int64_t floor);

int64_t scan_floor(const struct scan *scan);
int64_t scan_frontier(const struct scan *scan);

// scan_read_forward notes that a read of everything above the frontier has returned events up to `last_id`.
void scan_read_forward(struct scan *scan, int64_t last_id);

// scan_observe takes in a snapshot that was taken after the frontier had reached `frontier`, and finds out
// which gaps must be read again. The relay's own transactions have been forgotten in it (snapshot_forget);
// `own_begun` is how many of them have their ids between the previous snapshot's xmax and this one's. The
// snapshot is taken over.
void scan_observe(struct scan *scan, struct snapshot *snapshot, int64_t frontier, uint64_t own_begun);

// scan_xmax is the xmax of the snapshot observed last, 0 after a reset.
uint64_t scan_xmax(const struct scan *scan);

// scan_gap returns whether a part of the gaps must be read again: ids in (after, to].
bool scan_gap(const struct scan *scan, int64_t *after, int64_t *to);

// scan_gap_started: the whole of it is being read now. scan_gap_left: it was read only up to `last_id` for
// lack of room.
void scan_gap_started(struct scan *scan);
void scan_gap_left(struct scan *scan, int64_t last_id);

// scan_settleable is how far the floor could move if no unsent event were left there (equal to the floor:
// nowhere).
int64_t scan_settleable(const struct scan *scan);

// scan_settle moves the floor to `up_to`, a former result of scan_settleable, or to just below
// `lowest_unsent`, the lowest unsent event found in (floor, up_to] by a statement that began after that
// result; 0 when it found none. Or to any `up_to`, with 0, when every id up to there is known to be a settled
// event's.
void scan_settle(struct scan *scan, int64_t up_to, int64_t lowest_unsent);

// scan_is_quiet: nothing has to be read again.
bool scan_is_quiet(const struct scan *scan);
