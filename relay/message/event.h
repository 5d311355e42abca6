// SPDX-License-Identifier: Apache-2.0
// One row of outbox.event, as claimed: views into the memory of whoever hands it on.
#pragma once

#include "base/slice.h"

#include <stdint.h>

enum { EVENT_ID_BYTES = 16, EVENT_ID_TEXT_SIZE = 37 };

struct outbox_event {
    int64_t id;
    unsigned char event_id[EVENT_ID_BYTES];
    int attempts;        // how often it was refused before
    int64_t occurred_at; // microseconds since 1970-01-01 UTC
    int64_t wanted_at;   // when it was to be published: occurred_at, or later when its writer has set due_at
    struct slice event_type;
    struct slice event_version;
    struct slice aggregate_id;
    struct slice data;     // JSON text, as the writer wrote it
    struct slice metadata; // JSON object text
};

// event_id_text writes the 36 characters of the UUID and a zero byte.
void event_id_text(const struct outbox_event *event, char text[EVENT_ID_TEXT_SIZE]);
