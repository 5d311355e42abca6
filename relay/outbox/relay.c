// SPDX-License-Identifier: Apache-2.0
#include "outbox/relay.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "outbox/relay_state.h"

#include <stdlib.h>

enum {
    ANSWER_LIMIT_US = 30000000, // a server that does not answer for so long is lost
    PING_US = 10000000,         // between pings of the claims that wait for their events
    ANSWER_US = 1000000,        // while an answer from the database is awaited
    LEAD_RETRY_US = 1000000,    // how often a relay that does not hold the waker lock asks for it
    ROUTES_US = 30000000,       // how often routes and trigger are read, where no notification comes
    RECONNECT_BASE_US = 100000,
    RECONNECT_MAX_US = 2000000,
    STABLE_US = 10000000,       // a connection that held for so long was good
    BUSY_TURN_US = 100000,      // how often to look after a turn
    MARKING_GRACE_US = 2000000, // after the shutdown time-out, for marking what is known to be sent
    TRIM_US = 1000000,          // quiet for so long, memory that a burst has taken is given back
    MARK_RETRY_US = 1000000,    // events in the ledger whose rows are locked
    FROZEN_US = 30000000,       // the server ends the claims of a relay that has not pinged for so long
};

static void set_timer(struct event *timer, int64_t delay_us) {
    int64_t delay = delay_us > 0 ? delay_us : 0;
    const struct timeval wait = {.tv_sec = delay / 1000000, .tv_usec = delay % 1000000};
    evtimer_add(timer, &wait);
}

