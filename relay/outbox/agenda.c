// SPDX-License-Identifier: Apache-2.0
#include "outbox/agenda.h"

#include "base/log.h"
#include "base/memory.h"
#include "observe/metrics.h"
#include "outbox/scan.h"

#include <stdlib.h>

enum {
    STUCK_US = 1000000,     // after so long an unsent event below what could be settled is looked for again
    DUE_RETRY_US = 100000,  // pause when all due events are locked by another relay, or ordered
    GAP_SHARE = 10,         // reading gaps again, or such due events, takes at most a tenth of the time
    DUE_PAUSE_US = 5000000, // but these due events wait no longer than this
    GAP_PAUSE_US = 200000,  // and gaps no longer than this
    PIECE_IDS = 1000000,    // walked over by one statement at first: some seconds, where nothing is cached
    PIECE_US = 500000,      // one that took less is followed by twice as many: ids can be far apart
    GAP_IDS = 50000,        // read again at a time: what is sent is walked over, too
    SHORT_IDS = 1000,       // so few are read again with what is new, which saves a claim
    SWEEP_US = 1000000,     // one step of the sweep a second, while awake
    SWEEP_IDS = 10000,      // ids a step
    SWEEP_STEP_US = 50000,  // one without a pause that took less, and found nothing, doubles the next
    OWN_TRANSACTIONS = 256, // remembered; forgetting one costs a needless look at a gap
    RUNS = 32,              // remembered; forgetting one leaves it to the looks to move the floor
};

// Ids in (after, to] that are all events, and all of them settled.
struct run {
    int64_t after;
    int64_t to;
};

struct agenda {
    struct scan *scan;
    bool looked; // at least once since the reset
    bool looking;
    bool had_gaps;             // at the last look
    enum range_kind last_kind; // of the last claim
    int64_t last_drawn;        // the highest that a look has seen
    int64_t look_frontier;     // the frontier when the look under way began
    int64_t observed;          // the frontier that the last look has observed
    int64_t look_settle_to;    // what it was asked about
    int64_t lowest_unsent;     // what the last look found there
    int64_t newest;            // the newest event a look has seen
    int64_t forward_newest;    // `newest` when the forward claim under way began
    bool more_forward;         // there is more above the frontier, or may be
    bool forward_overlaps;     // a look was under way with the forward claim
    int64_t unsure_to;         // where the last such claim ended; see reread_unsure
    int64_t due_at;            // when the next scheduled event is due; INT64_MAX: none is known
    int64_t due_not_before;    // a pause after a claim that found all of them locked
    int64_t gap_not_before;    // a pause after reading a gap, in proportion to how long it took
    int64_t claim_began;
    int64_t look_began;
    int64_t piece;       // ids that one statement may walk over
    int64_t stuck_since; // when the floor began to wait for the unsent event that it waits for
    int64_t sweep_at;
    int64_t sweep_position;
    int64_t sweep_ids;     // that the next step has
    int64_t let_go_lowest; // since the latest step began
    int64_t let_go_to;     // 0, or up to there it goes on without a pause: events were let go
    int64_t sweep_from;    // where it begins again: nothing that could be claimed is at or below
    int64_t rescued;
    uint64_t own[OWN_TRANSACTIONS]; // the relay's latest transactions, a ring
    size_t own_next;
    struct run runs[RUNS]; // above the floor, in no order; unused ones are empty
    size_t runs_next;
};

struct agenda *agenda_new(void) {
    struct agenda *agenda = memory_allocate(1, sizeof *agenda);
    agenda->scan = scan_new();
    return agenda;
}

void agenda_free(struct agenda *agenda) {
    if (agenda != NULL) {
        scan_free(agenda->scan);
        free(agenda);
    }
}

