// SPDX-License-Identifier: Apache-2.0
// Events that have come from the database and wait to be offered, first come, first served. They are copied,
// as libpq's results are large and each would be kept for one row.
#pragma once

#include "base/buffer.h"
#include "message/event.h"

#include <stdbool.h>

struct arrivals;

struct arrivals *arrivals_new(void);
void arrivals_free(struct arrivals *arrivals);

// arrivals_add copies an event; `blocked` comes back with it.
void arrivals_add(struct arrivals *arrivals, const struct outbox_event *event, bool blocked);

int arrivals_count(const struct arrivals *arrivals);
size_t arrivals_bytes(const struct arrivals *arrivals); // that the events have which wait

// arrivals_take is the event that has waited longest, which lives until the next call; there must be one.
const struct outbox_event *arrivals_take(struct arrivals *arrivals, bool *blocked);

void arrivals_clear(struct arrivals *arrivals);
void arrivals_trim(struct arrivals *arrivals); // clears it, and gives back its memory
