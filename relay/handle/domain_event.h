// SPDX-License-Identifier: Apache-2.0
// An event as handlers get it, wherever it has come from: a queue, AWS Lambda, or the outbox itself. Views
// that live as long as the call they are passed to, unless it says otherwise.
#pragma once

#include "base/slice.h"

enum { DOMAIN_EVENT_ID_SIZE = 37 };

struct domain_event {
    char event_id[DOMAIN_EVENT_ID_SIZE]; // a UUID, in lower case
    struct slice event_type;             // order.created; never empty
    struct slice aggregate_id;           // may be empty
    struct slice correlation_id;         // empty: none; so is the next
    struct slice traceparent;
    struct slice json; // the whole event as a JSON object, as README describes the message "domain-event"
    int deliveries;    // how often it has been delivered by now, this time included; 0: that is not known
};
