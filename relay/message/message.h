// SPDX-License-Identifier: Apache-2.0
// What is published for an event: the body in one of three formats, and the message attributes that
// subscribers filter on. Nothing here knows how it travels.
#pragma once

#include "base/buffer.h"
#include "message/event.h"
#include "settings/settings.h"

enum { MESSAGE_ATTRIBUTES_MAX = 6, MESSAGE_ATTRIBUTE_VALUE_MAX = 256 };

// The size of a message whose body did not fit in the buffer; greater than every limit.
#define MESSAGE_TOO_LARGE ((size_t)1 << 30)

struct message_attribute {
    const char *name;
    struct slice value; // never empty; no control characters
};

struct message {
    struct buffer body;
    struct message_attribute attributes[MESSAGE_ATTRIBUTES_MAX]; // all of type String
    int attribute_count;
    size_t size; // what SNS counts: body, and of each attribute name, type and value, in bytes
    // Where attribute values live that the event does not hold as they are needed.
    char event_id[EVENT_ID_TEXT_SIZE];
    char correlation_id[MESSAGE_ATTRIBUTE_VALUE_MAX + 1];
    char traceparent[MESSAGE_ATTRIBUTE_VALUE_MAX + 1];
};

// message_init prepares a message that message_compose can fill again and again; message_free releases it.
void message_init(struct message *message);
void message_free(struct message *message);

// message_compose writes body and attributes of an event; they hold until the next call and as long as the
// event. `source` is the CloudEvents source where the metadata names none. An attribute whose value from the
// metadata cannot travel (longer than 256 bytes, control characters: a subscription's filter would drop the
// message silently) is left out; the body still has it.
void message_compose(struct message *message, enum message_format format, const char *source,
                     const struct outbox_event *event);
