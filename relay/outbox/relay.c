// SPDX-License-Identifier: Apache-2.0
#include "outbox/relay.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "outbox/agenda.h"
#include "outbox/claim_pool.h"
#include "outbox/pace.h"
#include "outbox/session.h"
#include "outbox/turns.h"
#include "outbox/walk.h"

#include <stdlib.h>

enum {
    FLOOR_STORE_US = 5000000,   // how often the floor is stored while it moves
    ANSWER_LIMIT_US = 30000000, // a server that does not answer for so long is lost
    PING_US = 10000000,         // between pings of the claims that wait for their events
    ANSWER_US = 1000000,        // while an answer from the database is awaited
    LEAD_RETRY_US = 1000000,    // how often a relay that does not hold the waker lock asks for it
    ROUTES_US = 30000000,       // how often routes and trigger are read, where no notification comes
    RECONNECT_BASE_US = 100000,
    RECONNECT_MAX_US = 5000000,
    STABLE_US = 10000000, // a connection that held for so long was good
    TURN_US =
        250000, // a turn of ordered events is cut short, so that new ones do not wait for a slow aggregate
    BUSY_TURN_US = 100000, // how often to look after a turn
    WALK_US = 30000000,    // how often to walk along what waits, though changes begin a walk at once
    PROBE_ROWS = 100,
    MARKING_GRACE_US = 2000000, // after the shutdown time-out, for marking what is known to be sent
    FROZEN_US = 30000000,       // the server ends the claims of a relay that has not pinged for so long
};

// While RELAY_BROKEN all connections are closed and what is under way at the sink is waited for.
enum relay_state { RELAY_CONNECTING, RELAY_RUNNING, RELAY_BROKEN, RELAY_ENDED };

// Falling asleep takes two answers: the lock, then a last look. See session.h.
enum sleep_state { AWAKE, ASKING, LAST_LOOK, ASLEEP };

struct relay {
    struct event_base *base;
    const struct settings *settings;
    struct routes *routes;
    struct sink sink;
    struct session *session;
    struct ledger *ledger;
    struct agenda *agenda;
    struct pace pace;
    struct claim_pool *claims;
    struct turns *turns;
    struct claim *turn; // the claim of ordered events that is busy, or NULL
    struct walk *walk;
    struct event *timer;
    struct event *shutdown_timer;
    enum relay_state state;
    enum sleep_state sleep;
    bool stopping;
    bool cut; // the shutdown time-out has passed
    bool ever_ready;
    bool looking;
    bool asking_left;
    int connect_failures; // in a row, none of which lasted
    int64_t ready_at;     // when the connection was made
    int64_t floor_stored;
    int64_t floor_stored_at;
    int64_t asked_at;  // when the answer that is awaited was asked for
    int64_t probe_at;  // when to try something new while the sink rests
    int64_t ping_at;   // when to ping the claims that wait for their events
    int64_t lead_at;   // when to ask for the waker lock again
    int64_t routes_at; // when to read the routes again
    int64_t pong_at;   // when to ping the turn of ordered events
    int64_t walk_at;   // when to walk along what waits
    int64_t opened_at; // when something was fit again that events may have waited for
    int64_t sent;
    int64_t deferred;
    struct error failure;
};

static void schedule(struct relay *relay);

static void set_timer(struct event *timer, int64_t delay_us) {
    int64_t delay = delay_us > 0 ? delay_us : 0;
    const struct timeval wait = {.tv_sec = delay / 1000000, .tv_usec = delay % 1000000};
    evtimer_add(timer, &wait);
}

static void end_loop(struct relay *relay) {
    if (relay->state == RELAY_ENDED) {
        return;
    }
    relay->state = RELAY_ENDED;
    event_base_loopbreak(relay->base);
    if (!relay->ever_ready) {
        return;
    }
    log_info("stopped", LOG_INT("sent", relay->sent), LOG_INT("deferred", relay->deferred),
             LOG_INT("rescued", agenda_rescued(relay->agenda)));
}

