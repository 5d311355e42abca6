// SPDX-License-Identifier: Apache-2.0
#include "consumer/remarks.h"

#include "base/log.h"
#include "base/memory.h"
#include "consumer/texts.h"

#include <stdio.h>
#include <stdlib.h>

struct remarks {
    char *types[REMARKED_TYPES_MAX];
    int type_count;
};

struct remarks *remarks_new(void) {
    return memory_allocate(1, sizeof(struct remarks));
}

void remarks_free(struct remarks *remarks) {
    if (remarks == NULL) {
        return;
    }
    for (int index = 0; index < remarks->type_count; index++) {
        free(remarks->types[index]);
    }
    free(remarks);
}

// The first text is what the logger takes for the kind of a line (see log_write): one that is the same for
// many.
void remarks_malformed(const char *kind, const char *message_id, int receive_count, const char *reason) {
    log_warn("a message is malformed", LOG_TEXT("refused", kind), LOG_TEXT("message_id", message_id),
             LOG_INT("receive_count", receive_count), LOG_TEXT("reason", reason));
}

// An event's type has at most EVENT_TYPE_MAX bytes.
static void copy_type(char ret[EVENT_TYPE_MAX + 1], struct slice event_type) {
    (void)snprintf(ret, EVENT_TYPE_MAX + 1, "%.*s", (int)event_type.length, event_type.data);
}

void remarks_failed(const struct domain_event *event, const char *reason) {
    char type[EVENT_TYPE_MAX + 1];
    copy_type(type, event->event_type);
    log_warn("an event has failed", LOG_TEXT("event_type", type), LOG_TEXT("event_id", event->event_id),
             LOG_INT("receive_count", event->deliveries), LOG_TEXT("reason", reason));
}

void remarks_unhandled(struct remarks *remarks, struct slice event_type) {
    char type[EVENT_TYPE_MAX + 1];
    for (int index = 0; index < remarks->type_count; index++) {
        if (slice_equals(event_type, remarks->types[index])) {
            return;
        }
    }
    if (remarks->type_count == REMARKED_TYPES_MAX) {
        return;
    }
    copy_type(type, event_type);
    remarks->types[remarks->type_count++] = memory_copy_text(type);
    log_info("events of this type have no handler, and are dropped", LOG_TEXT("event_type", type));
    if (remarks->type_count == REMARKED_TYPES_MAX) {
        log_info("more event types without a handler are not named");
    }
}
