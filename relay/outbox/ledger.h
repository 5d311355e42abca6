// SPDX-License-Identifier: Apache-2.0
// Events that were accepted at the other end but not marked, because the connection to the database was lost
// first, because the answer came when their claim had ended (late.h), or because somebody else has their rows
// locked. They are marked before anything is claimed again, so that a database restart repeats nothing; those
// that are locked are tried again until they are marked. And those that failed when their claim had ended.
#pragma once

#include "base/buffer.h"
#include "message/event.h"
#include "postgres/connection.h"

#include <stdbool.h>

struct ledger;

struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);

// ledger_add notes one event. It is found again by id and event_id: after a failover to a standby that lagged
// behind, another event can have the id.
// `ordered`: it was claimed in a turn.
void ledger_add(struct ledger *ledger, int64_t id, const unsigned char event_id[EVENT_ID_BYTES],
                struct slice message_id, bool ordered);

// An event that has failed: until now it is put off, so that nobody else can have it.
struct failed_event {
    int64_t id;
    unsigned char event_id[EVENT_ID_BYTES];
    bool counts; // as an attempt: it failed because of the event
    bool parked;
    bool makes_way;         // parked, and what waits for it goes on
    int64_t retry_after_us; // unless parked
    const char *reason;     // copied
};

// ledger_add_failed notes one of them. ledger_forget_failed forgets all of these: they are tried again as if
// nothing was known.
void ledger_add_failed(struct ledger *ledger, const struct failed_event *event);
void ledger_forget_failed(struct ledger *ledger);

int ledger_count(const struct ledger *ledger);
int ledger_untried(const struct ledger *ledger); // of them, those that were not found locked

// ledger_find tells whether an event is among those that were accepted, and its receipt, which lives until
// the ledger changes.
bool ledger_find(const struct ledger *ledger, int64_t id, const unsigned char event_id[EVENT_ID_BYTES],
                 struct slice *ret_message_id);

// ledger_send_marks sends the statement that marks all of them; the caller's `done` is called when it is
// committed, and should then call ledger_marked, which forgets them, but not what has been added since, nor
// what somebody else has locked; it returns how many it has forgotten. One at a time. Events that another
// relay has marked meanwhile are left as they are. For the ordered ones it waits while another relay has the
// ordered lock (claim.h), about a second at most; what waits behind them is let go.
void ledger_send_marks(struct ledger *ledger, struct pg_connection *connection, pg_done_fn done,
                       void *context);
int ledger_marked(struct ledger *ledger);
