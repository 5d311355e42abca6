// SPDX-License-Identifier: Apache-2.0
// What the parts of the relay share: relay.c connects, paces and stops; flow.c moves events from claim to
// sink and back; watch.c looks, listens and sleeps. Nobody else includes this.
#pragma once

#include "outbox/agenda.h"
#include "outbox/claim_pool.h"
#include "outbox/figures.h"
#include "outbox/late.h"
#include "outbox/pace.h"
#include "outbox/relay.h"
#include "outbox/session.h"
#include "outbox/turns.h"
#include "outbox/walk.h"

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
    struct retry_policy policy;
    struct figures figures;
    struct agenda *agenda;
    struct pace pace;
    struct claim_pool *claims;
    struct turns *turns;
    bool turn_was_last; // of the claims that were begun
    bool turn_is_full;  // the sink took no more of it, so what follows is let go
    struct claim *turn; // the claim of ordered events that is busy, or NULL
    struct late late;
    char *ordered_sql; // what turns read: all that is ordered, but of topics that are late; NULL: nothing
    char *routed_sql;  // what is ordered by the routes that were in use last; NULL: none were
    struct walk *walk;
    struct event *timer;
    struct event *offer_timer; // hands on what has arrived, some of it at a time
    struct event *trim_timer;  // gives back memory
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
    int64_t left_since; // when the database said first that something is; INT64_MAX: that is told
    int64_t asked_at;   // when the answer that is awaited was asked for
    int64_t probe_at;   // when to try something new while the sink rests
    int64_t warn_at;    // when to say again that an event has no topic
    int64_t mark_at;    // when to try again to mark what is in the ledger
    int64_t ping_at;    // when to ping the claims that wait for their events
    int64_t lead_at;    // when to ask for the waker lock again
    int64_t routes_at;  // when to read the routes again
    int64_t pong_at;    // when to ping the turn of ordered events
    int64_t walk_at;    // when to walk along what waits
    int64_t routes_changed_at;
    int64_t walk_began_at;
    int64_t opened_at; // when something was fit again that events may have waited for
    int64_t sent;
    int64_t deferred;
    int64_t lost_at;   // when the connection was lost, or the first one was begun
    struct error lost; // why the last attempt has failed; "" before it has
    struct error failure;
};

// In relay.c:

// relay_break_off closes all connections and begins anew. relay_schedule does what is due now, and sets the
// timer for the rest; relay_soon has it called from the loop.
void relay_break_off(struct relay *relay, const struct error *error);
void relay_schedule(struct relay *relay);
void relay_soon(struct relay *relay);

// relay_trim_later has memory given back when there has been nothing to do for a while.
void relay_trim_later(struct relay *relay);

// In flow.c:

struct claim_listener flow_claim_listener(struct relay *relay); // but for `lost`
struct walk_listener flow_walk_listener(struct relay *relay);
struct sink_listener flow_sink_listener(struct relay *relay); // but for `broken`

bool flow_is_reading(const struct relay *relay);            // a look or a claim is being answered
bool flow_has_turn(const struct relay *relay);              // ordered events are to be claimed
bool flow_has_work(const struct relay *relay, int64_t now); // any are
struct claim *flow_idle_claim(struct relay *relay);
void flow_renew_ordered(struct relay *relay); // routes or late topics have changed
void flow_start_claim(struct relay *relay, int64_t now);
void flow_offer(struct relay *relay);                     // hands on some of what has arrived
void flow_limit_claims(struct relay *relay, int64_t now); // ends what takes too long
void flow_walk(struct relay *relay, int64_t now);

// In watch.c:

struct session_listener
watch_session_listener(struct relay *relay); // but for `ready`, `lost` and `floor_stored`

void watch_look(struct relay *relay);
void watch_ask_left(struct relay *relay, int64_t now); // whether anything is left, where that ends the relay
void watch_try_sleep(struct relay *relay, int64_t now);
