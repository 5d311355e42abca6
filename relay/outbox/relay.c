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
    TOPICLESS_RETRY_US = 60000000,
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
    relay->sink.drop(relay->sink.self); // the rows are locked no more: only what is under way already goes on
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

// One claim fetches at a time, so that each begins where the one before has ended; publishing and marking
// overlap.
static void start_claim(struct relay *relay, int64_t now) {
    struct range range;
    int64_t rest = relay->sink.resting_us(relay->sink.self);
    bool resting = rest > 0;
    if (resting) {
        agenda_hold_due(relay->agenda, now + rest); // most of them are due because they failed
    }
    bool may = !is_reading(relay) && !relay->sink.full(relay->sink.self) &&
               agenda_next(relay->agenda, now, (int)relay->settings->batch_rows, &range) &&
               (!resting || may_probe(relay, now));
    struct claim *claim = may ? idle_claim(relay) : NULL;
    if (claim != NULL) {
        agenda_started(relay->agenda, &range, now);
        claim_start(claim, &range);
    }
}

static void on_settled(void *context, struct delivery delivery, const struct outcome *outcome) {
    struct relay *relay = context;
    relay->sent += outcome->sent;
    relay->deferred += !outcome->sent && !outcome->let_go;
    claim_settle(delivery.claim, delivery.row, outcome);
}

// An event that another claim still holds here was let go by the server, because that claim's session has
// ended; the news is on its way. It may be sent already.
static bool held_by_another(const struct relay *relay, const struct claim *claim, int64_t id) {
    return claim_range(claim)->kind != RANGE_FORWARD && claim_pool_holds(relay->claims, claim, id);
}

static void on_claimed(void *context, struct claim *claim, const struct outbox_event *event, int row) {
    struct relay *relay = context;
    const struct delivery delivery = {claim, row};
    if (relay->cut || held_by_another(relay, claim, event->id)) {
        const struct outcome let_go = {.let_go = true};
        on_settled(relay, delivery, &let_go);
        return;
    }
    const char *reason = NULL;
    struct topic *topic = routes_topic(relay->routes, event->event_type, &reason);
    if (topic == NULL && relay->sink.needs_topic) {
        const struct outcome topicless = {.retry_after_us = TOPICLESS_RETRY_US, .reason = reason};
        on_settled(relay, delivery, &topicless);
        return;
    }
    relay->sink.offer(relay->sink.self, event, topic, delivery);
    if (relay->sink.full(relay->sink.self)) {
        claim_pause(claim);
    }
}

static void on_fetched(void *context, struct claim *claim) {
    static const char *const kinds[] = {"forward", "gap", "due", "sweep"};
    struct relay *relay = context;
    int64_t now = clock_monotonic_us();
    const struct range *range = claim_range(claim);
    agenda_fetched(relay->agenda, range, claim_rows(claim), claim_last_id(claim), claim_transaction(claim),
                   now);
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

static void on_finished(void *context, struct claim *claim) {
    struct relay *relay = context;
    if (claim_rows(claim) > 0) {
        pace_activity(&relay->pace, clock_monotonic_us());
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
    pace_looked(&relay->pace, now, agenda_is_loaded(relay->agenda),
                pace_slowest(session_can_sleep(relay->session), relay->settings->poll_interval));
    bool work = agenda_has_work(relay->agenda, now) || !agenda_is_settled(relay->agenda) ||
                !session_can_sleep(relay->session);
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
    return !relay->looking && !claim_pool_is_busy(relay->claims) && !agenda_has_work(relay->agenda, now) &&
           agenda_is_settled(relay->agenda);
}

static void on_slept(void *context, bool locked) {
    struct relay *relay = context;
    relay->sleep = locked ? LAST_LOOK : AWAKE;
    if (locked &&
        (claim_pool_is_busy(relay->claims) || agenda_has_work(relay->agenda, clock_monotonic_us()))) {
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
    } else {
        agenda_expect_new(relay->agenda);
    }
    wake(relay);
    schedule(relay);
}

static void on_routes_changed(void *context) {
    struct relay *relay = context;
    if (relay->state == RELAY_RUNNING) {
        session_release_topicless(relay->session);
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
        relay->sink.drop(relay->sink.self);
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

// While the sink rests because everything fails, looking goes on at the poll interval.
static int64_t until_next(const struct relay *relay, int64_t now) {
    int64_t due = agenda_next_at(relay->agenda) - now;
    if (is_reading(relay) || relay->sleep == ASKING) {
        return ANSWER_US; // the answer calls again
    }
    if (relay->sleep == ASLEEP) {
        int64_t longest = pace_asleep(&relay->pace, now, agenda_has_gaps(relay->agenda));
        return due < longest ? due : longest;
    }
    int64_t wait = relay->pace.next_look - now;
    int64_t rest = relay->sink.resting_us(relay->sink.self);
    if (rest > 0) {
        return rest < relay->settings->poll_interval ? rest : relay->settings->poll_interval;
    }
    // Due or to be read again, but nobody is free to do it: the end of a claim calls again.
    return due > 0 && due < wait ? due : wait;
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
        if (!claim_pool_is_busy(relay->claims)) {
            session_store_floor(relay->session, agenda_floor(relay->agenda));
        }
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
                                                  .finished = on_finished};
    const struct claim_options claim_options = {.conninfo = settings->database_url,
                                                .retry_base_us = settings->retry_base,
                                                .retry_max_us = settings->retry_max,
                                                .idle_limit_us = FROZEN_US};
    relay->base = base;
    relay->settings = settings;
    relay->routes = routes;
    relay->ledger = ledger_new();
    relay->agenda = agenda_new();
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
    ledger_free(relay->ledger);
    event_free(relay->timer);
    event_free(relay->shutdown_timer);
    free(relay);
}

struct sink_listener relay_listener(struct relay *relay) {
    return (struct sink_listener){
        .context = relay, .settled = on_settled, .drained = on_drained, .broken = on_sink_broken};
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
