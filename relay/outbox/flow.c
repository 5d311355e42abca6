// SPDX-License-Identifier: Apache-2.0
// The way of an event: claimed, offered to the sink, settled, marked.
#include "base/clock.h"
#include "base/log.h"
#include "observe/metrics.h"
#include "outbox/relay_state.h"
#include "outbox/remark.h"

#include <stdlib.h>
#include <string.h>

enum { LATE_ROW = -1 }; // of a delivery: its claim is a late_event

enum {
    TURN_US = 250000,   // a turn of ordered events is cut short: new ones do not wait for a slow aggregate
    LATE_US = 1000000,  // and does not wait for a topic that does not answer
    WALK_US = 30000000, // how often to walk along what waits, though changes begin a walk at once
    WALK_SHARE = 50,    // and one that takes long not so often: at most a fiftieth of the time
    UNREAD_MARGIN_US = 30000000, // longer than rows may wait: the relay reads no more, it is frozen
    LOCKED_MOST = 1000,          // events that are sent and locked by somebody: then no turns
    WARN_US = 60000000,          // how often to say that events have no topic
    PROBE_ROWS = 100,
    OFFERED_AT_ONCE = 50, // then the loop looks for what else there is: rows to read above all
    READ_AHEAD = 1,       // claims whose rows wait while another is read
};

struct claim *flow_idle_claim(struct relay *relay) {
    struct error error = {0};
    struct claim *claim = claim_pool_idle(relay->claims, relay->base, clock_monotonic_us(), &error);
    if (error.code != ERROR_NONE) {
        relay_break_off(relay, &error);
    }
    return claim;
}

// Looks and fetches take turns: of two that overlap, nobody knows which of them the server has seen first,
// and what is new since would have to be read twice.
bool flow_is_reading(const struct relay *relay) {
    return relay->looking || claim_pool_fetching(relay->claims) != NULL;
}

// While every topic that is known rests, a little of what is new is claimed now and then: it may be for
// another one.
static bool may_probe(struct relay *relay, int64_t now) {
    bool may = now >= relay->probe_at;
    if (may) {
        relay->probe_at = now + relay->settings->poll_interval;
    }
    return may;
}

bool flow_has_turn(const struct relay *relay) {
    return relay->ordered_sql != NULL && turns_pending(relay->turns);
}

bool flow_has_work(const struct relay *relay, int64_t now) {
    return flow_has_turn(relay) || agenda_has_work(relay->agenda, now);
}

// What became ordered a moment ago may still be under way without order, and what is in the ledger is sent,
// though the database does not show it yet. (What somebody has locked there may stay so for long; but
// it is looked for whenever an event is read.)
static bool may_take_turn(const struct relay *relay) {
    return relay->turn == NULL && ledger_untried(relay->ledger) == 0 &&
           ledger_count(relay->ledger) < LOCKED_MOST &&
           !claim_pool_has_older(relay->claims, relay->routes_changed_at);
}

// The sweep looks for all that should not be there, also for what turns will not read any more.
static bool is_below_floor(const struct relay *relay, const struct range *range) {
    return range->kind == RANGE_SWEEP && range->to <= agenda_floor(relay->agenda);
}

// Ordered events and others take turns, so that neither keeps the other out where there is one connection for
// both.
static bool choose_range(struct relay *relay, int64_t now, int limit, struct range *range) {
    struct range other;
    bool unordered = agenda_next(relay->agenda, now, limit, &other);
    bool turn = relay->ordered_sql != NULL && may_take_turn(relay) && !(relay->turn_was_last && unordered) &&
                turns_next(relay->turns, now, limit, range);
    if (turn) {
        range->pooled = session_is_pooled(relay->session);
        range->after = agenda_floor(relay->agenda);
        range->ordered_sql = relay->ordered_sql;
    } else if (unordered) {
        *range = other;
        range->ordered_sql = is_below_floor(relay, range) ? NULL : routes_ordered_sql(relay->routes);
    }
    relay->turn_was_last = turn;
    return turn || unordered;
}

// How many events to claim. While everything that is known rests, a few now and then.
static int claim_limit(struct relay *relay, int64_t now, bool resting) {
    int rows = (int)relay->settings->batch_rows;
    if (resting) {
        rows = may_probe(relay, now) ? (rows < PROBE_ROWS ? rows : PROBE_ROWS) : 0;
    }
    int room = relay->sink.room(relay->sink.self, routes_lead_to_one_topic(relay->routes)) -
               claim_pool_arrived(relay->claims);
    room = room > 0 ? room : 0; // the end of the offering calls again
    return room < rows ? room : rows;
}

