// SPDX-License-Identifier: Apache-2.0
// Runs an event loop until something has happened. The deadline is only there so that a test that waits for
// what never comes fails instead of hanging.
#pragma once

#include <event2/event.h>
#include <stdbool.h>

// loop_until returns true as soon as `done` does, false after ten seconds.
bool loop_until(struct event_base *base, bool (*done)(void *context), void *context);

// loop_settle handles what is ready now, and what that makes ready, without waiting for anything.
void loop_settle(struct event_base *base);
