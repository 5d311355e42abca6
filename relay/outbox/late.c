// SPDX-License-Identifier: Apache-2.0
#include "outbox/late.h"

#include "base/memory.h"

#include <stdlib.h>

void late_free(struct late *late) {
    while (late->first != NULL) {
        late_remove(late, late->first);
    }
}

struct late_event *late_add(struct late *late, const struct claim *claim, int row) {
    struct late_event *event = memory_allocate(1, sizeof *event);
    claim_event(claim, row, &event->id, event->event_id);
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
