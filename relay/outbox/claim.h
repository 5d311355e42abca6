// SPDX-License-Identifier: Apache-2.0
// One claim: a transaction on a connection of its own that locks a range of unsent events (FOR NO KEY UPDATE
// SKIP LOCKED), stays open while they are published, then marks them and commits. A relay that dies lets go
// of its rows at once; there is no lease to expire.
//
//     idle -> fetching -> publishing -> marking -> idle
//
// Rows are handed on one by one as they arrive; reading stops while the sink is full, so memory stays bounded
// however large the events are.
#pragma once

#include "message/event.h"
#include "outbox/ledger.h"
#include "sink/sink.h"

enum range_kind { RANGE_FORWARD, RANGE_GAP, RANGE_DUE, RANGE_SWEEP };

// What to claim: ids in (after, to], or for RANGE_DUE the events whose time has come.
struct range {
    enum range_kind kind;
    int64_t after;
    int64_t to;
    int limit;
};

struct claim;

struct claim_listener {
    void *context;
    void (*ready)(void *context, struct claim *claim); // connected
    void (*lost)(void *context, struct claim *claim, const struct error *error);
    // An event has been locked and must be settled once, now or later.
    void (*claimed)(void *context, struct claim *claim, const struct outbox_event *event, int row);
    void (*fetched)(void *context, struct claim *claim);  // all of the range has been handed on
    void (*finished)(void *context, struct claim *claim); // marked, committed, idle again
};

struct claim_options {
    const char *conninfo;
    int64_t retry_base_us; // backoff of an event that was refused itself
    int64_t retry_max_us;
    int64_t idle_limit_us; // the server ends a transaction that does nothing for so long: its relay is frozen
};

struct claim *claim_new(const struct claim_listener *listener, const struct claim_options *options);
void claim_free(struct claim *claim);

// claim_connect opens the connection; fails only when conninfo cannot be parsed.
bool claim_connect(struct claim *claim, struct event_base *base, struct error *error);

// claim_abandon closes the connection, whatever is under way; what is known to be sent, or is settled as sent
// later, goes to the ledger.
void claim_abandon(struct claim *claim, struct ledger *ledger);

bool claim_is_closed(const struct claim *claim); // not connected, nor about to be
bool claim_is_idle(const struct claim *claim);   // connected and nothing to do
bool claim_is_open(const struct claim *claim);   // connected
bool claim_is_connecting(const struct claim *claim);
bool claim_is_busy(const struct claim *claim);     // from claim_start to finished
bool claim_is_fetching(const struct claim *claim); // rows are still coming
int claim_unsettled(const struct claim *claim);    // events handed on whose outcome is not known yet

// claim_start claims a range on an idle claim.
void claim_start(struct claim *claim, const struct range *range);
const struct range *claim_range(const struct claim *claim);
int claim_rows(const struct claim *claim);             // claimed so far
int64_t claim_last_id(const struct claim *claim);      // the highest id among them, 0 if none
uint64_t claim_transaction(const struct claim *claim); // its transaction id, 0 if not known

void claim_pause(struct claim *claim);
void claim_resume(struct claim *claim);

// claim_settle notes how the publishing of a row ended. When the last one is settled the claim marks and
// commits.
void claim_settle(struct claim *claim, int row, const struct outcome *outcome);

// claim_holds tells whether a busy claim has this event among its rows.
bool claim_holds(const struct claim *claim, int64_t id);

// claim_ping says something in a transaction that waits for its events, so that the server's limit on idle
// ones ends only those of a relay that is frozen.
void claim_ping(struct claim *claim);

// claim_cut marks and commits what is settled by now and lets the other rows go. Does nothing unless
// publishing.
void claim_cut(struct claim *claim);
