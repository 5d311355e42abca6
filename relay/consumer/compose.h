// SPDX-License-Identifier: Apache-2.0
// An event in the format "domain-event" (README, "The message") that came in another one.
#pragma once

#include "base/buffer.h"
#include "handle/domain_event.h"

// What struct domain_event does not hold. Texts in UTF-8; one that is empty is left out.
struct composition {
    struct slice version;
    struct slice occurred_on;
    struct slice sequence; // left out unless it is a number in decimal digits
    struct slice data;     // JSON, spliced in as it stands; empty: null
    struct slice correlation_id, causation_id, source, traceparent; // of the metadata
};

// compose_domain_event appends the JSON object.
void compose_domain_event(struct buffer *json, const struct domain_event *event,
                          const struct composition *composition);
