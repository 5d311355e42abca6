// SPDX-License-Identifier: Apache-2.0
// When ordered events get a turn, and from which id it reads (RANGE_ORDERED in claim.h). Pure bookkeeping,
// with a scan of its own: times are monotonic microseconds.
//
// Order is kept if no event of an aggregate is read while an earlier one that is visible as well is not. So
// each turn takes a snapshot first, finds out from it where anything may have become visible since the last
// turn (scan.h), and reads all of that under the same snapshot. An event whose transaction is still running
// is not visible, and so later than all that are, whatever its id: writers of one aggregate who do not wait
// for each other have no order.
#pragma once

#include "outbox/claim.h"
#include "outbox/look.h"

struct turns;

struct turns *turns_new(void);
void turns_free(struct turns *turns);

// turns_reset begins anew from a floor; what a turn that is busy has read is then read again.
void turns_reset(struct turns *turns, int64_t floor);

// turns_looked takes in what a look has found.
void turns_looked(struct turns *turns, const struct look *look);

// turns_expect: something is new or due, by other news.
void turns_expect(struct turns *turns);

// turns_next returns whether a turn is to be taken now, with at most `limit` events.
bool turns_next(struct turns *turns, int64_t now, int limit, struct range *range);
bool turns_pending(const struct turns *turns);
int64_t turns_next_at(const struct turns *turns); // INT64_MAX when nothing is pending

// turns_snapshot is claim_listener's `snapshot`: returns the id to read from.
int64_t turns_snapshot(struct turns *turns, const char *text, int64_t newest);

void turns_fetched(struct turns *turns, const struct claim *claim);
void turns_finished(struct turns *turns, const struct claim *claim, int64_t now);
