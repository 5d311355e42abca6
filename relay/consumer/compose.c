// SPDX-License-Identifier: Apache-2.0
#include "consumer/compose.h"

#include "message/json.h"

#include <stdbool.h>

enum { SEQUENCE_DIGITS_MAX = 19 };

static void append_text(struct buffer *json, const char *name, struct slice text) {
    if (text.length > 0) {
        buffer_append_text(json, name);
        json_append_string(json, text);
    }
}

// Digits as JSON allows them.
static bool is_number(struct slice text) {
    if (text.length == 0 || text.length > SEQUENCE_DIGITS_MAX || (text.data[0] == '0' && text.length > 1)) {
        return false;
    }
    for (size_t index = 0; index < text.length; index++) {
        if (text.data[index] < '0' || text.data[index] > '9') {
            return false;
        }
    }
    return true;
}

// Each member begins with its comma, so the first one must lose it.
static void append_metadata(struct buffer *json, const struct composition *composition) {
    buffer_append_text(json, ",\"metadata\":{");
    size_t begin = json->length;
    append_text(json, ",\"correlationId\":", composition->correlation_id);
    append_text(json, ",\"causationId\":", composition->causation_id);
    append_text(json, ",\"source\":", composition->source);
    append_text(json, ",\"traceparent\":", composition->traceparent);
    if (json->length > begin) {
        memmove(json->data + begin, json->data + begin + 1, json->length - begin - 1);
        buffer_truncate(json, json->length - 1);
    }
    buffer_append_text(json, "}}");
}

void compose_domain_event(struct buffer *json, const struct domain_event *event,
                          const struct composition *composition) {
    append_text(json, "{\"eventId\":", slice_of_text(event->event_id));
    append_text(json, ",\"eventType\":", event->event_type);
    append_text(json, ",\"eventVersion\":", composition->version);
    append_text(json, ",\"aggregateId\":", event->aggregate_id);
    append_text(json, ",\"occurredOn\":", composition->occurred_on);
    if (is_number(composition->sequence)) {
        buffer_append_text(json, ",\"sequence\":");
        buffer_append(json, composition->sequence.data, composition->sequence.length);
    }
    buffer_append_text(json, ",\"data\":");
    if (composition->data.length > 0) {
        json_splice(json, composition->data);
    } else {
        buffer_append_text(json, "null");
    }
    append_metadata(json, composition);
}
