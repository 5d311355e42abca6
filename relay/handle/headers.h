// SPDX-License-Identifier: Apache-2.0
// The headers of the request that hands an event to a handler. They hold what came from outside, so each is
// checked: a line break would be a header of its own.
#pragma once

#include "base/error.h"
#include "base/traceparent.h"
#include "handle/domain_event.h"
#include "handle/webhook.h"
#include "http/client.h"

enum { HEADERS_EVENT_TYPE_MAX = 256 };

struct headers {
    char idempotency_key[17 + DOMAIN_EVENT_ID_SIZE];
    char event_type[19 + HEADERS_EVENT_TYPE_MAX + 1];
    char deliveries[40];
    char traceparent[13 + TRACEPARENT_LENGTH + 1];
    char webhook_id[12 + DOMAIN_EVENT_ID_SIZE];
    char webhook_timestamp[48];
    char webhook_signature[19 + WEBHOOK_SIGNATURE_SIZE];
};

// headers_compose writes the headers and the list of them (http_request). `webhook` NULL: without signature.
// Fails when the event type cannot stand in a header (ERROR_USAGE) or there is no signature (ERROR_INTERNAL).
bool headers_compose(struct headers *headers, const char *ret[HTTP_HEADERS_MAX],
                     const struct domain_event *event, const struct webhook *webhook, int64_t timestamp_s,
                     struct error *error);