// One claim fetches at a time, so that each begins where the one before has ended; offering, publishing and
// marking overlap.
void flow_start_claim(struct relay *relay, int64_t now) {
    struct range range;
    int64_t rest = relay->sink.resting_us(relay->sink.self);
    if (flow_is_reading(relay) || claim_pool_offering(relay->claims) > READ_AHEAD ||
        relay->sink.full(relay->sink.self)) {
        return;
    }
    if (rest > 0) {
        agenda_hold_due(relay->agenda, now + rest); // most of them are due because they failed
    }
    if (!flow_has_work(relay, now) && !agenda_wants_sweep(relay->agenda, now)) {
        return;
    }
    int limit = claim_limit(relay, now, rest > 0);
    struct claim *claim =
        limit > 0 && choose_range(relay, now, limit, &range) ? flow_idle_claim(relay) : NULL;
    if (claim == NULL) {
        return;
    }
    if (range.kind == RANGE_ORDERED) {
        relay->turn = claim;
        relay->turn_is_full = false;
        relay->pong_at = now + CLAIM_PING_ORDERED_US;
    } else {
        agenda_started(relay->agenda, &range, now);
    }
    claim_start(claim, &range);
}

// (Without a connection it is as good as not known: others may have it by the time there is one.)
static enum outcome_kind note_late_failure(struct relay *relay, const struct late_event *event,
                                           const struct outcome *outcome) {
    enum outcome_kind kind = outcome->kind;
    struct failed_event failed = {.id = event->id,
                                  .retry_after_us = outcome->retry_after_us,
                                  .reason =
                                      outcome->kind == OUTCOME_LET_GO ? "was not tried" : outcome->reason};
    memcpy(failed.event_id, event->event_id, EVENT_ID_BYTES);
    if (outcome->kind == OUTCOME_REFUSED || outcome->kind == OUTCOME_PARK) {
        kind = retry_judge(&relay->policy, event->attempts, outcome, &failed.retry_after_us);
        failed.counts = true;
        failed.parked = kind == OUTCOME_PARK;
        failed.makes_way = failed.parked && !relay->policy.parked_blocks;
    }
    ledger_add_failed(relay->ledger, &failed);
    return kind;
}

// One that is to wait for its topic stays put off for now: the turn that reads it when it is due makes it
// wait.
static void settle_late(struct relay *relay, struct late_event *event, const struct outcome *outcome) {
    bool is_running = relay->state == RELAY_RUNNING;
    enum outcome_kind kind = outcome->kind == OUTCOME_SENT ? OUTCOME_SENT : OUTCOME_LET_GO;
    if (outcome->kind == OUTCOME_SENT) {
        ledger_add(relay->ledger, event->id, event->event_id, outcome->message_id, true);
    } else if (is_running && outcome->kind != OUTCOME_WAIT) {
        kind = note_late_failure(relay, event, outcome);
    }
    if (is_running && ledger_count(relay->ledger) > 0) {
        session_mark(relay->session);
    }
    figures_settled(&relay->figures, event->counters, kind, event->wanted_at);
    late_remove(&relay->late, event);
}

static void on_settled(void *context, struct delivery delivery, const struct outcome *outcome) {
    struct relay *relay = context;
    relay->sent += outcome->kind == OUTCOME_SENT;
    if (delivery.row == LATE_ROW) {
        settle_late(relay, delivery.claim, outcome);
        return;
    }
    relay->deferred += outcome->kind != OUTCOME_SENT && outcome->kind != OUTCOME_LET_GO;
    remark_settled(claim_row(delivery.claim, delivery.row), &relay->policy, outcome);
    claim_settle(delivery.claim, delivery.row, outcome);
    const struct row *row = claim_row(delivery.claim, delivery.row);
    figures_settled(&relay->figures, row->counters, row->kind, row->wanted_at);
}

// An event that another claim still holds here was let go by the server, because that claim's session has
// ended; the news is on its way. It may be sent already.
static bool held_by_another(const struct relay *relay, const struct claim *claim, int64_t id) {
    return claim_range(claim)->kind != RANGE_FORWARD && claim_range(claim)->kind != RANGE_ORDERED &&
           claim_pool_holds(relay->claims, claim, id);
}

static void on_claim_ready(void *context, struct claim *claim) {
    struct relay *relay = context;
    if (!session_is_pooled(relay->session)) {
        claim_stay(claim, relay->settings->claim_timeout + UNREAD_MARGIN_US);
    }
    relay_schedule(relay);
}

