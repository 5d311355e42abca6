// SPDX-License-Identifier: Apache-2.0
// Ordered events that are still under way though their claim has ended: their topic has not answered for so
// long that it would hold up all others. In the database such an event is put off to the moment when its
// request has ended for certain, and so holds up its aggregate like any other that is tried again. If it is
// accepted or refused meanwhile, the ledger marks it.
#pragma once

#include "outbox/claim.h"

#include <stdint.h>

struct late_event {
    struct late_event *next;
    int64_t id;
    unsigned char event_id[EVENT_ID_BYTES];
    int attempts; // before its claim
    int64_t wanted_at;
    const struct topic_counters *counters;
};

struct late {
    struct late_event *first;
    int count;
};

void late_free(struct late *late);

// late_add notes an event of a claim, and returns what stands for it from now on; late_remove frees that.
struct late_event *late_add(struct late *late, const struct claim *claim, int row);
void late_remove(struct late *late, struct late_event *event);