// Whatever fails, all connections are closed and the relay begins anew from what is stored: after a failover
// nothing that it remembers need be true.
static void break_off(struct relay *relay, const struct error *error) {
    if (relay->state == RELAY_BROKEN || relay->state == RELAY_ENDED) {
        return;
    }
    relay->state = RELAY_BROKEN;
    session_close(relay->session);
    claim_pool_abandon(relay->claims, relay->ledger);
    relay->turn = NULL;
    walk_forget(relay->walk);
    relay->sink.drop(relay->sink.self,
                     NULL); // the rows are locked no more: only what is under way already goes on
    if (!relay->ever_ready) {
        relay->failure = *error;
        end_loop(relay);
        return;
    }
    if (clock_monotonic_us() - relay->ready_at > STABLE_US) {
        relay->connect_failures = 0;
    }
    int64_t delay = backoff_us(++relay->connect_failures, RECONNECT_BASE_US, RECONNECT_MAX_US);
    log_error("the database is lost, connecting again", LOG_TEXT("reason", error->text),
              LOG_INT("delay_ms", delay / 1000),
              LOG_INT("events_under_way", claim_pool_unsettled(relay->claims)));
    set_timer(relay->timer, delay);
}

static void on_session_lost(void *context, const struct error *error) {
    break_off(context, error);
}

static void on_claim_lost(void *context, struct claim *claim, const struct error *error) {
    struct relay *relay = context;
    if (claim_pool_spare(relay->claims, claim, clock_monotonic_us())) {
        log_warn("a further connection to PostgreSQL cannot be opened", LOG_TEXT("reason", error->text));
    } else {
        break_off(relay, error);
    }
}

static void connect_session(struct relay *relay) {
    struct error error = {0};
    relay->state = RELAY_CONNECTING;
    if (!session_connect(relay->session, relay->base, relay->settings->database_url, &error)) {
        break_off(relay, &error);
    }
}

static struct claim *idle_claim(struct relay *relay) {
    struct error error = {0};
    struct claim *claim = claim_pool_idle(relay->claims, relay->base, clock_monotonic_us(), &error);
    if (error.code != ERROR_NONE) {
        break_off(relay, &error);
    }
    return claim;
}

static void on_session_ready(void *context, int64_t floor) {
    struct relay *relay = context;
    int64_t now = clock_monotonic_us();
    relay->state = RELAY_RUNNING;
    relay->sleep = AWAKE;
    relay->looking = relay->asking_left = false;
    relay->ready_at = now;
    relay->floor_stored = floor;
    relay->floor_stored_at = relay->lead_at = relay->routes_at = now;
    relay->pace = (struct pace){.last_activity = now};
    agenda_reset(relay->agenda, floor, now);
    turns_reset(relay->turns, floor);
    relay->walk_at = now;
    log_info(relay->ever_ready ? "connected again" : "ready", LOG_INT("floor", floor),
             LOG_TEXT("wake_up", session_can_sleep(relay->session) ? "listen" : "poll"));
    relay->ever_ready = true;
    idle_claim(relay); // opens the first connection
    schedule(relay);
}

static void on_claim_ready(void *context, struct claim *claim) {
    (void)claim;
    schedule(context);
}

