// SPDX-License-Identifier: Apache-2.0
#include "outbox/arrivals.h"

#include "base/memory.h"

#include <stdlib.h>

static const size_t texts_limit = SIZE_MAX / 4;   // no row of PostgreSQL has more than 1 GiB
static const size_t texts_kept = (size_t)2 << 20; // a larger buffer is not kept for reuse

// An event whose texts lie in `texts` one behind the other: of its slices only the lengths are true.
struct arrival {
    struct outbox_event event;
    bool blocked;
};

struct arrivals {
    struct arrival *items; // of which the first ones wait no more
    int taken;             // so many
    int count;
    int capacity;
    struct buffer texts;
    size_t texts_taken;
    struct outbox_event event; // the last one taken
};

struct arrivals *arrivals_new(void) {
    struct arrivals *arrivals = memory_allocate(1, sizeof *arrivals);
    buffer_init(&arrivals->texts, texts_limit);
    return arrivals;
}

void arrivals_clear(struct arrivals *arrivals) {
    arrivals->taken = arrivals->count = 0;
    arrivals->texts_taken = 0;
    buffer_clear(&arrivals->texts);
    if (arrivals->texts.capacity > texts_kept) {
        buffer_free(&arrivals->texts);
    }
}

void arrivals_trim(struct arrivals *arrivals) {
    arrivals_clear(arrivals);
    buffer_free(&arrivals->texts);
    free(arrivals->items);
    arrivals->items = NULL;
    arrivals->capacity = 0;
}

void arrivals_free(struct arrivals *arrivals) {
    arrivals_trim(arrivals);
    free(arrivals);
}

// Where half of it waits no more, the rest moves to the front.
static void make_room(struct arrivals *arrivals) {
    struct buffer *texts = &arrivals->texts;
    if (arrivals->taken == arrivals->count) {
        arrivals_clear(arrivals);
    } else if (arrivals->taken > arrivals->count / 2 && arrivals->texts_taken > texts->length / 2) {
        arrivals->count -= arrivals->taken;
        memmove(arrivals->items, arrivals->items + arrivals->taken,
                (size_t)arrivals->count * sizeof(struct arrival));
        memmove(texts->data, texts->data + arrivals->texts_taken, texts->length - arrivals->texts_taken);
        buffer_truncate(texts, texts->length - arrivals->texts_taken);
        arrivals->taken = 0;
        arrivals->texts_taken = 0;
    }
    if (arrivals->count == arrivals->capacity) {
        arrivals->capacity = arrivals->capacity * 2 + 64;
        arrivals->items = memory_resize(arrivals->items, (size_t)arrivals->capacity, sizeof(struct arrival));
    }
}

// The texts of an event, in the order in which they lie one behind the other.
enum { TEXTS = 5 };

static void list_texts(struct outbox_event *event, struct slice *texts[TEXTS]) {
    texts[0] = &event->event_type;
    texts[1] = &event->event_version;
    texts[2] = &event->aggregate_id;
    texts[3] = &event->data;
    texts[4] = &event->metadata;
}

void arrivals_add(struct arrivals *arrivals, const struct outbox_event *event, bool blocked) {
    struct slice *texts[TEXTS];
    make_room(arrivals);
    struct arrival *arrival = &arrivals->items[arrivals->count++];
    *arrival = (struct arrival){.event = *event, .blocked = blocked};
    list_texts(&arrival->event, texts);
    for (int index = 0; index < TEXTS; index++) {
        buffer_append(&arrivals->texts, texts[index]->data, texts[index]->length);
    }
}

int arrivals_count(const struct arrivals *arrivals) {
    return arrivals->count - arrivals->taken;
}

size_t arrivals_bytes(const struct arrivals *arrivals) {
    return arrivals->texts.length - arrivals->texts_taken;
}

const struct outbox_event *arrivals_take(struct arrivals *arrivals, bool *blocked) {
    struct slice *texts[TEXTS];
    const struct arrival *arrival = &arrivals->items[arrivals->taken++];
    arrivals->event = arrival->event;
    list_texts(&arrivals->event, texts);
    for (int index = 0; index < TEXTS; index++) {
        texts[index]->data = arrivals->texts.data + arrivals->texts_taken;
        arrivals->texts_taken += texts[index]->length;
    }
    *blocked = arrival->blocked;
    return &arrivals->event;
}