void agenda_reset(struct agenda *agenda, int64_t floor, int64_t now) {
    struct scan *scan = agenda->scan;
    int64_t rescued = agenda->rescued;
    scan_reset(scan, floor);
    *agenda = (struct agenda){.scan = scan,
                              .rescued = rescued,
                              .observed = floor,
                              .due_at = INT64_MAX,
                              .piece = PIECE_IDS,
                              .sweep_ids = SWEEP_IDS,
                              .let_go_lowest = INT64_MAX,
                              .stuck_since = now,
                              .last_drawn = floor,
                              .last_kind = RANGE_FORWARD,
                              .sweep_at = now + SWEEP_US};
}

static bool is_due(const struct agenda *agenda, int64_t now) {
    return agenda->due_at <= now && agenda->due_not_before <= now;
}

static bool has_new(const struct agenda *agenda) {
    return agenda->more_forward || agenda->newest > scan_frontier(agenda->scan);
}

// The end of a range that begins after an id, and has so many at most. (Ids may be the last there are.)
static int64_t end_of_piece(int64_t after, int64_t to, int64_t most) {
    return to - after > most ? after + most : to;
}

static struct range sweep_range(const struct agenda *agenda) {
    int64_t after = agenda->sweep_position;
    return (struct range){.kind = RANGE_SWEEP,
                          .after = after,
                          .to = end_of_piece(after, scan_frontier(agenda->scan), agenda->sweep_ids)};
}

// Whether so little is above `after` that it is read with what is new, in one.
static bool is_short(const struct agenda *agenda, int64_t after) {
    return !agenda->more_forward && has_new(agenda) && agenda->newest - after <= SHORT_IDS;
}

static struct range gap_range(const struct agenda *agenda, int64_t after, int64_t to) {
    int64_t end = end_of_piece(after, to, GAP_IDS);
    return (struct range){.kind = RANGE_GAP, .after = after, .to = is_short(agenda, after) ? INT64_MAX : end};
}

// Where so much is above the frontier that it has been sent for the most part, as when a transaction has kept
// the floor from moving for a day, it is read in pieces: a statement that says nothing for long looks like a
// server that is gone.
static struct range forward_range(const struct agenda *agenda) {
    int64_t after = scan_frontier(agenda->scan);
    bool is_far = agenda->newest - after > agenda->piece;
    return (struct range){
        .kind = RANGE_FORWARD, .after = after, .to = is_far ? after + agenda->piece : INT64_MAX};
}

static bool reads_new(const struct range *range) {
    return range->kind == RANGE_FORWARD || (range->kind == RANGE_GAP && range->to == INT64_MAX);
}

// What fails and comes back, and the sweep, take every other claim at most, so that they never keep out what
// is new.
bool agenda_next(const struct agenda *agenda, int64_t now, int limit, struct range *range) {
    int64_t after;
    int64_t to;
    bool gap =
        scan_gap(agenda->scan, &after, &to) && (now >= agenda->gap_not_before || is_short(agenda, after));
    bool sweep = agenda_wants_sweep(agenda, now);
    bool usual = gap || has_new(agenda);
    if (is_due(agenda, now) && (agenda->last_kind != RANGE_DUE || !(usual || sweep))) {
        *range = (struct range){.kind = RANGE_DUE};
    } else if (sweep && (agenda->last_kind != RANGE_SWEEP || !usual)) {
        *range = sweep_range(agenda);
    } else if (gap) {
        *range = gap_range(agenda, after, to);
    } else if (usual) {
        *range = forward_range(agenda);
    } else {
        return false;
    }
    range->limit = limit;
    return true;
}

void agenda_started(struct agenda *agenda, const struct range *range, int64_t now) {
    agenda->last_kind = range->kind;
    agenda->claim_began = now;
    if (reads_new(range)) {
        agenda->more_forward = false;
        agenda->forward_newest = agenda->newest;
        agenda->forward_overlaps = agenda->looking;
    }
    switch (range->kind) {
    case RANGE_DUE:
        agenda->due_at = INT64_MAX;
        break;
    case RANGE_GAP:
        scan_gap_started(agenda->scan);
        break;
    case RANGE_FORWARD:
        break;
    case RANGE_SWEEP:
        agenda->sweep_at = now + SWEEP_US;
        agenda->let_go_lowest = INT64_MAX;
        break;
    case RANGE_ORDERED: // is the business of turns.h
        break;
    }
}