// Looks and fetches take turns: of two that overlap, nobody knows which of them the server has seen first,
// and what is new since would have to be read twice.
static bool is_reading(const struct relay *relay) {
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

static bool has_turn(const struct relay *relay) {
    return routes_ordered_sql(relay->routes) != NULL && turns_pending(relay->turns);
}

static bool has_work(const struct relay *relay, int64_t now) {
    return has_turn(relay) || agenda_has_work(relay->agenda, now);
}

// Ordered events go first when they have a turn: others are claimed at any time.
static bool choose_range(struct relay *relay, int64_t now, int limit, struct range *range) {
    const char *ordered_sql = routes_ordered_sql(relay->routes);
    bool turn = ordered_sql != NULL && relay->turn == NULL && turns_next(relay->turns, now, limit, range);
    if (turn) {
        range->pooled = session_is_pooled(relay->session);
        range->after = agenda_floor(relay->agenda);
    }
    bool any = turn || agenda_next(relay->agenda, now, limit, range);
    range->ordered_sql = ordered_sql;
    return any;
}

// How many events to claim. While everything that is known rests, a few now and then.
static int claim_limit(struct relay *relay, int64_t now, bool resting) {
    int rows = (int)relay->settings->batch_rows;
    if (resting) {
        return may_probe(relay, now) ? (rows < PROBE_ROWS ? rows : PROBE_ROWS) : 0;
    }
    int room = relay->sink.room(relay->sink.self, routes_lead_to_one_topic(relay->routes));
    return room < rows ? room : rows;
}

// One claim fetches at a time, so that each begins where the one before has ended; publishing and marking
// overlap.
static void start_claim(struct relay *relay, int64_t now) {
    struct range range;
    int64_t rest = relay->sink.resting_us(relay->sink.self);
    if (is_reading(relay) || relay->sink.full(relay->sink.self)) {
        return;
    }
    if (rest > 0) {
        agenda_hold_due(relay->agenda, now + rest); // most of them are due because they failed
    }
    if (!has_work(relay, now) && !agenda_wants_sweep(relay->agenda, now)) {
        return;
    }
    int limit = claim_limit(relay, now, rest > 0);
    struct claim *claim = limit > 0 && choose_range(relay, now, limit, &range) ? idle_claim(relay) : NULL;
    if (claim == NULL) {
        return;
    }
    if (range.kind == RANGE_ORDERED) {
        relay->turn = claim;
        relay->pong_at = now + CLAIM_PING_ORDERED_US;
    } else {
        agenda_started(relay->agenda, &range, now);
    }
    claim_start(claim, &range);
}

static void on_settled(void *context, struct delivery delivery, const struct outcome *outcome) {
    struct relay *relay = context;
    relay->sent += outcome->kind == OUTCOME_SENT;
    relay->deferred += outcome->kind != OUTCOME_SENT && outcome->kind != OUTCOME_LET_GO;
    claim_settle(delivery.claim, delivery.row, outcome);
}

// An event that another claim still holds here was let go by the server, because that claim's session has
// ended; the news is on its way. It may be sent already.
static bool held_by_another(const struct relay *relay, const struct claim *claim, int64_t id) {
    return claim_range(claim)->kind != RANGE_FORWARD && claim_range(claim)->kind != RANGE_ORDERED &&
           claim_pool_holds(relay->claims, claim, id);
}

static void on_claimed(void *context, struct claim *claim, const struct outbox_event *event, int row) {
    struct relay *relay = context;
    const struct delivery delivery = {claim, row};
    if (relay->cut || held_by_another(relay, claim, event->id)) {
        const struct outcome let_go = {.kind = OUTCOME_LET_GO};
        on_settled(relay, delivery, &let_go);
        return;
    }
    const char *reason = NULL;
    struct topic *topic = routes_topic(relay->routes, event->event_type, &reason);
    if (topic == NULL && relay->sink.needs_topic) {
        const struct outcome topicless = {.kind = OUTCOME_WAIT, .reason = reason};
        on_settled(relay, delivery, &topicless);
        return;
    }
    relay->sink.offer(relay->sink.self, event, topic, delivery);
    if (relay->sink.full(relay->sink.self)) {
        claim_pause(claim);
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
        pace_activity(&relay->pace, now);
        log_debug("claimed", LOG_TEXT("kind", kinds[range->kind]), LOG_INT("events", claim_rows(claim)),
                  LOG_INT("last_id", claim_last_id(claim)));
    }
    relay->sink.flush(relay->sink.self);
    if (relay->cut) {
        claim_cut(claim);
    }
    set_timer(relay->timer, 0);
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
        turns_finished(relay->turns, claim, clock_monotonic_us());
    } else if (claim_lowest_let_go(claim) > 0) {
        agenda_let_go(relay->agenda, claim_lowest_let_go(claim), clock_monotonic_us());
    }
    if (claim_rows(claim) > 0) {
        pace_activity(&relay->pace, clock_monotonic_us());
    }
    // What it made wait was not to be seen by the walk that began when the wait was over.
    if (relay->opened_at >= claim_began_at(claim)) {
        relay->walk_at = clock_monotonic_us();
    }
    schedule(relay);
}

