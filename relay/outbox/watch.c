// SPDX-License-Identifier: Apache-2.0
// Watching the database: looks, notifications, and the sleep between them (see session.h).
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "observe/metrics.h"
#include "outbox/relay_state.h"

#include <stdlib.h>
#include <string.h>

enum {
    FLOOR_STORE_US = 5000000, // how often the floor is stored while it moves
    TELL_LEFT_US = 1000000,   // where it does not sleep
};

void watch_look(struct relay *relay) {
    int64_t floor;
    int64_t settle_to;
    bool thorough = relay->sleep == LAST_LOOK || relay->sleep == ASLEEP;
    relay->looking = true;
    relay->asked_at = clock_monotonic_us();
    agenda_begin_look(relay->agenda, thorough, relay->asked_at, &floor, &settle_to);
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

// Where the relay was to end when nothing is left. (Not at once, since that may just have come.)
static void tell_left(struct relay *relay) {
    bool stays = relay->sleep == ASLEEP || clock_monotonic_us() - relay->left_since > TELL_LEFT_US;
    if (stays && relay->left_since != 0 && relay->left_since != INT64_MAX) {
        relay->left_since = INT64_MAX;
        log_info("not empty yet: what is left has to wait, and outbox-relay status says for what");
    }
}

static void on_looked(void *context, const struct look *found) {
    struct relay *relay = context;
    struct error error = {0};
    int64_t now = clock_monotonic_us();
    relay->looking = false;
    if (!agenda_looked(relay->agenda, found, now, &error)) {
        relay_break_off(relay, &error);
        return;
    }
    turns_looked(relay->turns, found);
    int64_t lag = found->newest - agenda_floor(relay->agenda);
    metric_gauge(METRIC_FLOOR_LAG_EVENTS, lag > 0 ? lag : 0);
    // (It may have waited behind the marks of the ledger, which wait for a turn of another relay.)
    pace_look_took(&relay->pace, ledger_count(relay->ledger) == 0 ? now - relay->asked_at : 0);
    pace_looked(&relay->pace, now, agenda_is_loaded(relay->agenda),
                pace_slowest(session_can_sleep(relay->session), relay->settings->poll_interval));
    bool work =
        flow_has_work(relay, now) || !agenda_is_settled(relay->agenda) || !session_can_sleep(relay->session);
    if (work && (relay->sleep == ASLEEP || relay->sleep == LAST_LOOK)) {
        wake(relay);
    } else if (relay->sleep == LAST_LOOK) {
        relay->sleep = ASLEEP;
        log_debug("asleep");
        tell_left(relay);
    }
    if (relay->sleep == AWAKE && now - relay->floor_stored_at >= FLOOR_STORE_US &&
        agenda_floor(relay->agenda) > relay->floor_stored) {
        store_floor(relay, now);
    }
    relay_schedule(relay);
}

static bool is_quiet(const struct relay *relay, int64_t now) {
    return !relay->looking && !claim_pool_is_busy(relay->claims) && !flow_has_work(relay, now) &&
           agenda_is_settled(relay->agenda);
}

static void on_slept(void *context, bool locked) {
    struct relay *relay = context;
    relay->sleep = locked ? LAST_LOOK : AWAKE;
    if (locked && (claim_pool_is_busy(relay->claims) || flow_has_work(relay, clock_monotonic_us()))) {
        wake(relay);
    } else if (locked) {
        watch_look(relay);
    } else {
        pace_sleep_refused(&relay->pace, clock_monotonic_us());
    }
    relay_schedule(relay);
}

void watch_try_sleep(struct relay *relay, int64_t now) {
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
        relay->walk_at = relay->opened_at = clock_monotonic_us();
    } else {
        agenda_expect_new(relay->agenda);
        turns_expect(relay->turns);
    }
    wake(relay);
    relay_schedule(relay);
}

// A topic that is paused, or a route between topics without order, changes nothing about which events are
// ordered; so turns need not wait for the claims that are under way.
static bool order_has_changed(struct relay *relay) {
    const char *ordered_sql = routes_ordered_sql(relay->routes);
    ordered_sql = ordered_sql != NULL ? ordered_sql : "";
    bool has_changed = relay->routed_sql == NULL || strcmp(relay->routed_sql, ordered_sql) != 0;
    free(relay->routed_sql);
    relay->routed_sql = memory_copy_text(ordered_sql);
    return has_changed;
}

static void on_routes_changed(void *context) {
    struct relay *relay = context;
    bool has_changed = order_has_changed(relay); // (noted also while connecting)
    if (relay->state == RELAY_RUNNING) {
        relay->walk_at = relay->opened_at = clock_monotonic_us();
        relay->routes_changed_at = has_changed ? relay->opened_at : relay->routes_changed_at;
        // Events may have become ordered, or the opposite, above the floor: they are looked for again.
        flow_renew_ordered(relay);
        turns_reset(relay->turns, agenda_floor(relay->agenda));
        agenda_let_go(relay->agenda, agenda_floor(relay->agenda) + 1, clock_monotonic_us());
        wake(relay);
        relay_schedule(relay);
    }
}

// What has waited behind them has nothing to wait for any more.
static void on_marked(void *context) {
    struct relay *relay = context;
    relay->walk_at = relay->opened_at = clock_monotonic_us();
    turns_expect(relay->turns);
    relay_soon(relay);
}

static void on_left(void *context, bool any) {
    struct relay *relay = context;
    relay->asking_left = false;
    if (!any) {
        relay_stop(relay);
    } else {
        relay->left_since = relay->left_since == 0 ? clock_monotonic_us() : relay->left_since;
        tell_left(relay);
    }
}

void watch_ask_left(struct relay *relay, int64_t now) {
    if (relay->settings->until_empty && !relay->asking_left && is_quiet(relay, now) &&
        pace_may_ask(&relay->pace, now)) {
        relay->asking_left = true;
        session_ask_left(relay->session, agenda_floor(relay->agenda));
    }
}

struct session_listener watch_session_listener(struct relay *relay) {
    return (struct session_listener){.context = relay,
                                     .looked = on_looked,
                                     .slept = on_slept,
                                     .notified = on_notified,
                                     .routes_changed = on_routes_changed,
                                     .marked = on_marked,
                                     .left = on_left};
}
