// SPDX-License-Identifier: Apache-2.0
#include "bus/lanes.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

struct lane {
    struct lane *next_in_bucket;
    struct lane *next_ready;
    struct bus_event *first; // of those that are held
    struct bus_event *last;
    struct bus_event *under_way;
    bool refused; // while its claim's events are still being offered
    size_t id_length;
    char id[];
};

struct lanes {
    struct lane *buckets[BUCKETS];
    struct lane *ready_first;
    struct lane *ready_last;
    const void *offering; // the claim whose events are coming in
    bool any_refused;
};

struct lanes *lanes_new(void) {
    return memory_allocate(1, sizeof(struct lanes));
}

static void free_lane(struct lane *lane) {
    while (lane->first != NULL) {
        struct bus_event *event = lane->first;
        lane->first = event->next;
        free(event);
    }
    free(lane->under_way);
    free(lane);
}

void lanes_free(struct lanes *lanes) {
    for (size_t bucket = 0; lanes != NULL && bucket < BUCKETS; bucket++) {
        while (lanes->buckets[bucket] != NULL) {
            struct lane *lane = lanes->buckets[bucket];
            lanes->buckets[bucket] = lane->next_in_bucket;
            free_lane(lane);
        }
    }
    free(lanes);
}

// FNV-1a (draft-eastlake-fnv).
static size_t bucket_of(struct slice id) {
    uint32_t hash = 2166136261U;
    for (size_t index = 0; index < id.length; index++) {
        hash = (hash ^ (unsigned char)id.data[index]) * 16777619U;
    }
    return hash % BUCKETS;
}

static struct lane *look_up(const struct lanes *lanes, struct slice id) {
    struct lane *lane = lanes->buckets[bucket_of(id)];
    while (lane != NULL && (lane->id_length != id.length || memcmp(lane->id, id.data, id.length) != 0)) {
        lane = lane->next_in_bucket;
    }
    return lane;
}

static struct lane *look_up_or_make(struct lanes *lanes, struct slice id) {
    struct lane *lane = look_up(lanes, id);
    if (lane == NULL) {
        struct lane **bucket = &lanes->buckets[bucket_of(id)];
        lane = memory_allocate(1, sizeof *lane + id.length);
        memcpy(lane->id, id.data, id.length);
        lane->id_length = id.length;
        lane->next_in_bucket = *bucket;
        *bucket = lane;
    }
    return lane;
}

static void forget_if_idle(struct lanes *lanes, struct lane *lane) {
    if (lane->first != NULL || lane->under_way != NULL || lane->refused) {
        return;
    }
    struct lane **link = &lanes->buckets[bucket_of((struct slice){lane->id, lane->id_length})];
    while (*link != lane) {
        link = &(*link)->next_in_bucket;
    }
    *link = lane->next_in_bucket;
    free(lane);
}

static void push_ready(struct lanes *lanes, struct lane *lane) {
    lane->next_ready = NULL;
    if (lanes->ready_last != NULL) {
        lanes->ready_last->next_ready = lane;
    } else {
        lanes->ready_first = lane;
    }
    lanes->ready_last = lane;
}

bool lanes_hold(struct lanes *lanes, struct bus_event *event) {
    struct lane *lane = look_up_or_make(lanes, event->event.aggregate_id);
    lanes->offering = event->delivery.claim;
    if (lane->refused) {
        return false;
    }
    event->next = NULL;
    event->lane = lane;
    if (lane->first != NULL) {
        lane->last->next = event;
    } else {
        lane->first = event;
        if (lane->under_way == NULL) {
            push_ready(lanes, lane);
        }
    }
    lane->last = event;
    return true;
}

void lanes_refuse(struct lanes *lanes, struct slice aggregate_id, const void *claim) {
    lanes->offering = claim;
    look_up_or_make(lanes, aggregate_id)->refused = lanes->any_refused = true;
}