static void on_drained(void *context) {
    struct relay *relay = context;
    struct claim *claim = claim_pool_fetching(relay->claims);
    if (claim != NULL) {
        claim_resume(claim);
    }
    set_timer(relay->timer, 0);
}

// A topic takes events again.
static void on_recovered(void *context) {
    struct relay *relay = context;
    relay->walk_at = relay->opened_at = clock_monotonic_us();
    set_timer(relay->timer, 0);
}

static bool may_send(void *context, struct delivery delivery) {
    (void)context;
    return claim_may_publish(delivery.claim, clock_monotonic_us());
}

static bool on_walked(void *context, struct slice event_type) {
    struct relay *relay = context;
    const char *reason;
    struct topic *topic = routes_topic(relay->routes, event_type, &reason);
    return topic != NULL ? relay->sink.admits(relay->sink.self, topic) : !relay->sink.needs_topic;
}

static void on_walk_stepped(void *context, int64_t released) {
    struct relay *relay = context;
    if (released > 0) {
        log_debug("let go of events that waited", LOG_INT("events", released));
        agenda_expect_due(relay->agenda, clock_monotonic_us());
        turns_expect(relay->turns);
        pace_activity(&relay->pace, clock_monotonic_us());
    }
    set_timer(relay->timer, 0);
}

static void look(struct relay *relay) {
    int64_t floor;
    int64_t settle_to;
    bool thorough = relay->sleep == LAST_LOOK || relay->sleep == ASLEEP;
    relay->looking = true;
    relay->asked_at = clock_monotonic_us();
    agenda_begin_look(relay->agenda, thorough, &floor, &settle_to);
    session_look(relay->session, floor, settle_to);
}

static void wake(struct relay *relay) {
    if (relay->sleep == LAST_LOOK || relay->sleep == ASLEEP) {
        session_wake(relay->session);
        relay->sleep = AWAKE;
        log_debug("awake");
    } // ASKING: the lock may be granted already, so its answer is awaited
    pace_activity(&relay->pace, clock_monotonic_us());
}

static void store_floor(struct relay *relay, int64_t now) {
    relay->floor_stored = agenda_floor(relay->agenda);
    relay->floor_stored_at = now;
    session_store_floor(relay->session, relay->floor_stored);
}

static void on_looked(void *context, const struct look *found) {
    struct relay *relay = context;
    struct error error = {0};
    int64_t now = clock_monotonic_us();
    relay->looking = false;
    if (!agenda_looked(relay->agenda, found, now, &error)) {
        break_off(relay, &error);
        return;
    }
    turns_looked(relay->turns, found, agenda_has_news(relay->agenda));
    pace_looked(&relay->pace, now, agenda_is_loaded(relay->agenda),
                pace_slowest(session_can_sleep(relay->session), relay->settings->poll_interval));
    bool work =
        has_work(relay, now) || !agenda_is_settled(relay->agenda) || !session_can_sleep(relay->session);
    if (work && (relay->sleep == ASLEEP || relay->sleep == LAST_LOOK)) {
        wake(relay);
    } else if (relay->sleep == LAST_LOOK) {
        relay->sleep = ASLEEP;
        log_debug("asleep");
    }
    if (relay->sleep == AWAKE && now - relay->floor_stored_at >= FLOOR_STORE_US &&
        agenda_floor(relay->agenda) > relay->floor_stored) {
        store_floor(relay, now);
    }
    schedule(relay);
}

