// SPDX-License-Identifier: Apache-2.0
// What is done beside publishing and handling, on one connection of its own: measure the backlog for the
// metrics, read the report for the status page, prune what is older than the retention time. Nothing here can
// stop or slow the relay: what fails is logged, and tried again later.
#pragma once

#include "route/routes.h"
#include "settings/settings.h"

#include <event2/event.h>

struct upkeep;

// upkeep_new begins; `routes` tells which topic an event type goes to (NULL: upkeep of schema inbox, for a
// consumer).
struct upkeep *upkeep_new(struct event_base *base, const struct settings *settings, struct routes *routes);
void upkeep_free(struct upkeep *upkeep);

// upkeep_check refuses a retention of schema inbox that would forget what SQS can still deliver.
bool upkeep_check(const struct settings *settings, struct error *error);

// upkeep_stop ends what is under way, when the program begins to stop.
void upkeep_stop(struct upkeep *upkeep);

// upkeep_report is the latest answer of outbox.report(), a JSON object, valid until the loop runs again; NULL
// when there is none yet. It is read as long as somebody asks for it.
const char *upkeep_report(struct upkeep *upkeep);