static void swept(struct agenda *agenda, const struct range *range, int rows, int64_t last_id, int64_t now) {
    int64_t end = rows == range->limit ? last_id : range->to;
    agenda->sweep_position = end < scan_frontier(agenda->scan) ? end : agenda->sweep_from;
    if (agenda->let_go_lowest <= end) { // while this step was under way
        agenda->sweep_position = agenda->let_go_lowest - 1;
        agenda->sweep_at = now;
    } else if (end < agenda->let_go_to) {
        agenda->sweep_at = now;
        bool was_quick = rows == 0 && now - agenda->claim_began < SWEEP_STEP_US;
        agenda->sweep_ids =
            was_quick && agenda->sweep_ids < INT64_MAX / 2 ? 2 * agenda->sweep_ids : SWEEP_IDS;
    } else {
        agenda->let_go_to = 0;
        agenda->sweep_ids = SWEEP_IDS;
    }
    if (rows > 0 && range->to <= scan_floor(agenda->scan)) {
        agenda->rescued += rows;
        metric_count(METRIC_RESCUED, rows);
        log_warn("the sweep found unsent events below the floor", LOG_INT("events", rows),
                 LOG_INT("after_id", range->after), LOG_INT("to_id", range->to));
    }
}

static void gap_fetched(struct agenda *agenda, int64_t read_to, bool cut, int64_t now) {
    int64_t pause = read_to < INT64_MAX ? GAP_SHARE * (now - agenda->claim_began) : 0;
    scan_gap_left(agenda->scan, read_to);
    agenda->gap_not_before = cut ? now : now + (pause < GAP_PAUSE_US ? pause : GAP_PAUSE_US);
}

static void piece_took(struct agenda *agenda, int64_t took_us) {
    int64_t twice = agenda->piece < INT64_MAX / 2 ? 2 * agenda->piece : INT64_MAX;
    agenda->piece = took_us < PIECE_US ? twice : PIECE_IDS;
}

static void forward_fetched(struct agenda *agenda, const struct range *range, int64_t last_id, bool cut) {
    int64_t newest = agenda->forward_newest < range->to ? agenda->forward_newest : range->to;
    scan_read_forward(agenda->scan, last_id);
    agenda->more_forward = agenda->more_forward || cut;
    if (!cut) { // what a look had seen and this claim did not return is sent, or locked by another relay
        scan_read_forward(agenda->scan, newest);
    }
    if (agenda->forward_overlaps) {
        agenda->unsure_to = scan_frontier(agenda->scan);
    }
}

static int64_t due_pause(const struct agenda *agenda, int64_t now) {
    int64_t pause = DUE_RETRY_US + GAP_SHARE * (now - agenda->claim_began);
    return pause < DUE_PAUSE_US ? pause : DUE_PAUSE_US;
}

void agenda_fetched(struct agenda *agenda, const struct range *range, int rows, int64_t last_id, uint64_t xid,
                    int64_t now) {
    bool cut = rows == range->limit;
    if (reads_new(range)) {
        forward_fetched(agenda, range, last_id, cut);
        if (range->to < INT64_MAX && !cut) {
            piece_took(agenda, now - agenda->claim_began);
        }
    }
    agenda->own[agenda->own_next++ % OWN_TRANSACTIONS] = xid;
    switch (range->kind) {
    case RANGE_DUE:
        agenda->due_at = cut || rows == 0 ? now : agenda->due_at;
        agenda->due_not_before = rows == 0 ? now + due_pause(agenda, now) : now;
        break;
    case RANGE_GAP:
        gap_fetched(agenda, cut ? last_id : range->to, cut, now);
        break;
    case RANGE_FORWARD:
        break;
    case RANGE_SWEEP:
        swept(agenda, range, rows, last_id, now);
        break;
    case RANGE_ORDERED:
        break;
    }
}