void lanes_offered(struct lanes *lanes, const void *claim) {
    if (lanes->offering != claim) {
        return;
    }
    lanes->offering = NULL;
    for (size_t bucket = 0; lanes->any_refused && bucket < BUCKETS; bucket++) {
        struct lane *next;
        for (struct lane *lane = lanes->buckets[bucket]; lane != NULL; lane = next) {
            next = lane->next_in_bucket;
            lane->refused = false;
            forget_if_idle(lanes, lane);
        }
    }
    lanes->any_refused = false;
}

struct bus_event *lanes_under_way(const struct lanes *lanes, struct slice aggregate_id) {
    const struct lane *lane = look_up(lanes, aggregate_id);
    return lane != NULL ? lane->under_way : NULL;
}

static struct bus_event *take(struct lane *lane) {
    struct bus_event *event = lane->first;
    lane->first = event->next;
    lane->under_way = event;
    return event;
}

// (What becomes ready meanwhile gets into the new list, too.)
void lanes_run(struct lanes *lanes, const struct lanes_runner *runner) {
    struct lane *lane = lanes->ready_first;
    struct lane *next;
    lanes->ready_first = lanes->ready_last = NULL;
    for (; lane != NULL; lane = next) {
        next = lane->next_ready;
        if (runner->may_go(runner->context, lane->first)) {
            runner->go(runner->context, take(lane));
        } else {
            push_ready(lanes, lane);
        }
    }
}

void lanes_done(struct lanes *lanes, struct bus_event *event) {
    struct lane *lane = event->lane;
    lane->under_way = NULL;
    if (lane->first != NULL) {
        push_ready(lanes, lane);
    }
    forget_if_idle(lanes, lane);
}

// Later events of their claim, while these are still offered, must not be taken either.
static void refuse_later(struct lanes *lanes, struct lane *lane) {
    if (lanes->offering != NULL) {
        lane->refused = lanes->any_refused = true;
    }
}

static void let_go_held(struct lanes *lanes, struct lane *lane, const void *claim, lanes_let_go_fn let_go,
                        void *context) {
    struct bus_event **link = &lane->first;
    bool is_first = lane->under_way == NULL;
    lane->last = NULL;
    while (*link != NULL) {
        struct bus_event *event = *link;
        if (claim == NULL || event->delivery.claim == claim) {
            *link = event->next;
            refuse_later(lanes, lane);
            let_go(context, event, is_first);
        } else {
            lane->last = event;
            link = &event->next;
        }
        is_first = false;
    }
}

void lanes_fail(struct lanes *lanes, struct bus_event *event, lanes_let_go_fn let_go, void *context) {
    struct lane *lane = event->lane;
    refuse_later(lanes, lane);
    let_go_held(lanes, lane, NULL, let_go, context);
    lane->under_way = NULL;
    forget_if_idle(lanes, lane);
}

// Those that are ready go first, in their order. Then they are found anew, as some have nothing left.
void lanes_drop(struct lanes *lanes, const void *claim, lanes_let_go_fn let_go, void *context) {
    for (struct lane *lane = lanes->ready_first; lane != NULL; lane = lane->next_ready) {
        let_go_held(lanes, lane, claim, let_go, context);
    }
    lanes->ready_first = lanes->ready_last = NULL;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        struct lane *next;
        for (struct lane *lane = lanes->buckets[bucket]; lane != NULL; lane = next) {
            next = lane->next_in_bucket;
            let_go_held(lanes, lane, claim, let_go, context);
            if (lane->first != NULL && lane->under_way == NULL) {
                push_ready(lanes, lane);
            }
            forget_if_idle(lanes, lane);
        }
    }
}

void lanes_visit(const struct lanes *lanes, void (*visit)(void *context, struct bus_event *event),
                 void *context) {
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        for (const struct lane *lane = lanes->buckets[bucket]; lane != NULL; lane = lane->next_in_bucket) {
            if (lane->under_way != NULL) {
                visit(context, lane->under_way);
            }
        }
    }
}
