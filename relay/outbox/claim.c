// SPDX-License-Identifier: Apache-2.0
#include "outbox/claim.h"

#include "base/clock.h"
#include "base/memory.h"
#include "outbox/arrivals.h"
#include "outbox/claim_sql.h"
#include "outbox/locks.h"
#include "outbox/transaction.h"
#include "postgres/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// How ordered claims share the lock: the server ends a session that has said nothing for IDLE_ORDERED_MS; a
// relay that has had no answer for LEASE_US, counted from the question, sends no more ordered events.
enum { IDLE_ORDERED_MS = 1200, LEASE_US = 800000, SQL_MAX = 32 << 20 };

enum { ARRIVED_FULL = 1 << 20 }; // bytes; no more rows are read until half of those that wait are handed on

#define END_SESSION_LIMIT "pg_catalog.set_config('idle_session_timeout', '0', false)"

enum claim_state {
    CLAIM_CLOSED,
    CLAIM_CONNECTING,
    CLAIM_IDLE,
    CLAIM_FETCHING,
    CLAIM_OFFERING,
    CLAIM_PUBLISHING,
    CLAIM_MARKING
};

struct claim {
    struct claim_listener listener;
    struct claim_options options;
    struct pg_connection *connection;
    struct ledger *ledger; // set once abandoned: where late news go
    enum claim_state state;
    bool stays; // its session is its own: settings and prepared statements are kept
    struct range range;
    uint64_t transaction;
    struct rows rows;
    struct arrivals *arrivals; // the last ones of the rows, which have not been handed on
    bool letting_go;           // of all rows that still come
    int64_t began_at;
    int64_t paused_at; // when reading was stopped, as too many rows wait; 0: it goes on
    char *ordered_sql; // the range's, owned
    bool locked;       // the answer to the question for the ordered lock
    bool refused;
    char *snapshot;
    int64_t newest;
    // In the time that goes on while the machine is suspended, as the lease does:
    int64_t asked_at;     // when the ping under way, or what came before it, was sent; 0: none is
    int64_t confirmed_at; // when the latest question that has been answered was sent
};

struct claim *claim_new(const struct claim_listener *listener, const struct claim_options *options) {
    struct claim *claim = memory_allocate(1, sizeof *claim);
    claim->listener = *listener;
    claim->options = *options;
    rows_init(&claim->rows, options->policy);
    claim->arrivals = arrivals_new();
    return claim;
}

void claim_free(struct claim *claim) {
    if (claim == NULL) {
        return;
    }
    pg_close(claim->connection);
    rows_free(&claim->rows);
    arrivals_free(claim->arrivals);
    free(claim->snapshot);
    free(claim->ordered_sql);
    free(claim);
}

void claim_trim(struct claim *claim) {
    rows_trim(&claim->rows);
    arrivals_trim(claim->arrivals);
}

static void on_ready(void *context) {
    struct claim *claim = context;
    claim->state = CLAIM_IDLE;
    claim->listener.ready(claim->listener.context, claim);
}

static void on_lost(void *context, const struct error *error) {
    struct claim *claim = context;
    claim->listener.lost(claim->listener.context, claim, error);
}

bool claim_connect(struct claim *claim, struct event_base *base, struct error *error) {
    const struct pg_handler handler = {
        .context = claim, .ready = on_ready, .lost = on_lost, .application = "outbox-relay claim"};
    claim->ledger = NULL;
    rows_clear(&claim->rows);
    claim->transaction = 0;
    claim->stays = false;
    claim->connection = pg_open(base, *claim->options.conninfo, &handler, error);
    claim->state = claim->connection != NULL ? CLAIM_CONNECTING : CLAIM_CLOSED;
    return claim->connection != NULL;
}

static bool is_ordered(const struct claim *claim) {
    return claim->range.kind == RANGE_ORDERED;
}

static int first_arrived(const struct claim *claim) {
    return claim->rows.count - arrivals_count(claim->arrivals);
}

static const struct outcome let_go = {.kind = OUTCOME_LET_GO};

static void let_go_of_arrived(struct claim *claim) {
    for (int row = first_arrived(claim); row < claim->rows.count; row++) {
        rows_settle(&claim->rows, row, &let_go);
    }
    arrivals_clear(claim->arrivals);
}

