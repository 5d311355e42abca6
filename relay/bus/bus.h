// SPDX-License-Identifier: Apache-2.0
// The sink that is an event bus in this process: events go to the handlers that --on names (handle/), without
// a broker. Each at least once, and those of an aggregate one after the other. Every event is ordered here,
// whatever the routes say; topics and routes do not matter.
#pragma once

#include "base/error.h"
#include "settings/settings.h"
#include "sink/sink.h"

#include <event2/event.h>

// bus_new fails (ERROR_USAGE) when there are no handlers, or one is malformed. That a handler does not exist
// is found out later, and told to listener's `broken`. `settings` must live as long as the bus.
bool bus_new(struct sink *ret, struct event_base *base, const struct settings *settings,
             const struct sink_listener *listener, struct error *error);
