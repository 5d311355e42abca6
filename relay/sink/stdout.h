// SPDX-License-Identifier: Apache-2.0
// The sink without AWS: one JSON line an event on standard output,
// {"topic":...,"messageId":...,"attributes":{...}, "message":...}. An event is settled as sent once its line
// was written to the last byte.
#pragma once

#include "base/error.h"
#include "settings/settings.h"
#include "sink/sink.h"

#include <event2/event.h>

// sink_stdout_new makes the sink; a slow reader slows the relay down but never stops its loop. Returns false
// when standard output is closed.
bool sink_stdout_new(struct sink *ret, struct event_base *base, const struct settings *settings,
                     const struct sink_listener *listener, struct error *error);
