// SPDX-License-Identifier: Apache-2.0
#include "handle/headers.h"

#include <stdio.h>

// With the text between the zero bytes of both ends; what is not ASCII is no danger.
static bool check_event_type(struct slice type, struct error *error) {
    if (type.length > HEADERS_EVENT_TYPE_MAX) {
        return error_set(error, ERROR_USAGE,
                         "its event type has %zu bytes, which is too much for a header: at most %d",
                         type.length, HEADERS_EVENT_TYPE_MAX);
    }
    for (size_t index = 0; index < type.length; index++) {
        unsigned char byte = (unsigned char)type.data[index];
        if (byte < ' ' || byte == 0x7F) {
            return error_set(
                error, ERROR_USAGE,
                "its event type holds byte 0x%02x at position %zu, which cannot stand in a header", byte,
                index + 1);
        }
    }
    return true;
}

static bool sign(struct headers *headers, const struct domain_event *event, const struct webhook *webhook,
                 int64_t timestamp_s, struct error *error) {
    char signature[WEBHOOK_SIGNATURE_SIZE];
    if (!webhook_sign(webhook, event->event_id, timestamp_s, event->json, signature)) {
        return error_set(error, ERROR_INTERNAL, "the request cannot be signed: OpenSSL refuses");
    }
    snprintf(headers->webhook_id, sizeof headers->webhook_id, "webhook-id: %s", event->event_id);
    snprintf(headers->webhook_timestamp, sizeof headers->webhook_timestamp, "webhook-timestamp: %lld",
             (long long)timestamp_s);
    snprintf(headers->webhook_signature, sizeof headers->webhook_signature, "webhook-signature: %s",
             signature);
    return true;
}

bool headers_compose(struct headers *headers, const char *ret[HTTP_HEADERS_MAX],
                     const struct domain_event *event, const struct webhook *webhook, int64_t timestamp_s,
                     struct error *error) {
    int count = 0;
    if (!check_event_type(event->event_type, error) ||
        (webhook != NULL && !sign(headers, event, webhook, timestamp_s, error))) {
        return false;
    }
    snprintf(headers->idempotency_key, sizeof headers->idempotency_key, "Idempotency-Key: %s",
             event->event_id);
    snprintf(headers->event_type, sizeof headers->event_type, "Outbox-Event-Type: %.*s",
             (int)event->event_type.length, event->event_type.data);
    ret[count++] = "Content-Type: application/json";
    ret[count++] = headers->idempotency_key;
    ret[count++] = headers->event_type;
    if (event->deliveries > 0) {
        snprintf(headers->deliveries, sizeof headers->deliveries, "Outbox-Deliveries: %d", event->deliveries);
        ret[count++] = headers->deliveries;
    }
    if (traceparent_is_valid(event->traceparent)) {
        snprintf(headers->traceparent, sizeof headers->traceparent, "traceparent: %.*s", TRACEPARENT_LENGTH,
                 event->traceparent.data);
        ret[count++] = headers->traceparent;
    }
    if (webhook != NULL) {
        ret[count++] = headers->webhook_id;
        ret[count++] = headers->webhook_timestamp;
        ret[count++] = headers->webhook_signature;
    }
    if (count < HTTP_HEADERS_MAX) {
        ret[count] = NULL;
    }
    return true;
}
