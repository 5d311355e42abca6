// SPDX-License-Identifier: Apache-2.0
// SIGHUP: a process that runs on reads its settings again.
#pragma once

#include "settings/settings.h"

#include <event2/event.h>

// reload_prepare remembers the settings of this process, which a reload changes in place. From now on SIGHUP
// ends it no more.
void reload_prepare(struct settings *settings);

// reload_listen reads the settings again at each SIGHUP, from the loop: all of them are checked before
// anything changes, and the log says what has. event_free ends it.
struct event *reload_listen(struct event_base *base);
