// SPDX-License-Identifier: Apache-2.0
// The events of one claim and what has become of each; and the statements that write it down: the marks.
#pragma once

#include "base/buffer.h"
#include "message/event.h"
#include "outbox/ledger.h"
#include "postgres/connection.h"
#include "sink/sink.h"

enum { PLACE_BYTES = 6 }; // a ctid in PostgreSQL's binary format (tidsend)

struct row {
    int64_t id;
    char place[PLACE_BYTES]; // where it lies; of locked events only
    unsigned char event_id[EVENT_ID_BYTES];
    bool settled;
    bool marked;                           // the server says so; known of ordered events only
    bool due;                              // found by due_at, and so found again if it is let go
    enum outcome_kind kind;                // once settled
    int attempts;                          // before this claim
    int64_t wanted_at;                     // as of the event
    const struct topic_counters *counters; // of its topic; NULL: it has none
    // In rows->texts: the message id or the reason.
    size_t text_offset;
    size_t text_length;
    // In rows->texts: the aggregate id; of ordered events only.
    size_t aggregate_offset;
    size_t aggregate_length;
    int64_t retry_after_us;
};

// How failures of events themselves are treated.
struct retry_policy {
    int64_t base_us;
    int64_t max_us;
    int max_attempts;
    bool parked_blocks; // an ordered event that is parked holds up those after it
};

// retry_judge is what becomes of an event that has failed `attempts` times before: returns the outcome's
// kind, or OUTCOME_PARK when it was refused too often, and sets when to try again.
enum outcome_kind retry_judge(const struct retry_policy *policy, int attempts, const struct outcome *outcome,
                              int64_t *retry_after_us);

// A reason, as it goes into last_error: so many bytes at most, and only printable ASCII, since that column is
// text of any encoding the database has.
enum { REASON_MAX = 500 };
void reason_make_ascii(char *reason, size_t length);

enum { ROWS_ARRAYS = 5 };

struct rows {
    const struct retry_policy *policy;
    struct row *items;
    int count;
    int capacity;
    int unsettled;
    int marked;      // rows that the server says the marks have changed
    int released;    // rows that have waited for them, and are due now
    int64_t last_id; // the highest, 0 if none
    struct buffer texts;
    struct buffer arrays[ROWS_ARRAYS];
};

// rows_init makes an empty list; the policy must live on, and may change.
void rows_init(struct rows *rows, const struct retry_policy *policy);
void rows_free(struct rows *rows);
void rows_clear(struct rows *rows);
void rows_trim(struct rows *rows); // clears it, and gives back its memory

// rows_add adds an unsettled row and returns its number. `place` is where a locked event lies, which is where
// it stays while it is locked. NULL: it is an ordered event, which is not locked; its aggregate's id is kept.
int rows_add(struct rows *rows, const struct outbox_event *event, bool due, const char *place);

// rows_settle notes an outcome; an event that was refused too often is parked.
void rows_settle(struct rows *rows, int number, const struct outcome *outcome);

// rows_text is the message id or the reason of a settled row.
struct slice rows_text(const struct rows *rows, const struct row *row);

int rows_sent(const struct rows *rows); // how many are settled as sent

// rows_lowest_let_go is the lowest id among those let go that were not found by due_at, 0 if none.
int64_t rows_lowest_let_go(const struct rows *rows);

bool rows_hold(const struct rows *rows, int64_t id);

// rows_have_marks tells whether there is anything to write down; rows_send_marks sends the statements, to be
// committed by the caller. For ordered events that also lets go what waits for them.
bool rows_have_marks(const struct rows *rows);
void rows_send_marks(struct rows *rows, struct pg_connection *connection, bool ordered);

// rows_leave_unmarked is for ordered events, which are not locked, so that somebody else may have: what could
// not be marked is noted in the ledger when it is sent, and counts as sent no more; else it is let go.
void rows_leave_unmarked(struct rows *rows, struct ledger *ledger);

// rows_to_ledger notes what is known to be sent.
void rows_to_ledger(const struct rows *rows, struct ledger *ledger, bool ordered);
