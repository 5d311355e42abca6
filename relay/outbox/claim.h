// SPDX-License-Identifier: Apache-2.0
// One claim: a transaction on a connection of its own that locks a range of unsent events (FOR NO KEY UPDATE
// SKIP LOCKED), stays open while they are published, then marks them and commits. A relay that dies lets go
// of its rows at once; there is no lease to expire.
//
//     idle -> (locking ->) fetching -> offering -> publishing -> marking -> idle
//
// Rows are read as fast as they come and handed on one by one, when the caller asks for them: the server can
// look for the next claim's rows while this one's are worked on. Reading stops while a MiB waits, so memory
// stays bounded however large the events are.
//
// Ordered events (those of FIFO topics) are claimed in turns, RANGE_ORDERED: one relay at a time has the
// ordered lock (advisory lock 4), reads under one snapshot whatever is new and whatever is due, in order,
// publishes and marks it, and lets go of the lock. No row is locked and no transaction is open meanwhile, so
// that a person may have locked one when it is to be marked: that is left to the ledger. The server ends the
// session of a relay that says nothing for a moment, and with it the lock; the relay itself stops sending
// before that (claim_may_publish). Behind a pooler, which has no sessions, the lock is the transaction's.
#pragma once

#include "message/event.h"
#include "outbox/ledger.h"
#include "outbox/rows.h"
#include "sink/sink.h"

enum range_kind { RANGE_FORWARD, RANGE_GAP, RANGE_DUE, RANGE_SWEEP, RANGE_ORDERED };

// What to claim: ids in (after, to], for RANGE_DUE the events whose time has come, for RANGE_ORDERED both.
struct range {
    enum range_kind kind;
    int64_t after;
    int64_t to;
    int limit;
    const char *ordered_sql; // which events are ordered; NULL: none is. claim_start copies it
    bool pooled;             // RANGE_ORDERED: there are no sessions
};

struct claim;

struct claim_listener {
    void *context;
    void (*ready)(void *context, struct claim *claim); // connected
    void (*lost)(void *context, struct claim *claim, const struct error *error);
    void (*arrived)(void *context, struct claim *claim); // rows wait for claim_offer
    void (*fetched)(void *context, struct claim *claim); // all of the range has arrived
    // An event has been locked and must be settled once, now or later.
    void (*claimed)(void *context, struct claim *claim, const struct outbox_event *event, int row);
    void (*offered)(void *context, struct claim *claim); // all of the range has been handed on
    // RANGE_ORDERED, unless pooled: the snapshot (with the next transaction id behind a colon) that all is
    // read under, and the newest event's id in it. Returns the id to read from.
    int64_t (*snapshot)(void *context, struct claim *claim, const char *snapshot, int64_t newest);
    void (*finished)(void *context, struct claim *claim); // marked, committed, idle again
};

struct claim_options {
    char *const *conninfo;             // where the settings have it: a reload may change it
    const struct retry_policy *policy; // must live on, and may change
    int64_t idle_limit_us; // the server ends a transaction that does nothing for so long: its relay is frozen
};

struct claim *claim_new(const struct claim_listener *listener, const struct claim_options *options);
void claim_free(struct claim *claim);

// claim_connect opens the connection; fails only when conninfo cannot be parsed.
bool claim_connect(struct claim *claim, struct event_base *base, struct error *error);

// claim_abandon closes the connection, whatever is under way; what is known to be sent, or is settled as sent
// later, goes to the ledger.
void claim_abandon(struct claim *claim, struct ledger *ledger);

// claim_stay makes an idle claim's session its own: the server keeps it however long it has nothing to do,
// what each transaction would set is set once, and what is sent repeatedly is prepared; and the server ends
// it when rows stay unread for so long (where there is TCP), as when the relay is frozen. Not behind a
// pooler.
void claim_stay(struct claim *claim, int64_t unread_limit_us);

// claim_trim gives back the memory of what was claimed before; the claim must not be busy.
void claim_trim(struct claim *claim);

bool claim_is_closed(const struct claim *claim); // not connected, nor about to be
bool claim_is_idle(const struct claim *claim);   // connected and nothing to do
bool claim_is_open(const struct claim *claim);   // connected
bool claim_is_connecting(const struct claim *claim);
bool claim_is_offering(const struct claim *claim);   // they have come, but were not all handed on
bool claim_is_publishing(const struct claim *claim); // all rows were handed on, not all are settled
bool claim_is_busy(const struct claim *claim);       // from claim_start to finished
bool claim_is_fetching(const struct claim *claim);   // rows are still coming
int claim_unsettled(const struct claim *claim);      // events that came whose outcome is not known yet

// claim_start claims a range on an idle claim.
void claim_start(struct claim *claim, const struct range *range);
const struct range *claim_range(const struct claim *claim);
int64_t claim_began_at(const struct claim *claim);      // monotonic, when it was started
int claim_rows(const struct claim *claim);              // claimed so far
int64_t claim_last_id(const struct claim *claim);       // the highest id among them, 0 if none
int64_t claim_lowest_let_go(const struct claim *claim); // the lowest id among those let go, 0 if none
uint64_t claim_transaction(const struct claim *claim);  // its transaction id, 0 if not known
int claim_sent(const struct claim *claim);              // how many of its rows are settled as sent
int claim_released(const struct claim *claim);   // how many events have waited for them, and are due now
bool claim_is_marked(const struct claim *claim); // the server has marked every row that was claimed
// claim_leave_unmarked: as rows_leave_unmarked (rows.h), of a claim in RANGE_ORDERED that has finished.
void claim_leave_unmarked(struct claim *claim, struct ledger *ledger);
bool claim_was_refused(const struct claim *claim); // RANGE_ORDERED: another relay has the ordered lock

int claim_arrived(const struct claim *claim); // rows that have arrived, and wait for claim_offer

// claim_offer hands on one row that has arrived (`claimed`); there must be one.
void claim_offer(struct claim *claim);

// claim_is_overdue: it was begun before that time and has all its rows, or has read none since then because
// so many wait. (As long as the server looks for rows it is not: to begin anew would take as long again.)
// claim_let_go: the rows that wait, and those that still come, are not handed on.
bool claim_is_overdue(const struct claim *claim, int64_t began_before);
void claim_let_go(struct claim *claim);

// claim_count_for notes where it is counted what becomes of a row (figures.h).
void claim_count_for(struct claim *claim, int row, const struct topic_counters *counters);

// claim_settle notes how the publishing of a row ended. When the last one is settled the claim marks and
// commits.
void claim_settle(struct claim *claim, int row, const struct outcome *outcome);

// claim_row is one of its rows; the pointer lives until the next row comes.
const struct row *claim_row(const struct claim *claim, int row);

// claim_holds tells whether a busy claim has this event among its rows.
bool claim_holds(const struct claim *claim, int64_t id);

// claim_may_publish: false when the ordered lock of this claim may be another relay's by now.
bool claim_may_publish(const struct claim *claim);

// claim_ping says something while the claim waits for its events, so that the server's limit on idleness ends
// only those of a relay that is frozen. Ordered claims need it every CLAIM_PING_ORDERED_US.
void claim_ping(struct claim *claim);

enum { CLAIM_PING_ORDERED_US = 300000 };

// claim_cut marks and commits what is settled by now and lets the other rows go. Does nothing unless
// publishing.
void claim_cut(struct claim *claim);