static bool follow_run(struct agenda *agenda) {
    int64_t floor = scan_floor(agenda->scan);
    for (size_t index = 0; index < RUNS; index++) {
        const struct run *run = &agenda->runs[index];
        if (run->after <= floor && run->to > floor) {
            scan_settle(agenda->scan, run->to, 0);
            return true;
        }
    }
    return false;
}

// An id that has been seen as an event is nobody else's, so no transaction that still runs can fill anything
// in.
void agenda_finished(struct agenda *agenda, const struct range *range, int rows, int64_t last_id) {
    if (range->kind != RANGE_FORWARD || rows == 0 || last_id - range->after != rows) {
        return;
    }
    agenda->runs[agenda->runs_next++ % RUNS] = (struct run){range->after, last_id};
    while (follow_run(agenda)) {
    }
}

// They are below the frontier, and news to no snapshot: the sweep finds them, and passes over none that were
// let go before.
void agenda_let_go(struct agenda *agenda, int64_t lowest_id, int64_t now) {
    bool is_on_its_way = agenda->sweep_position < agenda->let_go_to;
    if (!is_on_its_way || lowest_id - 1 < agenda->sweep_position) {
        agenda->sweep_position = lowest_id - 1;
    }
    agenda->let_go_lowest = lowest_id < agenda->let_go_lowest ? lowest_id : agenda->let_go_lowest;
    agenda->let_go_to = scan_frontier(agenda->scan);
    agenda->sweep_at = now;
}

void agenda_pruned(struct agenda *agenda, int64_t pruned_to) {
    int64_t floor = scan_floor(agenda->scan);
    agenda->sweep_from = pruned_to < floor ? pruned_to : floor;
    if (agenda->sweep_position < agenda->sweep_from) {
        agenda->sweep_position = agenda->sweep_from;
    }
}

void agenda_expect_due(struct agenda *agenda, int64_t now) {
    agenda->due_at = now < agenda->due_at ? now : agenda->due_at;
}

void agenda_hold_due(struct agenda *agenda, int64_t until) {
    if (agenda->due_not_before < until) {
        agenda->due_not_before = until;
    }
}

void agenda_expect_new(struct agenda *agenda) {
    agenda->more_forward = true;
}

void agenda_begin_look(struct agenda *agenda, bool thorough, int64_t now, int64_t *floor,
                       int64_t *settle_to) {
    agenda->look_began = now;
    agenda->looking = agenda->forward_overlaps = true;
    agenda->look_frontier = scan_frontier(agenda->scan);
    agenda->look_settle_to =
        end_of_piece(scan_floor(agenda->scan), scan_settleable(agenda->scan), agenda->piece);
    *floor = scan_floor(agenda->scan);
    *settle_to = thorough ? agenda->look_frontier : agenda->look_settle_to;
}

// The relay's own transactions lock rows but insert none. Returns how many of them have begun since the last
// snapshot.
static uint64_t forget_own(const struct agenda *agenda, struct snapshot *snapshot) {
    uint64_t begun = 0;
    for (size_t index = 0; index < OWN_TRANSACTIONS; index++) {
        uint64_t xid = agenda->own[index];
        if (xid != 0) {
            begun += xid >= scan_xmax(agenda->scan) && xid < snapshot->xmax;
            snapshot_forget(snapshot, xid);
        }
    }
    return begun;
}

// A claim that overlapped a look may have read before that look's snapshot: a transaction that ended between
// the two was not read, and is no news to the snapshots from then on. So what such a claim has read is read
// again.
static void reread_unsure(struct agenda *agenda) {
    if (agenda->look_frontier > agenda->observed) {
        if (agenda->unsure_to > agenda->observed) {
            scan_gap_left(agenda->scan, agenda->observed);
        }
        agenda->observed = agenda->look_frontier;
    }
}