void claim_abandon(struct claim *claim, struct ledger *ledger) {
    bool busy = claim_is_busy(claim);
    pg_close(claim->connection);
    claim->connection = NULL;
    claim->state = CLAIM_CLOSED;
    claim->ledger = ledger;
    let_go_of_arrived(claim);
    if (busy) {
        rows_to_ledger(&claim->rows, ledger, is_ordered(claim));
    }
}

bool claim_is_closed(const struct claim *claim) {
    return claim->state == CLAIM_CLOSED;
}

bool claim_is_open(const struct claim *claim) {
    return claim->state >= CLAIM_IDLE;
}

bool claim_is_connecting(const struct claim *claim) {
    return claim->state == CLAIM_CONNECTING;
}

bool claim_is_busy(const struct claim *claim) {
    return claim->state >= CLAIM_FETCHING;
}

bool claim_is_idle(const struct claim *claim) {
    return claim->state == CLAIM_IDLE;
}

bool claim_is_fetching(const struct claim *claim) {
    return claim->state == CLAIM_FETCHING;
}

bool claim_is_offering(const struct claim *claim) {
    return claim->state == CLAIM_OFFERING;
}

bool claim_is_publishing(const struct claim *claim) {
    return claim->state == CLAIM_PUBLISHING;
}

int claim_unsettled(const struct claim *claim) {
    return claim->rows.unsettled;
}

const struct range *claim_range(const struct claim *claim) {
    return &claim->range;
}

int claim_rows(const struct claim *claim) {
    return claim->rows.count;
}

int64_t claim_last_id(const struct claim *claim) {
    return claim->rows.last_id;
}

uint64_t claim_transaction(const struct claim *claim) {
    return claim->transaction;
}

int64_t claim_began_at(const struct claim *claim) {
    return claim->began_at;
}

int64_t claim_lowest_let_go(const struct claim *claim) {
    return rows_lowest_let_go(&claim->rows);
}

int claim_sent(const struct claim *claim) {
    return rows_sent(&claim->rows);
}

int claim_released(const struct claim *claim) {
    return claim->rows.released;
}

bool claim_is_marked(const struct claim *claim) {
    return claim->rows.marked == claim->rows.count;
}

void claim_leave_unmarked(struct claim *claim, struct ledger *ledger) {
    rows_leave_unmarked(&claim->rows, ledger);
}

bool claim_was_refused(const struct claim *claim) {
    return claim->refused;
}

static bool has_session_lock(const struct claim *claim) {
    return is_ordered(claim) && !claim->range.pooled;
}

bool claim_may_publish(const struct claim *claim) {
    bool is_sure = claim_is_busy(claim) && clock_boot_us() - claim->confirmed_at < LEASE_US;
    return !is_ordered(claim) || is_sure;
}

void claim_stay(struct claim *claim, int64_t unread_limit_us) {
    char unread_ms[24];
    snprintf(unread_ms, sizeof unread_ms, "%" PRId64, unread_limit_us / 1000);
    claim->stays = true;
    pg_own_session(claim->connection);
    pg_send(claim->connection, &(struct pg_statement){.sql = SESSION_SETTINGS});
    pg_send(
        claim->connection,
        &(struct pg_statement){.sql = WATCH_SETTINGS, .parameter_count = 1, .parameters = {{unread_ms, 0}}});
    pg_sync(claim->connection);
}

// What a claim sends, it sends again and again.
static void send_repeated(struct claim *claim, const struct pg_statement *statement) {
    struct pg_statement repeated = *statement;
    repeated.repeated = true;
    pg_send(claim->connection, &repeated);
}

static void on_transaction_row(void *context, const PGresult *result, int row) {
    struct claim *claim = context;
    struct slice text = pg_bytes(result, row, 0);
    claim->transaction = strtoull(text.data, NULL, 10);
}

// An ordered event that must wait for an earlier one of its aggregate is not handed on at all.
static void settle_blocked(struct claim *claim, int row) {
    static const struct outcome blocked = {.kind = OUTCOME_WAIT,
                                           .reason = "waits for an earlier event of its aggregate"};
    claim_settle(claim, row, &blocked);
}

static void pause_reading(struct claim *claim) {
    pg_pause(claim->connection);
    claim->paused_at = claim->paused_at != 0 ? claim->paused_at : clock_monotonic_us();
}

static void resume_reading(struct claim *claim) {
    pg_resume(claim->connection);
    claim->paused_at = 0;
}