static bool is_quiet(const struct relay *relay, int64_t now) {
    return !relay->looking && !claim_pool_is_busy(relay->claims) && !has_work(relay, now) &&
           agenda_is_settled(relay->agenda);
}

static void on_slept(void *context, bool locked) {
    struct relay *relay = context;
    relay->sleep = locked ? LAST_LOOK : AWAKE;
    if (locked && (claim_pool_is_busy(relay->claims) || has_work(relay, clock_monotonic_us()))) {
        wake(relay);
    } else if (locked) {
        look(relay);
    } else {
        pace_sleep_refused(&relay->pace, clock_monotonic_us());
    }
    schedule(relay);
}

static void try_sleep(struct relay *relay, int64_t now) {
    if (relay->sleep == AWAKE && session_can_sleep(relay->session) && pace_may_sleep(&relay->pace, now) &&
        is_quiet(relay, now) && agenda_may_sleep(relay->agenda)) {
        if (agenda_floor(relay->agenda) > relay->floor_stored) {
            store_floor(relay, now);
        }
        relay->sleep = ASKING;
        relay->asked_at = now;
        session_try_sleep(relay->session);
    }
}

static void on_notified(void *context, enum session_news news) {
    struct relay *relay = context;
    if (relay->state != RELAY_RUNNING) {
        return;
    }
    if (news == NEWS_ROUTES) {
        session_read_routes(relay->session);
    } else if (news == NEWS_HELD) {
        relay->walk_at = clock_monotonic_us();
    } else {
        agenda_expect_new(relay->agenda);
        turns_expect(relay->turns);
    }
    wake(relay);
    schedule(relay);
}

static void on_routes_changed(void *context) {
    struct relay *relay = context;
    if (relay->state == RELAY_RUNNING) {
        relay->walk_at = relay->opened_at = clock_monotonic_us();
        turns_expect(relay->turns); // events may have become ordered ones
        wake(relay);
        schedule(relay);
    }
}

static void on_left(void *context, bool any) {
    struct relay *relay = context;
    relay->asking_left = false;
    if (!any) {
        relay_stop(relay);
    }
}

static void ask_left(struct relay *relay, int64_t now) {
    if (relay->settings->until_empty && !relay->asking_left && is_quiet(relay, now) &&
        pace_may_ask(&relay->pace, now)) {
        relay->asking_left = true;
        session_ask_left(relay->session, agenda_floor(relay->agenda));
    }
}

// The last thing before the end: whatever is in flight has been marked.
static void on_floor_stored(void *context) {
    struct relay *relay = context;
    if (relay->stopping && !claim_pool_is_busy(relay->claims)) {
        end_loop(relay);
    }
}

static void on_shutdown_timeout(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct relay *relay = context;
    if (!relay->cut) {
        error_set(
            &relay->failure, ERROR_TIMEOUT,
            "%d events were still under way after OUTBOX_SHUTDOWN_TIMEOUT; they will be published again",
            claim_pool_unsettled(relay->claims));
        relay->cut = true;
        relay->sink.drop(relay->sink.self, NULL);
        claim_pool_cut(relay->claims);
        set_timer(relay->shutdown_timer, MARKING_GRACE_US);
    } else {
        end_loop(relay);
    }
}

void relay_stop(struct relay *relay) {
    if (relay->stopping || relay->state == RELAY_ENDED) {
        return;
    }
    relay->stopping = true;
    log_info("stopping", LOG_INT("events_under_way", claim_pool_unsettled(relay->claims)));
    set_timer(relay->shutdown_timer, relay->settings->shutdown_timeout);
    if (relay->state == RELAY_CONNECTING && ledger_count(relay->ledger) == 0) {
        end_loop(relay);
    } else {
        set_timer(relay->timer, 0);
    }
}

// The sink has no other end any more.
static void on_sink_broken(void *context, const struct error *error) {
    struct relay *relay = context;
    if (relay->failure.code == ERROR_NONE) {
        relay->failure = *error;
        relay_stop(relay);
    }
}