// It was claimed without order, and its route leads to a FIFO topic by now.
static bool has_become_ordered(const struct relay *relay, const struct claim *claim,
                               const struct topic *topic) {
    return topic != NULL && topic->parts.is_fifo && claim != relay->turn &&
           claim_began_at(claim) < relay->routes_changed_at;
}

// Now and then, as there may be many; outbox.waiting has all of them.
static void warn_of_waiting(struct relay *relay, const struct outbox_event *event, const char *reason) {
    int64_t now = clock_monotonic_us();
    if (now >= relay->warn_at) {
        relay->warn_at = now + WARN_US;
        log_warn("an event waits, as others may (see view outbox.waiting)", LOG_TEXT("reason", reason),
                 LOG_INT("id", event->id));
    }
}

static void let_go(struct relay *relay, struct delivery delivery) {
    const struct outcome outcome = {.kind = OUTCOME_LET_GO};
    on_settled(relay, delivery, &outcome);
}

// Ordered, and found by the sweep below the floor: it is made due, so that a turn finds it.
static bool leave_to_turn(struct relay *relay, struct delivery delivery, const struct topic *topic) {
    static const struct outcome later = {.kind = OUTCOME_RETRY, .reason = "found by the sweep"};
    const struct range *range = claim_range(delivery.claim);
    bool is_ordered = relay->sink.orders_all || (topic != NULL && topic->parts.is_fifo);
    bool leaves = range->kind == RANGE_SWEEP && range->ordered_sql == NULL && is_ordered;
    if (leaves) {
        on_settled(relay, delivery, &later);
        turns_expect(relay->turns);
    }
    return leaves;
}

// It is sent already; only its row could not be marked yet. (What a turn cannot mark stays in the ledger, and
// is counted when that is marked.)
static bool settle_from_ledger(struct relay *relay, struct delivery delivery,
                               const struct outbox_event *event) {
    struct outcome sent = {.kind = OUTCOME_SENT};
    bool known = ledger_find(relay->ledger, event->id, event->event_id, &sent.message_id);
    if (known) {
        metric_count(METRIC_DUPLICATES_AVOIDED, delivery.claim != relay->turn);
        figures_settled(&relay->figures, NULL, OUTCOME_SENT, 0);
        claim_settle(delivery.claim, delivery.row, &sent);
    }
    return known;
}

static void on_claimed(void *context, struct claim *claim, const struct outbox_event *event, int row) {
    struct relay *relay = context;
    const struct delivery delivery = {claim, row};
    bool is_turn = claim == relay->turn;
    figures_claimed(&relay->figures);
    if (settle_from_ledger(relay, delivery, event)) {
        return;
    }
    relay->turn_is_full = relay->turn_is_full || (is_turn && relay->sink.full(relay->sink.self));
    if (relay->cut || (is_turn && relay->turn_is_full) || held_by_another(relay, claim, event->id)) {
        let_go(relay, delivery);
        return;
    }
    const char *reason = NULL;
    struct topic *topic = routes_topic(relay->routes, event->event_type, &reason);
    if (leave_to_turn(relay, delivery, topic)) {
        return;
    }
    if (topic == NULL && relay->sink.needs_topic) {
        const struct outcome topicless = {.kind = OUTCOME_WAIT, .reason = reason};
        warn_of_waiting(relay, event, reason);
        on_settled(relay, delivery, &topicless);
    } else if (has_become_ordered(relay, claim, topic)) {
        let_go(relay, delivery); // a turn reads it
    } else {
        claim_count_for(claim, row, figures_counters(&relay->figures, topic));
        relay->sink.offer(relay->sink.self, event, topic, delivery);
    }
}

static void offer_soon(struct relay *relay) {
    static const struct timeval now = {0};
    if (!evtimer_pending(relay->offer_timer, NULL)) {
        evtimer_add(relay->offer_timer, &now);
    }
}

static void on_arrived(void *context, struct claim *claim) {
    (void)claim;
    offer_soon(context);
}

// While the sink is full, rows wait; but those of a turn, which keeps the ordered lock, are let go. So others
// wait for a turn's, which may find the sink full else every time.
static struct claim *next_to_offer(const struct relay *relay) {
    if (relay->turn != NULL && (claim_arrived(relay->turn) > 0 || claim_is_fetching(relay->turn))) {
        return claim_arrived(relay->turn) > 0 ? relay->turn : NULL;
    }
    return relay->sink.full(relay->sink.self) && !relay->cut ? NULL : claim_pool_next(relay->claims);
}

