// SPDX-License-Identifier: Apache-2.0
#include "outbox/turns.h"

#include "base/memory.h"
#include "outbox/scan.h"

#include <stdlib.h>
#include <string.h>

enum {
    REFUSED_US = 250000, // before the lock that another relay has is asked for again
    VAIN_US = 2000,      // before another turn when the last one has sent nothing; the next time twice that
    VAIN_MOST_US = 100000,
    UNSURE_US = 15000, // before another turn when nothing is new, after one that has sent something
    LIMIT_LEAST = 100,
};

struct turns {
    struct scan *scan;
    bool pending;
    bool unsure;         // nothing is new, but something older may have become visible, and that can wait
    bool was_pending;    // when the last turn began
    bool cut;            // the last turn read only up to its limit
    int64_t resume;      // ids above it were let go, and must be read again; INT64_MAX: none
    int64_t newest;      // in the snapshot of the last turn
    int64_t seen;        // the newest event a look has seen
    int64_t settle_to;   // in that snapshot
    int64_t not_before;  // no turn before, for what is pending
    int64_t vain_us;     // what was waited for that; 0 after a turn that has sent something
    int64_t unsure_from; // and none for what is unsure
    char *snapshot;      // of the last turn
    int limit;           // halved when a turn was cut short
    bool stale;          // the turn that is busy, if any, began before the last reset
};

struct turns *turns_new(void) {
    struct turns *turns = memory_allocate(1, sizeof *turns);
    turns->scan = scan_new();
    return turns;
}

void turns_free(struct turns *turns) {
    if (turns != NULL) {
        scan_free(turns->scan);
        free(turns->snapshot);
        free(turns);
    }
}

void turns_reset(struct turns *turns, int64_t floor) {
    struct scan *scan = turns->scan;
    scan_reset(scan, floor);
    free(turns->snapshot);
    *turns =
        (struct turns){.scan = scan, .pending = true, .resume = INT64_MAX, .limit = INT32_MAX, .stale = true};
}

// A transaction that has ended since the last turn may have left an event below the newest.
static bool has_ended_any(const struct turns *turns, const struct look *look) {
    return scan_frontier(turns->scan) > scan_floor(turns->scan) &&
           (turns->snapshot == NULL || strcmp(turns->snapshot, look->snapshot) != 0);
}

void turns_looked(struct turns *turns, const struct look *look) {
    turns->seen = look->newest;
    turns->unsure = turns->unsure || has_ended_any(turns, look);
    turns->pending = turns->pending || look->newest > scan_frontier(turns->scan) || look->lowest_unsent > 0 ||
                     look->due_in_us <= 0;
}

void turns_expect(struct turns *turns) {
    turns->pending = true;
}

bool turns_next(struct turns *turns, int64_t now, int limit, struct range *range) {
    if (!turns_pending(turns) || now < turns_next_at(turns)) {
        return false;
    }
    turns->stale = false;
    turns->was_pending = turns->pending;
    turns->newest = turns->seen; // until its snapshot tells
    *range = (struct range){.kind = RANGE_ORDERED, .limit = turns->limit < limit ? turns->limit : limit};
    return true;
}

bool turns_pending(const struct turns *turns) {
    return turns->pending || turns->unsure;
}

int64_t turns_next_at(const struct turns *turns) {
    int64_t at = turns->unsure ? turns->unsure_from : INT64_MAX;
    return turns->pending && turns->not_before < at ? turns->not_before : at;
}

// Where nothing is known (a snapshot that is not understood) all is read, from the floor.
int64_t turns_snapshot(struct turns *turns, const char *text, int64_t newest) {
    struct snapshot snapshot;
    int64_t after;
    int64_t to;
    turns->newest = newest;
    turns->settle_to = scan_floor(turns->scan);
    free(turns->snapshot);
    turns->snapshot = memory_copy_text(text);
    if (!snapshot_parse(&snapshot, text)) {
        return scan_floor(turns->scan);
    }
    scan_observe(turns->scan, &snapshot, scan_frontier(turns->scan), 0);
    turns->settle_to = scan_settleable(turns->scan);
    if (scan_gap(turns->scan, &after, &to)) {
        scan_gap_started(turns->scan);
    } else {
        after = scan_frontier(turns->scan);
    }
    after = turns->resume < after ? turns->resume : after;
    turns->resume = INT64_MAX;
    return after;
}

// From there on, or from where this turn has begun: what is due is found without.
static void read_again(struct turns *turns, const struct claim *claim, int64_t after) {
    int64_t began = claim_range(claim)->after;
    after = after > began ? after : began;
    turns->resume = after < turns->resume ? after : turns->resume;
}

void turns_fetched(struct turns *turns, const struct claim *claim) {
    if (turns->stale) {
        return;
    }
    turns->pending = turns->unsure = false; // what comes from now on is news
    turns->cut = claim_rows(claim) >= claim_range(claim)->limit;
    if (turns->cut) {
        scan_read_forward(turns->scan, claim_last_id(claim));
        read_again(turns, claim, claim_last_id(claim));
    } else {
        scan_read_forward(turns->scan, turns->newest);
    }
}

// How far all is settled: everything that was visible was read, up to the limit, and is not to be read again
// but for what was let go.
static void settle(struct turns *turns, int64_t lowest_let_go) {
    int64_t unsettled = turns->cut ? turns->resume + 1 : 0;
    if (lowest_let_go > 0 && (unsettled == 0 || lowest_let_go < unsettled)) {
        unsettled = lowest_let_go;
    }
    scan_settle(turns->scan, turns->settle_to, unsettled);
}

// (New events are news to turns as well, whether they are ordered or not.)
static int64_t longer(int64_t vain_us) {
    int64_t twice = vain_us > 0 ? 2 * vain_us : VAIN_US;
    return twice < VAIN_MOST_US ? twice : VAIN_MOST_US;
}

void turns_finished(struct turns *turns, const struct claim *claim, int64_t now) {
    if (claim_was_refused(claim)) {
        turns->pending = true;
        turns->not_before = turns->unsure_from = now + REFUSED_US;
        return;
    }
    if (turns->stale) {
        return;
    }
    int64_t let_go = claim_lowest_let_go(claim);
    int limit = claim_range(claim)->limit;
    settle(turns, let_go);
    if (let_go > 0) {
        read_again(turns, claim, let_go - 1);
        turns->limit = limit / 2 > LIMIT_LEAST ? limit / 2 : LIMIT_LEAST;
    } else {
        turns->limit = limit < INT32_MAX / 2 ? limit * 2 : INT32_MAX;
    }
    bool has_left_any = turns->cut || let_go > 0 || claim_sent(claim) < claim_rows(claim);
    turns->pending = turns->pending || has_left_any || claim_released(claim) > 0; // a look tells of all else
    if (claim_sent(claim) > 0) {
        turns->vain_us = 0;
    } else if (turns->was_pending) {
        turns->vain_us = longer(turns->vain_us);
    }
    turns->not_before = now + turns->vain_us;
    turns->unsure_from = now + (claim_sent(claim) > 0 ? UNSURE_US : VAIN_MOST_US);
}