static int64_t earlier(int64_t one, int64_t other) {
    return one < other ? one : other;
}

// While the sink rests because everything fails, looking goes on at the poll interval.
static int64_t until_next(const struct relay *relay, int64_t now) {
    int64_t turn = has_turn(relay) ? turns_next_at(relay->turns) : INT64_MAX;
    int64_t due = earlier(agenda_next_at(relay->agenda), turn) - now;
    if (relay->turn != NULL) {
        return BUSY_TURN_US;
    }
    if (is_reading(relay) || relay->sleep == ASKING) {
        return ANSWER_US; // the answer calls again
    }
    due = earlier(due, relay->walk_at - now);
    if (relay->sleep == ASLEEP) {
        return earlier(due, pace_asleep(&relay->pace, now, agenda_has_gaps(relay->agenda)));
    }
    int64_t wait = relay->pace.next_look - now;
    int64_t rest = relay->sink.resting_us(relay->sink.self);
    if (rest > 0) {
        return earlier(rest, relay->settings->poll_interval);
    }
    // Due or to be read again, but nobody is free to do it: the end of a claim calls again.
    return due > 0 && due < wait ? due : wait;
}

// A turn has its time; so has a claim, whatever SNS does: what has not even been sent is given back.
static void limit_claims(struct relay *relay, int64_t now) {
    struct claim *overdue = claim_pool_overdue(relay->claims, now - relay->settings->claim_timeout);
    if (overdue != NULL) {
        relay->sink.drop(relay->sink.self, overdue);
    }
    if (relay->turn != NULL && claim_is_publishing(relay->turn) &&
        now - claim_began_at(relay->turn) >= TURN_US) {
        relay->sink.drop(relay->sink.self, relay->turn);
    }
    if (relay->turn != NULL && now >= relay->pong_at) {
        relay->pong_at = now + CLAIM_PING_ORDERED_US;
        claim_ping(relay->turn);
    }
}

// Step by step, as what has come due is sent.
static void walk_along(struct relay *relay, int64_t now) {
    if (now >= relay->walk_at) {
        relay->walk_at = now + WALK_US;
        walk_begin(relay->walk);
    }
    if (walk_has_more(relay->walk) && !agenda_is_due(relay->agenda, now)) {
        session_walk(relay->session, relay->walk, relay->settings->parked_head == PARKED_HEAD_BLOCKS);
    }
}

static void do_chores(struct relay *relay, int64_t now) {
    if (now >= relay->lead_at) {
        relay->lead_at = now + LEAD_RETRY_US;
        session_try_lead(relay->session);
    }
    if (now >= relay->ping_at) {
        relay->ping_at = now + PING_US;
        claim_pool_ping(relay->claims);
    }
    if (now >= relay->routes_at) {
        relay->routes_at = now + ROUTES_US;
        session_read_routes(relay->session);
    }
}

static void schedule_running(struct relay *relay) {
    int64_t now = clock_monotonic_us();
    if ((relay->looking || relay->sleep == ASKING) && now - relay->asked_at > ANSWER_LIMIT_US) {
        struct error error = {0};
        error_set(&error, ERROR_DATABASE, "PostgreSQL has not answered for %d s", ANSWER_LIMIT_US / 1000000);
        break_off(relay, &error);
        return;
    }
    do_chores(relay, now);
    if (relay->stopping) {
        limit_claims(relay, now);
        if (!claim_pool_is_busy(relay->claims)) {
            session_store_floor(relay->session, agenda_floor(relay->agenda));
        }
        return;
    }
    walk_along(relay, now);
    limit_claims(relay, now);
    if (relay->state != RELAY_RUNNING) {
        return;
    }
    if (relay->sleep == AWAKE && !is_reading(relay) && now >= relay->pace.next_look) {
        look(relay);
    }
    start_claim(relay, now);
    if (relay->state != RELAY_RUNNING) {
        return;
    }
    if (relay->sleep == AWAKE) {
        ask_left(relay, now);
        try_sleep(relay, now);
    }
    set_timer(relay->timer, until_next(relay, now));
}

