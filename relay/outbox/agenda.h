// SPDX-License-Identifier: Apache-2.0
// What to claim next, and what is settled: turns looks and finished claims into the next range to claim. Pure
// bookkeeping on top of scan.h: the caller passes the time (monotonic microseconds) and does the work.
#pragma once

#include "outbox/claim.h"
#include "outbox/look.h"

struct agenda;

struct agenda *agenda_new(void);
void agenda_free(struct agenda *agenda);

// agenda_reset begins anew from a stored floor.
void agenda_reset(struct agenda *agenda, int64_t floor, int64_t now);

// agenda_next returns whether there is something to claim now, and what. agenda_started must follow when it
// is claimed, agenda_fetched when all its rows have come (`rows` of them, up to `last_id`, by transaction
// `xid`).
bool agenda_next(const struct agenda *agenda, int64_t now, int limit, struct range *range);
void agenda_started(struct agenda *agenda, const struct range *range, int64_t now);
void agenda_fetched(struct agenda *agenda, const struct range *range, int rows, int64_t last_id, uint64_t xid,
                    int64_t now);

// agenda_finished: a claim of `range` has been committed, which had so many events, up to `last_id`, and has
// marked each of them. Where they were all there is in the range, the floor moves along without a look.
void agenda_finished(struct agenda *agenda, const struct range *range, int rows, int64_t last_id);

// agenda_let_go: a claim has given back events, of which this is the lowest id.
void agenda_let_go(struct agenda *agenda, int64_t lowest_id, int64_t now);

// agenda_pruned: nothing that could be claimed is left at or below that id (outbox.pruning.pruned_to), so the
// sweep need not walk there.
void agenda_pruned(struct agenda *agenda, int64_t pruned_to);

// agenda_expect_due: an event has come due just now.
void agenda_expect_due(struct agenda *agenda, int64_t now);

// agenda_hold_due: no due events before that time.
void agenda_hold_due(struct agenda *agenda, int64_t until);

// agenda_expect_new: a notification said that there is a new event.
void agenda_expect_new(struct agenda *agenda);

// agenda_begin_look tells what to ask outbox.look; agenda_looked takes the answer. It returns false when the
// snapshot is not understood.
// A thorough look is asked about all that is not new: before sleeping, nothing may be left in the gaps
// either, be it locked by another relay.
void agenda_begin_look(struct agenda *agenda, bool thorough, int64_t now, int64_t *floor, int64_t *settle_to);
bool agenda_looked(struct agenda *agenda, const struct look *look, int64_t now, struct error *error);

// agenda_wants_sweep: it is time for a step of the sweep.
bool agenda_wants_sweep(const struct agenda *agenda, int64_t now);

// agenda_has_work: something waits to be claimed. agenda_is_loaded: claims come back full. agenda_is_settled:
// the floor is where it can be, so that nothing but new commits can bring work.
bool agenda_has_work(const struct agenda *agenda, int64_t now);
bool agenda_is_loaded(const struct agenda *agenda);
bool agenda_is_settled(const struct agenda *agenda);

bool agenda_is_due(const struct agenda *agenda, int64_t now);

// agenda_has_gaps: the floor is below the frontier.
bool agenda_has_gaps(const struct agenda *agenda);

// agenda_may_sleep: settled, and the gaps small enough for a thorough look.
bool agenda_may_sleep(const struct agenda *agenda);

// agenda_next_at is when there will be something to claim without another look: scheduled events, gaps that
// wait.
int64_t agenda_next_at(const struct agenda *agenda);

int64_t agenda_floor(const struct agenda *agenda);
int64_t agenda_rescued(const struct agenda *agenda); // events that the sweep found; stays 0