static void on_event_row(void *context, const PGresult *result, int index) {
    struct claim *claim = context;
    struct outbox_event event = {.id = pg_int(result, index, 0),
                                 .attempts = (int)pg_int(result, index, 2),
                                 .occurred_at = pg_unix_us(result, index, 3),
                                 .wanted_at = pg_unix_us(result, index, 9),
                                 .event_type = pg_bytes(result, index, 4),
                                 .event_version = pg_bytes(result, index, 5),
                                 .aggregate_id = pg_bytes(result, index, 6),
                                 .metadata = pg_bytes(result, index, 7),
                                 .data = pg_bytes(result, index, 8)};
    memcpy(event.event_id, pg_bytes(result, index, 1).data, EVENT_ID_BYTES);
    bool due = claim->range.kind == RANGE_DUE || (is_ordered(claim) && pg_bool(result, index, 11));
    const char *place = is_ordered(claim) ? NULL : pg_bytes(result, index, 10).data;
    int row = rows_add(&claim->rows, &event, due, place);
    if (claim->letting_go) {
        rows_settle(&claim->rows, row, &let_go);
        return;
    }
    arrivals_add(claim->arrivals, &event, is_ordered(claim) && pg_bool(result, index, 10));
    if (arrivals_bytes(claim->arrivals) >= ARRIVED_FULL) {
        pause_reading(claim);
    }
    claim->listener.arrived(claim->listener.context, claim);
}

static void become_idle(void *context, int64_t affected) {
    (void)affected;
    struct claim *claim = context;
    claim->state = CLAIM_IDLE;
    claim->transaction = 0;
    claim->listener.finished(claim->listener.context, claim);
}

#define CLAIM_SETTINGS                                                                                       \
    "pg_catalog.pg_try_advisory_xact_lock_shared(" SLEEP_LOCK "),"                                           \
    " pg_catalog.set_config('idle_in_transaction_session_timeout', $1, true)"

// The sleep lock, held shared as inserters do, keeps another relay from sleeping while events are claimed
// here: were this relay to die now, the other one would have to look.
static void send_begin(struct claim *claim, const char *begin) {
    char idle_limit_ms[24];
    snprintf(idle_limit_ms, sizeof idle_limit_ms, "%" PRId64,
             is_ordered(claim) ? IDLE_ORDERED_MS : claim->options.idle_limit_us / 1000);
    send_repeated(claim, &(struct pg_statement){.sql = begin});
    send_repeated(claim, &(struct pg_statement){.sql = claim->stays ? "SELECT " CLAIM_SETTINGS
                                                                    : TRANSACTION_SETTINGS
                                                           ", " PLAN_SETTINGS("true") ", " CLAIM_SETTINGS,
                                                .parameter_count = 1,
                                                .parameters = {{idle_limit_ms, 0}}});
}

// The last statement of a claim; its answer makes it idle.
static void send_end(struct claim *claim, const char *label, const char *sql) {
    send_repeated(claim,
                  &(struct pg_statement){.sql = sql, .done = become_idle, .context = claim, .label = label});
    pg_sync(claim->connection);
}

static void mark_and_unlock(struct claim *claim) {
    if (rows_have_marks(&claim->rows)) {
        send_begin(claim, TRANSACTION_BEGIN);
        rows_send_marks(&claim->rows, claim->connection, true);
        send_repeated(claim, &(struct pg_statement){.sql = "COMMIT", .label = "commit"});
    }
    send_end(claim, "ordered_unlock",
             "SELECT pg_catalog.pg_advisory_unlock(" ORDERED_LOCK "), " END_SESSION_LIMIT);
}

static void mark(struct claim *claim) {
    claim->state = CLAIM_MARKING;
    if (has_session_lock(claim)) {
        mark_and_unlock(claim);
    } else {
        rows_send_marks(&claim->rows, claim->connection, is_ordered(claim));
        send_end(claim, "commit", "COMMIT");
    }
}

void claim_cut(struct claim *claim) {
    if (claim->state == CLAIM_PUBLISHING) {
        mark(claim);
    }
}

static void on_pong(void *context, int64_t affected) {
    (void)affected;
    struct claim *claim = context;
    claim->confirmed_at = claim->asked_at;
    claim->asked_at = 0;
}

void claim_ping(struct claim *claim) {
    bool may_idle = claim->state == CLAIM_OFFERING || claim->state == CLAIM_PUBLISHING;
    if (may_idle && claim->asked_at == 0) {
        claim->asked_at = clock_boot_us();
        send_repeated(claim, &(struct pg_statement){
                                 .sql = "SELECT", .done = on_pong, .context = claim, .label = "ping"});
        pg_sync(claim->connection);
    }
}