static void schedule(struct relay *relay) {
    if (relay->state == RELAY_RUNNING) {
        schedule_running(relay);
    }
}

static void schedule_broken(struct relay *relay) {
    if (claim_pool_unsettled(relay->claims) > 0) {
        set_timer(relay->timer,
                  RECONNECT_BASE_US); // what is still under way must not be claimed a second time
    } else if (relay->stopping && ledger_count(relay->ledger) == 0) {
        end_loop(relay);
    } else {
        connect_session(relay);
    }
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct relay *relay = context;
    if (relay->state == RELAY_BROKEN) {
        schedule_broken(relay);
        return;
    }
    if (relay->state == RELAY_RUNNING && relay->sleep == ASLEEP && !relay->looking) {
        look(relay); // something is due, or it is time for the look in between
    }
    schedule(relay);
}

struct relay *relay_new(struct event_base *base, const struct settings *settings, struct routes *routes) {
    struct relay *relay = memory_allocate(1, sizeof *relay);
    const struct session_listener session_listener = {.context = relay,
                                                      .ready = on_session_ready,
                                                      .lost = on_session_lost,
                                                      .looked = on_looked,
                                                      .slept = on_slept,
                                                      .notified = on_notified,
                                                      .routes_changed = on_routes_changed,
                                                      .floor_stored = on_floor_stored,
                                                      .left = on_left};
    const struct claim_listener claim_listener = {.context = relay,
                                                  .ready = on_claim_ready,
                                                  .lost = on_claim_lost,
                                                  .claimed = on_claimed,
                                                  .fetched = on_fetched,
                                                  .snapshot = on_snapshot,
                                                  .finished = on_finished};
    const struct walk_listener walk_listener = {
        .context = relay, .admits = on_walked, .stepped = on_walk_stepped};
    const struct claim_options claim_options = {
        .conninfo = settings->database_url,
        .policy = {.base_us = settings->retry_base,
                   .max_us = settings->retry_max,
                   .max_attempts = (int)settings->max_attempts,
                   .parked_blocks = settings->parked_head == PARKED_HEAD_BLOCKS},
        .idle_limit_us = FROZEN_US};
    relay->base = base;
    relay->settings = settings;
    relay->routes = routes;
    relay->ledger = ledger_new();
    relay->agenda = agenda_new();
    relay->turns = turns_new();
    relay->walk = walk_new(&walk_listener);
    relay->session = session_new(&session_listener, routes, relay->ledger);
    relay->claims = claim_pool_new((int)settings->claims, &claim_listener, &claim_options);
    relay->timer = evtimer_new(base, on_timer, relay);
    relay->shutdown_timer = evtimer_new(base, on_shutdown_timeout, relay);
    return relay;
}

void relay_free(struct relay *relay) {
    if (relay == NULL) {
        return;
    }
    session_free(relay->session);
    claim_pool_free(relay->claims);
    agenda_free(relay->agenda);
    turns_free(relay->turns);
    walk_free(relay->walk);
    ledger_free(relay->ledger);
    event_free(relay->timer);
    event_free(relay->shutdown_timer);
    free(relay);
}

struct sink_listener relay_listener(struct relay *relay) {
    return (struct sink_listener){.context = relay,
                                  .settled = on_settled,
                                  .drained = on_drained,
                                  .recovered = on_recovered,
                                  .broken = on_sink_broken,
                                  .may_send = may_send};
}

bool relay_start(struct relay *relay, const struct sink *sink, struct error *error) {
    relay->sink = *sink;
    connect_session(relay);
    if (relay->state == RELAY_ENDED) {
        *error = relay->failure;
        return false;
    }
    return true;
}

bool relay_result(const struct relay *relay, struct error *error) {
    *error = relay->failure;
    return relay->failure.code == ERROR_NONE;
}
