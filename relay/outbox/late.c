// SPDX-License-Identifier: Apache-2.0
#include "outbox/late.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void late_free(struct late *late) {
    while (late->first != NULL) {
        late_remove(late, late->first);
    }
}

struct late_event *late_add(struct late *late, const struct claim *claim, int row) {
    struct late_event *event = memory_allocate(1, sizeof *event);
    const struct row *left = claim_row(claim, row);
    event->id = left->id;
    event->attempts = left->attempts;
    event->wanted_at = left->wanted_at;
    event->counters = left->counters;
    memcpy(event->event_id, left->event_id, EVENT_ID_BYTES);
    event->next = late->first;
    late->first = event;
    late->count++;
    return event;
}

void late_remove(struct late *late, struct late_event *event) {
    struct late_event **link = &late->first;
    while (*link != event) {
        link = &(*link)->next;
    }
    *link = event->next;
    late->count--;
    free(event);
}