static void mark_when_settled(struct claim *claim) {
    if (claim->state == CLAIM_PUBLISHING && claim->rows.unsettled == 0) {
        mark(claim);
    }
}

static void publish_when_offered(struct claim *claim) {
    if (claim->state == CLAIM_OFFERING && arrivals_count(claim->arrivals) == 0) {
        claim->state = CLAIM_PUBLISHING;
        claim->listener.offered(claim->listener.context, claim);
        mark_when_settled(claim);
    }
}

static void on_fetched(void *context, int64_t affected) {
    (void)affected;
    struct claim *claim = context;
    claim->state = CLAIM_OFFERING;
    claim->confirmed_at = claim->asked_at;
    claim->asked_at = 0;
    claim->listener.fetched(claim->listener.context, claim);
    publish_when_offered(claim);
}

int claim_arrived(const struct claim *claim) {
    return arrivals_count(claim->arrivals);
}

void claim_let_go(struct claim *claim) {
    let_go_of_arrived(claim);
    claim->letting_go = claim->state == CLAIM_FETCHING;
    resume_reading(claim);
    publish_when_offered(claim);
}

bool claim_is_overdue(const struct claim *claim, int64_t began_before) {
    bool is_held_up = claim_is_fetching(claim) && claim->paused_at != 0 && claim->paused_at < began_before;
    bool has_all = claim_is_offering(claim) || claim_is_publishing(claim);
    return is_held_up || (has_all && claim->began_at < began_before);
}

void claim_offer(struct claim *claim) {
    bool blocked;
    int row = first_arrived(claim);
    const struct outbox_event *event = arrivals_take(claim->arrivals, &blocked);
    if (blocked) {
        settle_blocked(claim, row);
    } else {
        claim->listener.claimed(claim->listener.context, claim, event, row);
    }
    if (arrivals_bytes(claim->arrivals) < ARRIVED_FULL / 2) {
        resume_reading(claim);
    }
    publish_when_offered(claim);
}

// Asked afterwards, since only a transaction that has locked something has, and uses up, an id.
static void send_transaction_question(struct claim *claim) {
    send_repeated(claim, &(struct pg_statement){
                             .sql = "SELECT coalesce(pg_catalog.pg_current_xact_id_if_assigned()::text, '0')",
                             .row = on_transaction_row,
                             .done = on_fetched,
                             .context = claim});
}

// The lease of the ordered lock counts from here, however long reading took.
static void on_selected(void *context, int64_t rows) {
    (void)rows;
    struct claim *claim = context;
    if (!is_ordered(claim)) {
        return;
    }
    claim->asked_at = clock_boot_us();
    if (claim->range.pooled) {
        send_transaction_question(claim);
    } else {
        send_repeated(claim, &(struct pg_statement){.sql = "COMMIT", .done = on_fetched, .context = claim});
    }
    pg_sync(claim->connection);
}

static void send_select(struct claim *claim) {
    const struct range *range = &claim->range;
    bool is_due = range->kind == RANGE_DUE;
    char numbers[3][24];
    struct buffer sql;
    snprintf(numbers[0], sizeof numbers[0], "%d", range->limit);
    snprintf(numbers[1], sizeof numbers[1], "%" PRId64, range->after);
    snprintf(numbers[2], sizeof numbers[2], "%" PRId64, range->to);
    buffer_init(&sql, SQL_MAX);
    claim_sql_append(&sql, range, claim->options.policy->parked_blocks);
    send_repeated(claim,
                  &(struct pg_statement){.sql = buffer_text(&sql),
                                         .parameter_count = is_due              ? 1
                                                            : is_ordered(claim) ? 2
                                                                                : 3,
                                         .parameters = {{numbers[0], 0}, {numbers[1], 0}, {numbers[2], 0}},
                                         .row = on_event_row,
                                         .done = on_selected,
                                         .context = claim,
                                         .label = "claim"});
    buffer_free(&sql);
}

static void start_unordered(struct claim *claim) {
    send_begin(claim, TRANSACTION_BEGIN);
    send_select(claim);
    send_transaction_question(claim);
    pg_sync(claim->connection);
}

static void on_lock_row(void *context, const PGresult *result, int row) {
    struct claim *claim = context;
    claim->locked = pg_bool(result, row, 0);
}

static void on_snapshot_row(void *context, const PGresult *result, int row) {
    struct claim *claim = context;
    free(claim->snapshot);
    claim->snapshot = memory_copy_text(pg_bytes(result, row, 0).data);
    claim->newest = pg_int(result, row, 1);
}

