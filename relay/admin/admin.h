// SPDX-License-Identifier: Apache-2.0
// The admin port (OUTBOX_LISTEN): it only reads.
//
//     /livez         200 as long as the event loop turns: it is the loop that answers
//     /readyz        200 when every check is good, else 503, and 503 while stopping; ?verbose has a line for
//                    each check
//     /metrics       Prometheus' text format
//     /              the status page, one document that asks for nothing but
//     /status.json   what the page shows
#pragma once

#include "base/error.h"
#include "observe/health.h"
#include "observe/metrics.h"
#include "settings/settings.h"

#include <event2/event.h>

struct admin;

// Who is shown.
struct admin_subject {
    void *context;
    enum metric_owner owner;
    const char *command;                                  // "run" or "consume"
    void (*health)(void *context, struct health *health); // adds its checks
    bool (*is_stopping)(void *context);                   // what is in flight is being finished
    // The database's report as JSON (see upkeep.h), or NULL. May itself be NULL.
    const char *(*report)(void *context);
};

// admin_new listens at settings->listen; with "off" what it returns does nothing. Port 0 takes a free port;
// the log line "listening" names it. Fails (ERROR_USAGE) when the address is not understood or taken: the
// text says what to set. Settings and subject's context must live as long.
struct admin *admin_new(struct event_base *base, const struct settings *settings,
                        const struct admin_subject *subject, struct error *error);
void admin_free(struct admin *admin); // before whatever the subject is about; NULL is fine
