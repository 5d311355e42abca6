// SPDX-License-Identifier: Apache-2.0
// What systemd is told of a process that runs on (process/notify.h): when it is ready for the first time, a
// line of status, that it stops, and that its event loop turns.
#pragma once

#include "admin/admin.h"

#include <event2/event.h>

// When the database has been there for so long, and the process is still not ready (the broker cannot be
// reached, say), it is reported as started, with the reason in its status: to be killed and started again
// would not help it, and a machine that boots would wait for it.
enum { SUPERVISION_PATIENCE_US = 30 * 1000000 };

struct supervision;

// supervision_new tells of `subject`, which is copied; its context must live as long. Where nobody listens it
// does nothing.
struct supervision *supervision_new(struct event_base *base, const struct admin_subject *subject);

// supervision_look looks at once, instead of within a second: when a signal has changed something. NULL is
// fine.
void supervision_look(struct supervision *supervision);
void supervision_free(struct supervision *supervision);
