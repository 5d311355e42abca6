// SPDX-License-Identifier: Apache-2.0
#include "message/message.h"

#include "base/clock.h"
#include "base/traceparent.h"
#include "message/json.h"

#include <cjson/cJSON.h>

// Above what any check in the database lets pass; the sink refuses what is over its own limit.
enum { BODY_LIMIT = 8 << 20 };

// The metadata members that have a meaning here; NULL where absent or not a text.
struct known_metadata {
    cJSON *tree;
    const char *correlation_id;
    const char *causation_id;
    const char *source;
    const char *traceparent;
};

static const char *text_member(const cJSON *tree, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, name));
}

// cJSON ends a text at \u0000, and so would make two different ids one.
static bool has_zero_escape(struct slice json) {
    static const char zero[] = "\\u0000";
    const char *next = json.data;
    const char *end = json.data + json.length;
    while ((next = memchr(next, '\\', (size_t)(end - next))) != NULL && end - next > 1) {
        if ((size_t)(end - next) >= sizeof zero - 1 && memcmp(next, zero, sizeof zero - 1) == 0) {
            return true;
        }
        next += 2; // the backslash and what it escapes
    }
    return false;
}

// One that is none would mislead whoever follows it; it stays in the metadata, as they are spliced as
// written.
static const char *valid_traceparent(const char *text) {
    return text != NULL && traceparent_is_valid(slice_of_text(text)) ? text : NULL;
}

// Metadata that cJSON refuses (PostgreSQL accepts a lone surrogate escape, say) or would cut has no known
// members.
static struct known_metadata read_metadata(struct slice json) {
    struct known_metadata known = {0};
    if (json.length > 2 && !has_zero_escape(json)) {
        known.tree = cJSON_ParseWithLength(json.data, json.length);
        known.correlation_id = text_member(known.tree, "correlationId");
        known.causation_id = text_member(known.tree, "causationId");
        known.source = text_member(known.tree, "source");
        known.traceparent = valid_traceparent(text_member(known.tree, "traceparent"));
    }
    return known;
}

static void add_attribute(struct message *message, const char *name, struct slice value) {
    static const size_t type_length = sizeof "String" - 1;
    message->attributes[message->attribute_count++] = (struct message_attribute){name, value};
    message->size += strlen(name) + type_length + value.length;
}

static bool can_travel(const char *text) {
    size_t length = 0;
    for (const unsigned char *byte = (const unsigned char *)text; *byte != 0; byte++, length++) {
        bool noncharacter = byte[0] == 0xEF && byte[1] == 0xBF && byte[2] >= 0xBE;
        if (*byte < 0x20 || *byte == 0x7F || noncharacter) {
            return false;
        }
    }
    return length > 0 && length <= MESSAGE_ATTRIBUTE_VALUE_MAX;
}

static void add_metadata_attribute(struct message *message, const char *name, const char *value,
                                   char *storage) {
    if (value != NULL && can_travel(value)) {
        size_t length = strlen(value);
        memcpy(storage, value, length + 1);
        add_attribute(message, name, (struct slice){storage, length});
    }
}

static void append_member(struct buffer *body, const char *name, struct slice text) {
    buffer_append_text(body, name);
    json_append_string(body, text);
}

static void write_domain_event(struct message *message, const struct outbox_event *event) {
    struct buffer *body = &message->body;
    char occurred_on[CLOCK_ISO8601_SIZE];
    clock_format_iso8601(event->occurred_at, occurred_on);
    append_member(body, "{\"eventId\":", slice_of_text(message->event_id));
    append_member(body, ",\"eventType\":", event->event_type);
    append_member(body, ",\"eventVersion\":", event->event_version);
    append_member(body, ",\"aggregateId\":", event->aggregate_id);
    append_member(body, ",\"occurredOn\":", slice_of_text(occurred_on));
    buffer_append_text(body, ",\"sequence\":");
    buffer_append_int(body, event->id);
    buffer_append_text(body, ",\"data\":");
    json_splice(body, event->data);
    buffer_append_text(body, ",\"metadata\":");
    json_splice(body, event->metadata);
    buffer_append_char(body, '}');
}

static void append_optional(struct buffer *body, const char *name, const char *text) {
    if (text != NULL) {
        append_member(body, name, slice_of_text(text));
    }
}

// CloudEvents 1.0 in structured mode; sequence, traceparent and partitionkey are its documented extensions,
// and extension names have lower-case letters and digits only.
static void write_cloudevent(struct message *message, const char *source, const struct outbox_event *event,
                             const struct known_metadata *known) {
    struct buffer *body = &message->body;
    char time[CLOCK_ISO8601_SIZE];
    clock_format_iso8601(event->occurred_at, time);
    bool has_source = known->source != NULL && known->source[0] != '\0';
    append_member(body, "{\"specversion\":\"1.0\",\"id\":", slice_of_text(message->event_id));
    append_member(body, ",\"source\":", slice_of_text(has_source ? known->source : source));
    append_member(body, ",\"type\":", event->event_type);
    append_member(body, ",\"subject\":", event->aggregate_id);
    append_member(body, ",\"time\":", slice_of_text(time));
    append_member(body, ",\"partitionkey\":", event->aggregate_id);
    append_member(body, ",\"eventversion\":", event->event_version);
    buffer_append_format(body, ",\"sequence\":\"%lld\"", (long long)event->id);
    append_optional(body, ",\"correlationid\":", known->correlation_id);
    append_optional(body, ",\"causationid\":", known->causation_id);
    append_optional(body, ",\"traceparent\":", known->traceparent);
    buffer_append_text(body, ",\"datacontenttype\":\"application/json\",\"data\":");
    json_splice(body, event->data);
    buffer_append_char(body, '}');
}

void message_init(struct message *message) {
    *message = (struct message){0};
    buffer_init(&message->body, BODY_LIMIT);
}

void message_free(struct message *message) {
    buffer_free(&message->body);
}

void message_compose(struct message *message, enum message_format format, const char *source,
                     const struct outbox_event *event) {
    struct known_metadata known = read_metadata(event->metadata);
    buffer_clear(&message->body);
    message->attribute_count = 0;
    message->size = 0;
    event_id_text(event, message->event_id);
    switch (format) {
    case FORMAT_DOMAIN_EVENT:
        write_domain_event(message, event);
        break;
    case FORMAT_CLOUDEVENTS:
        write_cloudevent(message, source, event, &known);
        break;
    case FORMAT_DATA:
        json_splice(&message->body, event->data);
        break;
    }
    message->size = message->body.overflow ? MESSAGE_TOO_LARGE : message->body.length;
    add_attribute(message, "event-id", slice_of_text(message->event_id));
    add_attribute(message, "event-type", event->event_type);
    add_attribute(message, "event-version", event->event_version);
    add_attribute(message, "aggregate-id", event->aggregate_id);
    add_metadata_attribute(message, "correlation-id", known.correlation_id, message->correlation_id);
    add_metadata_attribute(message, "traceparent", known.traceparent, message->traceparent);
    cJSON_Delete(known.tree);
}