void flow_offer(struct relay *relay) {
    struct claim *claim = next_to_offer(relay);
    for (int count = 0; claim != NULL && count < OFFERED_AT_ONCE; count++) {
        claim_offer(claim);
        claim = next_to_offer(relay);
    }
    if (claim != NULL) {
        offer_soon(relay);
    }
}

static void on_fetched(void *context, struct claim *claim) {
    static const char *const kinds[] = {"forward", "gap", "due", "sweep", "ordered"};
    struct relay *relay = context;
    int64_t now = clock_monotonic_us();
    const struct range *range = claim_range(claim);
    if (claim == relay->turn) {
        turns_fetched(relay->turns, claim);
        claim_ping(claim);
    } else {
        agenda_fetched(relay->agenda, range, claim_rows(claim), claim_last_id(claim),
                       claim_transaction(claim), now);
    }
    if (claim_rows(claim) > 0) {
        relay_trim_later(relay);
        pace_claimed(&relay->pace, now, claim_rows(claim));
        log_debug("claimed", LOG_TEXT("kind", kinds[range->kind]), LOG_INT("events", claim_rows(claim)),
                  LOG_INT("last_id", claim_last_id(claim)));
    }
    offer_soon(relay);
    relay_soon(relay);
}

static void on_offered(void *context, struct claim *claim) {
    struct relay *relay = context;
    relay->sink.flush(relay->sink.self, claim);
    if (relay->cut) {
        claim_cut(claim);
    }
    relay_soon(relay);
}

static int64_t on_snapshot(void *context, struct claim *claim, const char *snapshot, int64_t newest) {
    (void)claim;
    struct relay *relay = context;
    return turns_snapshot(relay->turns, snapshot, newest);
}

static void on_finished(void *context, struct claim *claim) {
    struct relay *relay = context;
    if (claim == relay->turn) {
        relay->turn = NULL;
        claim_leave_unmarked(claim, relay->ledger);
        offer_soon(relay); // what has waited for it
        turns_finished(relay->turns, claim, clock_monotonic_us());
    } else if (claim_lowest_let_go(claim) > 0) {
        agenda_let_go(relay->agenda, claim_lowest_let_go(claim), clock_monotonic_us());
    } else if (claim_is_marked(claim)) {
        agenda_finished(relay->agenda, claim_range(claim), claim_rows(claim), claim_last_id(claim));
    }
    if (claim_rows(claim) > 0) {
        pace_activity(&relay->pace, clock_monotonic_us());
    }
    // What it made wait was not to be seen by the walk that began when the wait was over.
    if (relay->opened_at >= claim_began_at(claim)) {
        relay->walk_at = clock_monotonic_us();
    }
    relay_schedule(relay);
}

static void on_drained(void *context) {
    struct relay *relay = context;
    offer_soon(relay);
    relay_soon(relay);
}

static struct delivery on_left(void *context, struct delivery delivery, const char *reason,
                               int64_t ends_in_us) {
    struct relay *relay = context;
    const struct outcome later = {.kind = OUTCOME_RETRY, .retry_after_us = ends_in_us, .reason = reason};
    struct late_event *event = late_add(&relay->late, delivery.claim, delivery.row);
    claim_count_for(delivery.claim, delivery.row, NULL); // it is counted at its real end
    figures_claimed(&relay->figures);
    on_settled(relay, delivery, &later);
    return (struct delivery){event, LATE_ROW};
}

void flow_renew_ordered(struct relay *relay) {
    free(relay->ordered_sql);
    relay->ordered_sql = routes_ordered_sql_without(relay->routes, relay->sink.is_late, relay->sink.self);
}

// A topic takes events again. What turns have left out meanwhile is looked for from the floor on.
static void on_recovered(void *context) {
    struct relay *relay = context;
    if (relay->state == RELAY_RUNNING) {
        flow_renew_ordered(relay);
        turns_reset(relay->turns, agenda_floor(relay->agenda));
    }
    relay->walk_at = relay->opened_at = clock_monotonic_us();
    relay_soon(relay);
}

static bool may_send(void *context, struct delivery delivery) {
    (void)context;
    return claim_may_publish(delivery.claim);
}

static void leave_late(struct relay *relay, int64_t now) {
    if (relay->turn != NULL && now - claim_began_at(relay->turn) >= LATE_US) {
        relay->sink.leave(relay->sink.self, relay->turn);
        flow_renew_ordered(relay);
    }
}

