// SPDX-License-Identifier: Apache-2.0
#include "bus/aggregates.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

struct aggregate {
    struct aggregate *next_in_bucket;
    struct aggregate *next_ready;
    struct bus_event *first; // of those that are held
    struct bus_event *last;
    struct bus_event *under_way;
    bool refused; // what comes next; while the events of a claim are being offered
    size_t id_length;
    char id[];
};

struct aggregates {
    struct aggregate *buckets[BUCKETS];
    struct aggregate *ready_first;
    struct aggregate *ready_last;
    const void *offering; // the claim whose events are coming in
    bool any_refused;
};

struct aggregates *aggregates_new(void) {
    return memory_allocate(1, sizeof(struct aggregates));
}

static void free_aggregate(struct aggregate *aggregate) {
    while (aggregate->first != NULL) {
        struct bus_event *event = aggregate->first;
        aggregate->first = event->next;
        free(event);
    }
    free(aggregate->under_way);
    free(aggregate);
}

void aggregates_free(struct aggregates *aggregates) {
    for (size_t bucket = 0; aggregates != NULL && bucket < BUCKETS; bucket++) {
        while (aggregates->buckets[bucket] != NULL) {
            struct aggregate *aggregate = aggregates->buckets[bucket];
            aggregates->buckets[bucket] = aggregate->next_in_bucket;
            free_aggregate(aggregate);
        }
    }
    free(aggregates);
}

// FNV-1a (draft-eastlake-fnv).
static size_t bucket_of(struct slice id) {
    uint32_t hash = 2166136261U;
    for (size_t index = 0; index < id.length; index++) {
        hash = (hash ^ (unsigned char)id.data[index]) * 16777619U;
    }
    return hash % BUCKETS;
}

static struct aggregate *look_up(const struct aggregates *aggregates, struct slice id) {
    struct aggregate *aggregate = aggregates->buckets[bucket_of(id)];
    while (aggregate != NULL &&
           (aggregate->id_length != id.length || memcmp(aggregate->id, id.data, id.length) != 0)) {
        aggregate = aggregate->next_in_bucket;
    }
    return aggregate;
}

static struct aggregate *look_up_or_make(struct aggregates *aggregates, struct slice id) {
    struct aggregate *aggregate = look_up(aggregates, id);
    if (aggregate == NULL) {
        struct aggregate **bucket = &aggregates->buckets[bucket_of(id)];
        aggregate = memory_allocate(1, sizeof *aggregate + id.length);
        memcpy(aggregate->id, id.data, id.length);
        aggregate->id_length = id.length;
        aggregate->next_in_bucket = *bucket;
        *bucket = aggregate;
    }
    return aggregate;
}

static void forget_if_idle(struct aggregates *aggregates, struct aggregate *aggregate) {
    if (aggregate->first != NULL || aggregate->under_way != NULL || aggregate->refused) {
        return;
    }
    struct aggregate **link =
        &aggregates->buckets[bucket_of((struct slice){aggregate->id, aggregate->id_length})];
    while (*link != aggregate) {
        link = &(*link)->next_in_bucket;
    }
    *link = aggregate->next_in_bucket;
    free(aggregate);
}

static void push_ready(struct aggregates *aggregates, struct aggregate *aggregate) {
    aggregate->next_ready = NULL;
    if (aggregates->ready_last != NULL) {
        aggregates->ready_last->next_ready = aggregate;
    } else {
        aggregates->ready_first = aggregate;
    }
    aggregates->ready_last = aggregate;
}

bool aggregates_hold(struct aggregates *aggregates, struct bus_event *event) {
    struct aggregate *aggregate = look_up_or_make(aggregates, event->event.aggregate_id);
    aggregates->offering = event->delivery.claim;
    if (aggregate->refused) {
        return false;
    }
    event->next = NULL;
    event->aggregate = aggregate;
    if (aggregate->first != NULL) {
        aggregate->last->next = event;
    } else {
        aggregate->first = event;
        if (aggregate->under_way == NULL) {
            push_ready(aggregates, aggregate);
        }
    }
    aggregate->last = event;
    return true;
}

void aggregates_refuse(struct aggregates *aggregates, struct slice aggregate_id, const void *claim) {
    aggregates->offering = claim;
    look_up_or_make(aggregates, aggregate_id)->refused = aggregates->any_refused = true;
}