static void on_snapshot(void *context, int64_t rows) {
    (void)rows;
    struct claim *claim = context;
    claim->range.after =
        claim->listener.snapshot(claim->listener.context, claim, claim->snapshot, claim->newest);
    send_select(claim);
    pg_sync(claim->connection);
}

// What is read and where it is read from must be of one snapshot; see ordered.h.
static void read_under_snapshot(struct claim *claim) {
    send_begin(claim, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    send_repeated(claim,
                  &(struct pg_statement){
                      .sql = "SELECT pg_catalog.pg_current_snapshot()::text || ':' ||"
                             " (pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::numeric"
                             " + pg_catalog.age(pg_catalog.pg_snapshot_xmax("
                             "pg_catalog.pg_current_snapshot())::xid)),"
                             " coalesce((SELECT id FROM outbox.event ORDER BY id DESC LIMIT 1), 0)",
                      .row = on_snapshot_row,
                      .done = on_snapshot,
                      .context = claim,
                      .label = "snapshot"});
    pg_sync(claim->connection);
}

static void on_session_lock(void *context, int64_t rows) {
    (void)rows;
    struct claim *claim = context;
    claim->refused = !claim->locked;
    if (claim->locked) {
        claim->confirmed_at = claim->asked_at;
        read_under_snapshot(claim);
    } else {
        claim->state = CLAIM_MARKING;
        send_end(claim, "ordered_unlock", "SELECT " END_SESSION_LIMIT);
    }
}

static void on_transaction_lock(void *context, int64_t rows) {
    (void)rows;
    struct claim *claim = context;
    claim->refused = !claim->locked;
    if (claim->locked) {
        send_select(claim);
        pg_sync(claim->connection);
    } else {
        claim->state = CLAIM_MARKING;
        send_end(claim, "commit", "COMMIT");
    }
}

// (The limit on idleness is set first, so that there is no moment when a frozen relay could keep the lock.)
static void start_ordered(struct claim *claim) {
    char limit[128];
    snprintf(limit, sizeof limit, "SELECT pg_catalog.set_config('idle_session_timeout', '%d', false)",
             IDLE_ORDERED_MS);
    claim->asked_at = clock_boot_us();
    if (claim->range.pooled) {
        send_begin(claim, TRANSACTION_BEGIN);
    } else {
        send_repeated(claim, &(struct pg_statement){.sql = limit});
    }
    send_repeated(claim, &(struct pg_statement){
                             .sql = claim->range.pooled
                                        ? "SELECT pg_catalog.pg_try_advisory_xact_lock(" ORDERED_LOCK ")"
                                        : "SELECT pg_catalog.pg_try_advisory_lock(" ORDERED_LOCK ")",
                             .row = on_lock_row,
                             .done = claim->range.pooled ? on_transaction_lock : on_session_lock,
                             .context = claim,
                             .label = "ordered_lock"});
    pg_sync(claim->connection);
}

void claim_start(struct claim *claim, const struct range *range) {
    claim->state = CLAIM_FETCHING;
    free(claim->ordered_sql);
    claim->range = *range;
    claim->range.ordered_sql = claim->ordered_sql = memory_copy_text(range->ordered_sql);
    claim->transaction = 0;
    claim->began_at = clock_monotonic_us();
    claim->locked = claim->refused = claim->letting_go = false;
    claim->paused_at = claim->asked_at = 0;
    rows_clear(&claim->rows);
    if (is_ordered(claim)) {
        start_ordered(claim);
    } else {
        start_unordered(claim);
    }
}

const struct row *claim_row(const struct claim *claim, int row) {
    return &claim->rows.items[row];
}

bool claim_holds(const struct claim *claim, int64_t id) {
    return claim_is_busy(claim) && rows_hold(&claim->rows, id);
}

void claim_count_for(struct claim *claim, int row, const struct topic_counters *counters) {
    claim->rows.items[row].counters = counters;
}

void claim_settle(struct claim *claim, int row, const struct outcome *outcome) {
    rows_settle(&claim->rows, row, outcome);
    if (outcome->kind == OUTCOME_SENT && claim->ledger != NULL) {
        const struct row *sent = &claim->rows.items[row];
        ledger_add(claim->ledger, sent->id, sent->event_id, rows_text(&claim->rows, sent), is_ordered(claim));
    }
    mark_when_settled(claim);
}
