// SPDX-License-Identifier: Apache-2.0
// The relay: decides when to look, what to claim, when to sleep and when to stop, and joins claims to the
// sink. All of it runs on one event loop; nothing here blocks.
//
//     look -> claim -> sink -> settle -> mark
#pragma once

#include "base/error.h"
#include "observe/health.h"
#include "route/routes.h"
#include "settings/settings.h"
#include "sink/sink.h"

#include <event2/event.h>

struct relay;

struct relay *relay_new(struct event_base *base, const struct settings *settings, struct routes *routes);
void relay_free(struct relay *relay);

// relay_listener is what the sink must be made with; relay_start takes the finished sink and connects.
struct sink_listener relay_listener(struct relay *relay);
bool relay_start(struct relay *relay, const struct sink *sink, struct error *error);

// relay_stop begins to stop: nothing more is claimed, what is under way is finished and marked, then the loop
// ends.
void relay_stop(struct relay *relay);

// relay_result tells how it ended; false with the reason when it could not start or had to leave events under
// way.
bool relay_result(const struct relay *relay, struct error *error);

// relay_is_stopping: since relay_stop, or because the sink is broken or nothing is left to send.
bool relay_is_stopping(const struct relay *relay);

// relay_health adds the check "database": connected, running and answering; else why not and since when. What
// the sink says of itself is the sink's (sink.h).
void relay_health(const struct relay *relay, struct health *health);