void aggregates_offered(struct aggregates *aggregates, const void *claim) {
    if (aggregates->offering != claim) {
        return;
    }
    aggregates->offering = NULL;
    for (size_t bucket = 0; aggregates->any_refused && bucket < BUCKETS; bucket++) {
        struct aggregate *next;
        for (struct aggregate *aggregate = aggregates->buckets[bucket]; aggregate != NULL; aggregate = next) {
            next = aggregate->next_in_bucket;
            aggregate->refused = false;
            forget_if_idle(aggregates, aggregate);
        }
    }
    aggregates->any_refused = false;
}

struct bus_event *aggregates_under_way(const struct aggregates *aggregates, struct slice aggregate_id) {
    const struct aggregate *aggregate = look_up(aggregates, aggregate_id);
    return aggregate != NULL ? aggregate->under_way : NULL;
}

static struct bus_event *take(struct aggregate *aggregate) {
    struct bus_event *event = aggregate->first;
    aggregate->first = event->next;
    aggregate->under_way = event;
    return event;
}

// (What becomes ready meanwhile gets into the new list, too.)
void aggregates_run(struct aggregates *aggregates, const struct aggregates_runner *runner) {
    struct aggregate *aggregate = aggregates->ready_first;
    struct aggregate *next;
    aggregates->ready_first = aggregates->ready_last = NULL;
    for (; aggregate != NULL; aggregate = next) {
        next = aggregate->next_ready;
        if (runner->may_go(runner->context, aggregate->first)) {
            runner->go(runner->context, take(aggregate));
        } else {
            push_ready(aggregates, aggregate);
        }
    }
}

void aggregates_done(struct aggregates *aggregates, struct bus_event *event) {
    struct aggregate *aggregate = event->aggregate;
    aggregate->under_way = NULL;
    if (aggregate->first != NULL) {
        push_ready(aggregates, aggregate);
    }
    forget_if_idle(aggregates, aggregate);
}

// Later events of their claim, while these are still offered, must not be taken either.
static void refuse_later(struct aggregates *aggregates, struct aggregate *aggregate) {
    if (aggregates->offering != NULL) {
        aggregate->refused = aggregates->any_refused = true;
    }
}

static void let_go_held(struct aggregates *aggregates, struct aggregate *aggregate, const void *claim,
                        aggregates_let_go_fn let_go, void *context) {
    struct bus_event **link = &aggregate->first;
    bool is_first = aggregate->under_way == NULL;
    aggregate->last = NULL;
    while (*link != NULL) {
        struct bus_event *event = *link;
        if (claim == NULL || event->delivery.claim == claim) {
            *link = event->next;
            refuse_later(aggregates, aggregate);
            let_go(context, event, is_first);
        } else {
            aggregate->last = event;
            link = &event->next;
        }
        is_first = false;
    }
}

void aggregates_fail(struct aggregates *aggregates, struct bus_event *event, aggregates_let_go_fn let_go,
                     void *context) {
    struct aggregate *aggregate = event->aggregate;
    refuse_later(aggregates, aggregate);
    let_go_held(aggregates, aggregate, NULL, let_go, context);
    aggregate->under_way = NULL;
    forget_if_idle(aggregates, aggregate);
}

// Those that are ready go first, in their order. Then they are found anew, as some have nothing left.
void aggregates_drop(struct aggregates *aggregates, const void *claim, aggregates_let_go_fn let_go,
                     void *context) {
    for (struct aggregate *aggregate = aggregates->ready_first; aggregate != NULL;
         aggregate = aggregate->next_ready) {
        let_go_held(aggregates, aggregate, claim, let_go, context);
    }
    aggregates->ready_first = aggregates->ready_last = NULL;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        struct aggregate *next;
        for (struct aggregate *aggregate = aggregates->buckets[bucket]; aggregate != NULL; aggregate = next) {
            next = aggregate->next_in_bucket;
            let_go_held(aggregates, aggregate, claim, let_go, context);
            if (aggregate->first != NULL && aggregate->under_way == NULL) {
                push_ready(aggregates, aggregate);
            }
            forget_if_idle(aggregates, aggregate);
        }
    }
}

void aggregates_visit(const struct aggregates *aggregates,
                      void (*visit)(void *context, struct bus_event *event), void *context) {
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        for (const struct aggregate *aggregate = aggregates->buckets[bucket]; aggregate != NULL;
             aggregate = aggregate->next_in_bucket) {
            if (aggregate->under_way != NULL) {
                visit(context, aggregate->under_way);
            }
        }
    }
}
