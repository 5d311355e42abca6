// SPDX-License-Identifier: Apache-2.0
// A reading of outbox.backlog() and outbox.blockers, which becomes the gauges when it is whole: a scrape in
// between sees the one before.
#pragma once

#include "base/slice.h"
#include "route/routes.h"
#include "settings/settings.h"

#include <stddef.h>
#include <stdint.h>

struct backlog_line {
    struct slice event_type;
    int64_t pending, retrying, waiting, scheduled, parked;
    int64_t oldest_us; // age of the oldest pending event; 0 when there is none
};

struct backlog;

// backlog_new counts by topic where the sink is SNS, else all under the sink's name, as the relay counts what
// is published. Borrows settings.
struct backlog *backlog_new(const struct settings *settings);
void backlog_free(struct backlog *backlog); // NULL is fine

// backlog_begin forgets what an earlier reading has left.
void backlog_begin(struct backlog *backlog);

// backlog_add adds what waits of an event type to its topic; "none" is the topic of those that have none.
void backlog_add(struct backlog *backlog, struct routes *routes, const struct backlog_line *line);

// backlog_add_blocker: the oldest of a kind of what holds back the outbox or vacuum.
void backlog_add_blocker(struct backlog *backlog, struct slice kind, int64_t age_us);

// backlog_publish sets the gauges. Topics and kinds that were seen before and not now are 0, as are topics
// that events were published to; OUTBOX_TOPIC_ARN or, without it, "none" is there always, so that sums are
// never of nothing.
void backlog_publish(const struct backlog *backlog, int64_t read_at_unix_us);

// backlog_pending is how many events were pending, by that reading.
int64_t backlog_pending(const struct backlog *backlog);

// backlog_forget drops the gauges: what is not known any more is not shown.
void backlog_forget(void);