static void settle(struct agenda *agenda, const struct look *look, int64_t now) {
    int64_t before = scan_floor(agenda->scan);
    bool same = look->lowest_unsent == agenda->lowest_unsent && agenda->had_gaps;
    agenda->lowest_unsent = look->lowest_unsent;
    if (agenda->look_settle_to < scan_settleable(agenda->scan)) {
        piece_took(agenda, now - agenda->look_began);
    }
    scan_settle(agenda->scan, agenda->look_settle_to, look->lowest_unsent);
    agenda->had_gaps = agenda_has_gaps(agenda);
    if (scan_floor(agenda->scan) > before || !same) {
        agenda->stuck_since = now;
        return;
    }
    // An event that another relay had locked, and has let go since, is news to no snapshot. (Where a long
    // transaction holds the floor back, the sweep comes by.)
    if (look->lowest_unsent > 0 && now - agenda->stuck_since > STUCK_US) {
        agenda->sweep_position = look->lowest_unsent - 1;
        agenda->sweep_at = agenda->stuck_since = now;
    }
}

bool agenda_looked(struct agenda *agenda, const struct look *look, int64_t now, struct error *error) {
    struct snapshot snapshot;
    if (look->last_drawn < agenda->last_drawn) {
        return error_set(
            error, ERROR_DATABASE,
            "the ids of outbox.event went back from %lld to %lld (failover, restore, TRUNCATE or setval)",
            (long long)agenda->last_drawn, (long long)look->last_drawn);
    }
    if (look->newest > look->last_drawn && agenda->newest <= agenda->last_drawn) {
        log_warn("an event has an id that no sequence gave it; events below it may be found late",
                 LOG_INT("id", look->newest), LOG_INT("last_drawn", look->last_drawn));
    }
    agenda->last_drawn = look->last_drawn;
    if (!snapshot_parse(&snapshot, look->snapshot)) {
        return error_set(error, ERROR_INTERNAL, "pg_current_snapshot() returned \"%.100s\"", look->snapshot);
    }
    agenda->looked = true;
    agenda->looking = false;
    agenda->newest = look->newest;
    agenda->due_at = look->due_in_us == INT64_MAX ? INT64_MAX : now + look->due_in_us;
    settle(agenda, look, now);
    uint64_t own_begun = forget_own(agenda, &snapshot);
    scan_observe(agenda->scan, &snapshot, agenda->look_frontier, own_begun);
    reread_unsure(agenda);
    return true;
}

bool agenda_wants_sweep(const struct agenda *agenda, int64_t now) {
    return now >= agenda->sweep_at && scan_frontier(agenda->scan) > agenda->sweep_from;
}

bool agenda_has_work(const struct agenda *agenda, int64_t now) {
    return has_new(agenda) || !scan_is_quiet(agenda->scan) || agenda->due_at <= now;
}

bool agenda_is_due(const struct agenda *agenda, int64_t now) {
    return agenda->due_at <= now;
}

bool agenda_is_loaded(const struct agenda *agenda) {
    return agenda->more_forward;
}

bool agenda_is_settled(const struct agenda *agenda) {
    return agenda->looked && agenda->lowest_unsent == 0 &&
           scan_settleable(agenda->scan) == scan_floor(agenda->scan);
}

bool agenda_has_gaps(const struct agenda *agenda) {
    return scan_frontier(agenda->scan) > scan_floor(agenda->scan);
}

bool agenda_may_sleep(const struct agenda *agenda) {
    return agenda_is_settled(agenda) && scan_frontier(agenda->scan) - scan_floor(agenda->scan) <= GAP_IDS;
}

int64_t agenda_next_at(const struct agenda *agenda) {
    int64_t due = agenda->due_at > agenda->due_not_before ? agenda->due_at : agenda->due_not_before;
    int64_t gap = scan_is_quiet(agenda->scan) ? INT64_MAX : agenda->gap_not_before;
    due = agenda->due_at == INT64_MAX ? INT64_MAX : due;
    return due < gap ? due : gap;
}

int64_t agenda_floor(const struct agenda *agenda) {
    return scan_floor(agenda->scan);
}

int64_t agenda_rescued(const struct agenda *agenda) {
    return agenda->rescued;
}