void relay_soon(struct relay *relay) {
    set_timer(relay->timer, 0);
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
void relay_break_off(struct relay *relay, const struct error *error) {
    if (relay->state == RELAY_BROKEN || relay->state == RELAY_ENDED) {
        return;
    }
    int64_t now = clock_monotonic_us();
    bool was_stable = relay->state == RELAY_RUNNING && now - relay->ready_at > STABLE_US;
    relay->lost_at = relay->state == RELAY_RUNNING ? now : relay->lost_at;
    relay->lost = *error;
    relay->state = RELAY_BROKEN;
    session_close(relay->session);
    claim_pool_abandon(relay->claims, relay->ledger);
    ledger_forget_failed(relay->ledger);
    walk_forget(relay->walk);
    relay->sink.drop(relay->sink.self,
                     NULL); // the rows are locked no more: only what is under way already goes on
    if (relay->turn != NULL && relay->sink.orders_all) { // handlers, whose end may be far
        relay->sink.leave(relay->sink.self, relay->turn);
    }
    relay->turn = NULL;
    if (!relay->ever_ready) {
        relay->failure = *error;
        end_loop(relay);
        return;
    }
    if (was_stable) {
        relay->connect_failures = 0;
    }
    int64_t delay = backoff_us(++relay->connect_failures, RECONNECT_BASE_US, RECONNECT_MAX_US);
    log_error("the database is lost, connecting again", LOG_TEXT("reason", error->text),
              LOG_INT("delay_ms", delay / 1000),
              LOG_INT("events_under_way", claim_pool_unsettled(relay->claims)));
    set_timer(relay->timer, delay);
}

static void on_session_lost(void *context, const struct error *error) {
    relay_break_off(context, error);
}

static void on_claim_lost(void *context, struct claim *claim, const struct error *error) {
    struct relay *relay = context;
    if (claim_pool_spare(relay->claims, claim, clock_monotonic_us())) {
        log_warn("a further connection to PostgreSQL cannot be opened", LOG_TEXT("reason", error->text));
    } else {
        relay_break_off(relay, error);
    }
}

static void connect_session(struct relay *relay) {
    struct error error = {0};
    relay->state = RELAY_CONNECTING;
    if (!session_connect(relay->session, relay->base, relay->settings->database_url, &error)) {
        relay_break_off(relay, &error);
    }
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
    agenda_pruned(relay->agenda, session_pruned_to(relay->session));
    turns_reset(relay->turns, floor);
    flow_renew_ordered(relay);
    relay->walk_at = now;
    if (ledger_count(relay->ledger) > 0) { // accepted while the connection was made
        session_mark(relay->session);
    }
    log_info(relay->ever_ready ? "connected again" : "ready", LOG_INT("floor", floor),
             LOG_TEXT("wake_up", session_can_sleep(relay->session) ? "listen" : "poll"));
    relay->ever_ready = true;
    flow_idle_claim(relay); // opens the first connection
    relay_schedule(relay);
}

// Answers that are to come to late events, or accepted ones that are to be marked.
static bool owes_marks(const struct relay *relay) {
    return relay->late.count > 0 || ledger_count(relay->ledger) > 0;
}

// The last thing before the end: whatever is in flight has been marked.
static void on_floor_stored(void *context) {
    struct relay *relay = context;
    agenda_pruned(relay->agenda, session_pruned_to(relay->session));
    if (relay->stopping && !claim_pool_is_busy(relay->claims) && !owes_marks(relay)) {
        end_loop(relay);
    }
}

static int count_under_way(const struct relay *relay) {
    return claim_pool_unsettled(relay->claims) + relay->late.count + ledger_count(relay->ledger);
}

static void on_shutdown_timeout(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct relay *relay = context;
    if (!relay->cut) {
        if (relay->failure.code == ERROR_NONE) {
            error_set(
                &relay->failure, ERROR_TIMEOUT,
                "%d events were still under way after OUTBOX_SHUTDOWN_TIMEOUT; they will be published again",
                count_under_way(relay));
        }
        relay->cut = true;
        relay->sink.drop(relay->sink.self, NULL);
        flow_offer(relay);
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
    log_info("stopping", LOG_INT("events_under_way", count_under_way(relay)));
    set_timer(relay->shutdown_timer, relay->settings->shutdown_timeout);
    if (relay->state == RELAY_CONNECTING && !owes_marks(relay)) {
        end_loop(relay);
    } else {
        relay_soon(relay);
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
    int64_t turn = flow_has_turn(relay) ? turns_next_at(relay->turns) : INT64_MAX;
    int64_t due = earlier(agenda_next_at(relay->agenda), turn) - now;
    if (relay->turn != NULL) {
        return BUSY_TURN_US;
    }
    if (flow_is_reading(relay) || relay->sleep == ASKING) {
        return ANSWER_US; // the answer calls again
    }
    due = earlier(due, relay->walk_at - now);
    if (ledger_count(relay->ledger) > 0) {
        due = earlier(due, relay->mark_at - now);
    }
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

static void do_chores(struct relay *relay, int64_t now) {
    if (now >= relay->lead_at) {
        relay->lead_at = now + LEAD_RETRY_US;
        session_try_lead(relay->session);
    }
    if (ledger_count(relay->ledger) > 0 && now >= relay->mark_at) {
        relay->mark_at = now + MARK_RETRY_US;
        session_mark(relay->session);
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

// A reload may have changed it.
static void read_policy(struct relay *relay) {
    const struct settings *settings = relay->settings;
    relay->policy = (struct retry_policy){.base_us = settings->retry_base,
                                          .max_us = settings->retry_max,
                                          .max_attempts = (int)settings->max_attempts,
                                          .parked_blocks = settings->parked_head == PARKED_HEAD_BLOCKS};
}

static void schedule_running(struct relay *relay) {
    int64_t now = clock_monotonic_us();
    read_policy(relay);
    if ((relay->looking || relay->sleep == ASKING) && now - relay->asked_at > ANSWER_LIMIT_US) {
        struct error error = {0};
        error_set(&error, ERROR_DATABASE, "PostgreSQL has not answered for %d s", ANSWER_LIMIT_US / 1000000);
        relay_break_off(relay, &error);
        return;
    }
    do_chores(relay, now);
    if (relay->stopping) {
        flow_limit_claims(relay, now);
        if (claim_pool_is_busy(relay->claims) || owes_marks(relay)) {
            set_timer(relay->timer, BUSY_TURN_US);
        } else {
            session_store_floor(relay->session, agenda_floor(relay->agenda));
        }
        return;
    }
    flow_walk(relay, now);
    flow_limit_claims(relay, now);
    if (relay->state != RELAY_RUNNING) {
        return;
    }
    if (relay->sleep == AWAKE && !flow_is_reading(relay) && now >= relay->pace.next_look) {
        watch_look(relay);
    }
    flow_start_claim(relay, now);
    if (relay->state != RELAY_RUNNING) {
        return;
    }
    if (relay->sleep == AWAKE) {
        watch_ask_left(relay, now);
        watch_try_sleep(relay, now);
    }
    set_timer(relay->timer, until_next(relay, now));
}

void relay_schedule(struct relay *relay) {
    if (relay->state == RELAY_RUNNING) {
        schedule_running(relay);
    }
}

static void schedule_broken(struct relay *relay) {
    relay->sink.drop(relay->sink.self, NULL); // what has come back since, to be sent again
    if (claim_pool_unsettled(relay->claims) > 0) {
        set_timer(relay->timer,
                  RECONNECT_BASE_US); // what is still under way must not be claimed a second time
    } else if (relay->stopping && !owes_marks(relay)) {
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
        watch_look(relay); // something is due, or it is time for the look in between
    }
    relay_schedule(relay);
}

void relay_trim_later(struct relay *relay) {
    if (!evtimer_pending(relay->trim_timer, NULL)) {
        set_timer(relay->trim_timer, TRIM_US);
    }
}

// (Not by the timer for everything else, which would wake a relay that sleeps.)
static void on_trim_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct relay *relay = context;
    int64_t left = relay->pace.last_activity + TRIM_US - clock_monotonic_us();
    if (left > 0 || claim_pool_is_busy(relay->claims) || claim_pool_unsettled(relay->claims) > 0) {
        set_timer(relay->trim_timer, left > 0 ? left : TRIM_US);
        return;
    }
    claim_pool_trim(relay->claims);
    if (relay->sink.trim != NULL) {
        relay->sink.trim(relay->sink.self);
    }
    memory_trim();
}

static void on_offer_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    flow_offer(context);
}

struct relay *relay_new(struct event_base *base, const struct settings *settings, struct routes *routes) {
    struct relay *relay = memory_allocate(1, sizeof *relay);
    struct session_listener session_listener = watch_session_listener(relay);
    session_listener.ready = on_session_ready;
    session_listener.lost = on_session_lost;
    session_listener.floor_stored = on_floor_stored;
    struct claim_listener claim_listener = flow_claim_listener(relay);
    claim_listener.lost = on_claim_lost;
    const struct walk_listener walk_listener = flow_walk_listener(relay);
    relay->settings = settings;
    read_policy(relay);
    const struct claim_options claim_options = {
        .conninfo = &settings->database_url, .policy = &relay->policy, .idle_limit_us = FROZEN_US};
    relay->base = base;
    relay->routes = routes;
    relay->ledger = ledger_new();
    relay->agenda = agenda_new();
    relay->turns = turns_new();
    relay->walk = walk_new(&walk_listener);
    relay->session = session_new(&session_listener, routes, relay->ledger);
    relay->claims = claim_pool_new((int)settings->claims, &claim_listener, &claim_options);
    relay->lost_at = clock_monotonic_us();
    relay->timer = evtimer_new(base, on_timer, relay);
    relay->offer_timer = evtimer_new(base, on_offer_timer, relay);
    relay->trim_timer = evtimer_new(base, on_trim_timer, relay);
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
    late_free(&relay->late);
    free(relay->ordered_sql);
    free(relay->routed_sql);
    event_free(relay->timer);
    event_free(relay->offer_timer);
    event_free(relay->trim_timer);
    event_free(relay->shutdown_timer);
    free(relay);
}

struct sink_listener relay_listener(struct relay *relay) {
    struct sink_listener listener = flow_sink_listener(relay);
    listener.broken = on_sink_broken;
    return listener;
}

bool relay_start(struct relay *relay, const struct sink *sink, struct error *error) {
    relay->sink = *sink;
    figures_init(&relay->figures, sink->name);
    if (sink->orders_all) {
        routes_order_all(relay->routes);
    }
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
