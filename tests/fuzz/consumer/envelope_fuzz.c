// SPDX-License-Identifier: Apache-2.0
// Any bytes as the body of a message; the first one chooses its attributes and whether signatures count. What
// handlers get is an event with the id and type that it says it has; what is refused is so in one printable
// line.
#include "consumer/envelope.h"
#include "consumer/members.h"
#include "consumer/texts.h"

#include <stdint.h>
#include <stdlib.h>

static void check(bool holds) {
    if (!holds) {
        abort();
    }
}

static void check_reason(const struct error *error) {
    check(error->code == ERROR_USAGE && error->text[0] != '\0');
    for (const char *byte = error->text; *byte != '\0'; byte++) {
        check(*byte >= ' ' && *byte <= '~');
    }
}

// Reads the event as a handler would.
static void check_event(const struct domain_event *event) {
    struct member members[] = {{.name = "eventId"}, {.name = "eventType"}, {.name = "aggregateId"}};
    const char *fault = NULL;
    struct buffer texts;
    struct slice id = {0}, type = {0}, aggregate = {0};
    char lower[DOMAIN_EVENT_ID_SIZE];
    enum json_kind kind = members_read(event->json, members, 3, &fault);
    if (kind == JSON_INVALID) { // data that was as deep as may be is one deeper in an event
        check(strstr(fault, "nested") != NULL);
        return;
    }
    check(kind == JSON_OBJECT);
    texts_init(&texts, event->json.length);
    check(texts_read(&texts, &members[0], &id, NULL) && texts_read(&texts, &members[1], &type, NULL) &&
          texts_read(&texts, &members[2], &aggregate, NULL));
    check(text_event_id(id, lower) && strcmp(lower, event->event_id) == 0);
    check(text_event_type(type) && type.length == event->event_type.length &&
          memcmp(type.data, event->event_type.data, type.length) == 0);
    check(aggregate.length == event->aggregate_id.length &&
          (aggregate.length == 0 || memcmp(aggregate.data, event->aggregate_id.data, aggregate.length) == 0));
    check(text_is_plain(event->aggregate_id) && text_is_plain(event->correlation_id) &&
          text_is_plain(event->traceparent));
    buffer_free(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const char *rest = (const char *)data + 1;
    struct incoming incoming = {
        .body = {rest, size - 1},
        .attributes = {{slice_of_text("event-id"), slice_of_text("01234567-89ab-cdef-0123-456789abcdef")},
                       {slice_of_text("event-type"), slice_of_text("order.created")},
                       {slice_of_text("aggregate-id"), {rest, size > 4 ? 4 : 0}},
                       {slice_of_text("correlation-id"), {rest, size > 3 ? 3 : 0}}},
        .attribute_count = (data[0] & 2) != 0 ? 4 : 0};
    struct envelope envelope;
    struct error error = {0};
    if (!envelope_open(&envelope, &incoming, (data[0] & 1) != 0, &error)) {
        check_reason(&error);
    } else {
        check_event(&envelope.event);
        check(!envelope.texts.overflow && !envelope.json.overflow);
        if (envelope.needs_check && !signature_prepare(&envelope.sealed, &error)) {
            check_reason(&error);
        }
    }
    envelope_free(&envelope);
    return 0;
}
