// SPDX-License-Identifier: Apache-2.0
#include "outbox/scan.h"

#include "base/memory.h"

#include <stdlib.h>

// Ids up to `to` (and above the gap before) belong to transactions below `next`.
struct gap {
    int64_t to;
    uint64_t next;
};

static const int64_t nothing = INT64_MAX;

struct scan {
    int64_t floor;
    int64_t frontier;
    int64_t reread_after; // ids above it, up to the last gap's end, must be read again; or `nothing`
    struct gap *gaps;     // ascending; the last one ends at or below the frontier
    size_t gap_count;
    size_t gap_capacity;
    struct snapshot last; // the snapshot observed last
};

struct scan *scan_new(void) {
    struct scan *scan = memory_allocate(1, sizeof *scan);
    scan->reread_after = nothing;
    return scan;
}

void scan_free(struct scan *scan) {
    if (scan != NULL) {
        snapshot_free(&scan->last);
        free(scan->gaps);
        free(scan);
    }
}

void scan_reset(struct scan *scan, int64_t floor) {
    snapshot_free(&scan->last);
    scan->gap_count = 0;
    scan->floor = scan->frontier = floor;
    scan->reread_after = nothing;
}

int64_t scan_floor(const struct scan *scan) {
    return scan->floor;
}

int64_t scan_frontier(const struct scan *scan) {
    return scan->frontier;
}

void scan_read_forward(struct scan *scan, int64_t last_id) {
    if (last_id > scan->frontier) {
        scan->frontier = last_id;
    }
}

static int64_t end_of_gaps(const struct scan *scan) {
    return scan->gap_count > 0 ? scan->gaps[scan->gap_count - 1].to : scan->floor;
}

static int64_t start_of_gap(const struct scan *scan, size_t index) {
    return index > 0 ? scan->gaps[index - 1].to : scan->floor;
}

static void reread_from(struct scan *scan, int64_t after) {
    after = after > scan->floor ? after : scan->floor;
    if (after < scan->reread_after && after < end_of_gaps(scan)) {
        scan->reread_after = after;
    }
}

static bool is_running(const struct snapshot *snapshot, uint64_t xid) {
    size_t low = 0;
    size_t high = snapshot->running_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (snapshot->running[middle] < xid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < snapshot->running_count && snapshot->running[low] == xid;
}

// How many transactions have ended with ids between the last snapshot's xmax and this one's. Those that still
// run are the last of its list; own ones are not listed, whether they run or not.
static uint64_t others_ended(const struct scan *scan, const struct snapshot *now, uint64_t own_begun) {
    size_t run = 0;
    while (run < now->running_count && now->running[now->running_count - 1 - run] >= scan->last.xmax) {
        run++;
    }
    uint64_t begun = now->xmax > scan->last.xmax ? now->xmax - scan->last.xmax : 0;
    return begun > own_begun + run ? begun - own_begun - run : 0;
}

// The lowest id that a transaction which has ended since the last snapshot may have; UINT64_MAX when none
// has.
static uint64_t oldest_ended(const struct scan *scan, const struct snapshot *now, uint64_t own_begun) {
    for (size_t index = 0; index < scan->last.running_count; index++) {
        if (!is_running(now, scan->last.running[index])) {
            return scan->last.running[index];
        }
    }
    return others_ended(scan, now, own_begun) > 0 ? scan->last.xmax : UINT64_MAX;
}

// A gap can bring something new when a transaction below its limit has ended. As the limit only grows from
// gap to gap, that holds for a first gap and all after it; always for one that is new: what has ended since
// the last snapshot may have committed after the read forward.
static void reread_gaps_of(struct scan *scan, uint64_t ended) {
    for (size_t index = 0; index < scan->gap_count; index++) {
        if (scan->gaps[index].next > ended) {
            reread_from(scan, start_of_gap(scan, index));
            return;
        }
    }
}

static bool may_run_between(const struct snapshot *snapshot, uint64_t from, uint64_t below) {
    for (size_t index = 0; index < snapshot->running_count; index++) {
        if (snapshot->running[index] >= from && snapshot->running[index] < below) {
            return true;
        }
    }
    return below > from && below > snapshot->xmax;
}

// Two neighbours wait for the same transactions when none can run between their limits; they are one gap
// then. So there are never more gaps than running transactions and one.
static void merge_gaps(struct scan *scan) {
    size_t kept = 0;
    for (size_t index = 1; index < scan->gap_count; index++) {
        struct gap gap = scan->gaps[index];
        if (may_run_between(&scan->last, scan->gaps[kept].next, gap.next)) {
            kept++;
        }
        scan->gaps[kept] = gap;
    }
    scan->gap_count = scan->gap_count > 0 ? kept + 1 : 0;
}

static void add_gap(struct scan *scan, int64_t to, uint64_t next) {
    if (scan->gap_count == scan->gap_capacity) {
        scan->gap_capacity = scan->gap_capacity * 2 + 16;
        scan->gaps = memory_resize(scan->gaps, scan->gap_capacity, sizeof(struct gap));
    }
    scan->gaps[scan->gap_count++] = (struct gap){to, next};
}

void scan_observe(struct scan *scan, struct snapshot *snapshot, int64_t frontier, uint64_t own_begun) {
    int64_t before = end_of_gaps(scan);
    uint64_t ended = oldest_ended(scan, snapshot, own_begun);
    snapshot_free(&scan->last);
    scan->last = *snapshot;
    *snapshot = (struct snapshot){0};
    if (frontier > before) {
        add_gap(scan, frontier, scan->last.next);
    }
    reread_gaps_of(scan, ended);
    merge_gaps(scan);
}

uint64_t scan_xmax(const struct scan *scan) {
    return scan->last.xmax;
}

bool scan_gap(const struct scan *scan, int64_t *after, int64_t *to) {
    *after = scan->reread_after;
    *to = end_of_gaps(scan);
    return scan->reread_after != nothing;
}

void scan_gap_started(struct scan *scan) {
    scan->reread_after = nothing;
}

void scan_gap_left(struct scan *scan, int64_t last_id) {
    reread_from(scan, last_id);
}

int64_t scan_settleable(const struct scan *scan) {
    int64_t settleable = scan->floor;
    uint64_t oldest = scan->last.running_count > 0 ? scan->last.running[0] : scan->last.xmax;
    for (size_t index = 0; index < scan->gap_count && scan->gaps[index].next <= oldest; index++) {
        settleable = scan->gaps[index].to;
    }
    return settleable;
}

void scan_settle(struct scan *scan, int64_t up_to, int64_t lowest_unsent) {
    int64_t floor = lowest_unsent > 0 && lowest_unsent <= up_to ? lowest_unsent - 1 : up_to;
    if (floor <= scan->floor) {
        return;
    }
    scan->floor = floor;
    size_t settled = 0;
    while (settled < scan->gap_count && scan->gaps[settled].to <= floor) {
        settled++;
    }
    scan->gap_count -= settled;
    for (size_t index = 0; index < scan->gap_count; index++) {
        scan->gaps[index] = scan->gaps[index + settled];
    }
    if (scan->reread_after != nothing && scan->reread_after < floor) {
        scan->reread_after = scan->gap_count > 0 ? floor : nothing;
    }
}

bool scan_is_quiet(const struct scan *scan) {
    return scan->reread_after == nothing;
}
