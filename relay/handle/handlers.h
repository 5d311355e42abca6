// SPDX-License-Identifier: Apache-2.0
// The handlers that --on names, run for one event after the other. All whose pattern matches run: first those
// in SQL, all of an event in one transaction with its row in inbox.processed_event, so that their effect
// happens once; when that is committed, the others (http:, exec:), each at least once. An event is settled
// when all have ended.
//
// Order is the caller's business: what must come after another event is offered when that is settled.
#pragma once

#include "base/error.h"
#include "handle/domain_event.h"
#include "observe/health.h"
#include "settings/settings.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct handlers;

enum handled_kind {
    HANDLED_DONE,   // all handlers have succeeded, now or (SQL) at an earlier delivery
    HANDLED_NONE,   // no pattern matches
    HANDLED_FAILED, // one has not
    HANDLED_LET_GO, // none was begun: handlers_drop
};

struct handled {
    enum handled_kind kind;
    bool repeated;          // the SQL handlers had run at an earlier delivery, so they did not run again
    bool outage;            // HANDLED_FAILED: not because of this event; the handler could not be reached
    int64_t retry_after_us; // HANDLED_FAILED: when the handler wishes to be asked again; 0: it does not say
    const char *reason;     // HANDLED_FAILED: one line; lives while `settled` runs
};

struct handlers_listener {
    void *context;
    // All handlers can be run: functions exist, the database has schema inbox. Once, from the loop; at once
    // where there is nothing to look up.
    void (*ready)(void *context);
    // They never will: what is configured does not exist. Only before `ready`.
    void (*broken)(void *context, const struct error *error);
    // Once for each event that was offered; may be within handlers_offer or handlers_drop.
    void (*settled)(void *context, void *delivery, const struct handled *handled);
    // Asked right before a program (exec:) begins, as it may have waited for others to end: false lets it go.
    // NULL: always true.
    bool (*may_begin)(void *context, void *delivery);
    // The database is there again (handlers_resting).
    void (*recovered)(void *context);
};

// handlers_new reads settings->on and connects where there are handlers in SQL. Fails (ERROR_USAGE) when a
// line is malformed, naming it. `consumer` is the name under which inbox.processed_event remembers events,
// and must live as long as the handlers, as must settings.
struct handlers *handlers_new(struct event_base *base, const struct settings *settings, const char *consumer,
                              const struct handlers_listener *listener, struct error *error);

// handlers_free ends what runs, without a call, and is not to be called from within one. NULL is fine.
void handlers_free(struct handlers *handlers);

int handlers_count(const struct handlers *handlers); // how many lines there are

// handlers_offer hands over an event, copied. How many there are at a time is the caller's business.
void handlers_offer(struct handlers *handlers, const struct domain_event *event, void *delivery);

// handlers_drop settles as let go what no handler has begun yet. What has been begun goes on; what is still
// to begin then (exec:, where as many run already as may) does not, and so the event fails with `outage`.
void handlers_drop(struct handlers *handlers);

// handlers_resting: the database is lost, so that offering more is in vain until `recovered` (or it has not
// been reached yet: until `ready`). What is offered all the same fails with `outage`.
bool handlers_resting(const struct handlers *handlers);

// handlers_health adds the check "handlers": whether they can be run, which of http: and exec: only an event
// shows.
void handlers_health(const struct handlers *handlers, struct health *health);