// (A sink may drop some of the turn, too, which the rest must not overtake.)
static void drop_overdue(struct relay *relay, struct claim *overdue) {
    int before = relay->turn != NULL ? claim_unsettled(relay->turn) : 0;
    claim_let_go(overdue);
    relay->sink.drop(relay->sink.self, overdue);
    bool touched = relay->turn != NULL && claim_unsettled(relay->turn) < before;
    relay->turn_is_full = relay->turn_is_full || touched;
}

// A turn has its time; so has a claim, whatever SNS does: what has not even been sent is given back.
void flow_limit_claims(struct relay *relay, int64_t now) {
    int64_t began_before = now - relay->settings->claim_timeout;
    struct claim *overdue = claim_pool_overdue(relay->claims, began_before, NULL);
    for (; overdue != NULL; overdue = claim_pool_overdue(relay->claims, began_before, overdue)) {
        drop_overdue(relay, overdue);
    }
    if (relay->turn != NULL && claim_is_publishing(relay->turn) &&
        now - claim_began_at(relay->turn) >= TURN_US) {
        relay->sink.drop(relay->sink.self, relay->turn);
        leave_late(relay, now);
    }
    if (relay->turn != NULL && now >= relay->pong_at) {
        relay->pong_at = now + CLAIM_PING_ORDERED_US;
        claim_ping(relay->turn);
    }
}

static bool on_walked(void *context, struct slice event_type) {
    struct relay *relay = context;
    const char *reason;
    struct topic *topic = routes_topic(relay->routes, event_type, &reason);
    return topic != NULL ? relay->sink.admits(relay->sink.self, topic) : !relay->sink.needs_topic;
}

// A long walk is not taken so often, unless something begins it.
static void pace_walk(struct relay *relay) {
    int64_t now = clock_monotonic_us();
    int64_t pause = WALK_SHARE * (now - relay->walk_began_at);
    if (relay->walk_at > now && relay->walk_at < now + pause) {
        relay->walk_at = now + pause;
    }
}

static void on_walk_stepped(void *context, int64_t released) {
    struct relay *relay = context;
    if (!walk_has_more(relay->walk)) {
        pace_walk(relay);
    }
    if (released > 0) {
        log_debug("let go of events that waited", LOG_INT("events", released));
        agenda_expect_due(relay->agenda, clock_monotonic_us());
        turns_expect(relay->turns);
        pace_activity(&relay->pace, clock_monotonic_us());
    }
    relay_soon(relay);
}

static void begin_walk(struct relay *relay, int64_t now, int64_t most) {
    relay->walk_began_at = now;
    walk_begin(relay->walk, most);
}

// (A walk that is not over lets go of enough.)
static void on_probing(void *context, int events) {
    struct relay *relay = context;
    if (relay->state == RELAY_RUNNING && !walk_is_taken(relay->walk)) {
        begin_walk(relay, clock_monotonic_us(), events);
        relay_soon(relay);
    }
}

// Step by step, as what has come due is sent; but what is due of a late topic is not sent now. What waits
// behind an event in the ledger is to be found by the walk that begins when that is marked.
void flow_walk(struct relay *relay, int64_t now) {
    if (ledger_untried(relay->ledger) > 0) {
        return;
    }
    if (now >= relay->walk_at) {
        relay->walk_at = now + WALK_US;
        begin_walk(relay, now, INT64_MAX);
    }
    if (walk_has_more(relay->walk) && (!agenda_is_due(relay->agenda, now) || relay->late.count > 0)) {
        session_walk(relay->session, relay->walk, relay->settings->parked_head == PARKED_HEAD_BLOCKS);
    }
}

struct claim_listener flow_claim_listener(struct relay *relay) {
    return (struct claim_listener){.context = relay,
                                   .ready = on_claim_ready,
                                   .arrived = on_arrived,
                                   .fetched = on_fetched,
                                   .claimed = on_claimed,
                                   .offered = on_offered,
                                   .snapshot = on_snapshot,
                                   .finished = on_finished};
}

struct walk_listener flow_walk_listener(struct relay *relay) {
    return (struct walk_listener){.context = relay, .admits = on_walked, .stepped = on_walk_stepped};
}

struct sink_listener flow_sink_listener(struct relay *relay) {
    return (struct sink_listener){.context = relay,
                                  .settled = on_settled,
                                  .drained = on_drained,
                                  .recovered = on_recovered,
                                  .probing = on_probing,
                                  .left = on_left,
                                  .may_send = may_send};
}
