// SPDX-License-Identifier: Apache-2.0
// The environment of a program that handles an event: ours, without what is secret in it (the options of the
// table that are; libpq's PGPASSWORD stays), and what the program may want to know without reading the event:
// OUTBOX_EVENT_ID, OUTBOX_EVENT_TYPE, OUTBOX_AGGREGATE_ID, and where they are known OUTBOX_DELIVERIES and
// TRACEPARENT.
#pragma once

#include "base/error.h"
#include "handle/domain_event.h"

enum { ENVIRONMENT_VALUE_MAX = 4096 };

struct environment {
    char **entries; // NAME=value, NULL ends them
    int owned;      // of which so many are not ours
};

// environment_make fails (ERROR_USAGE), and owns nothing then, when a value cannot stand in an environment:
// it holds a zero byte, or is longer than ENVIRONMENT_VALUE_MAX.
bool environment_make(struct environment *ret, const struct domain_event *event, struct error *error);
void environment_free(struct environment *environment);
