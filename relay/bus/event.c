// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"
#include "bus/aggregates.h"
#include "message/message.h"

#include <string.h>

static struct slice attribute_of(const struct message *message, const char *name) {
    for (int index = 0; index < message->attribute_count; index++) {
        if (strcmp(message->attributes[index].name, name) == 0) {
            return message->attributes[index].value;
        }
    }
    return (struct slice){"", 0};
}

static struct slice copy(char **to, struct slice from) {
    const struct slice copied = {*to, from.length};
    memcpy(*to, from.data, from.length);
    *to += from.length;
    return copied;
}

struct bus_event *bus_event_new(const struct message *message, const struct outbox_event *event,
                                struct delivery delivery) {
    struct slice json = {message->body.data, message->body.length};
    struct slice correlation_id = attribute_of(message, "correlation-id");
    struct slice traceparent = attribute_of(message, "traceparent");
    size_t size = sizeof(struct bus_event) + event->event_type.length + event->aggregate_id.length +
                  correlation_id.length + traceparent.length + json.length;
    struct bus_event *made = memory_resize(NULL, size, 1);
    *made = (struct bus_event){.delivery = delivery, .size = size};
    char *to = made->bytes;
    memcpy(made->event.event_id, message->event_id, sizeof made->event.event_id);
    made->event.event_type = copy(&to, event->event_type);
    made->event.aggregate_id = copy(&to, event->aggregate_id);
    made->event.correlation_id = copy(&to, correlation_id);
    made->event.traceparent = copy(&to, traceparent);
    made->event.json = copy(&to, json);
    made->event.deliveries = event->attempts + 1;
    return made;
}
