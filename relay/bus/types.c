// SPDX-License-Identifier: Apache-2.0
#include "bus/types.h"

#include "base/backoff.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 256,
    NAME_MAX_BYTES = 200,   // of an event type, see outbox.check_event
    OUT_MAX_US = 60000000,  // an outage is noticed to be over after so long at most
    SOON_US = 1000000,      // what is handled within this time need not be put off
    SHED_MAX_US = 60000000, // the pace may change
    SLOW_US = 250000,       // a turn, see outbox/flow.c
    LEARNING = 8,           // the share of a new observation
};

struct type {
    size_t name_length;
    char name[NAME_MAX_BYTES];
    int outages; // in a row
    int64_t out_until;
    int at_work;
    int64_t keeps_us; // how long its handlers keep an event, waiting for their turn included
    uint64_t turn;    // the turn that this counts for:
    int64_t shed;
};

struct types {
    int64_t retry_base_us;
    int64_t retry_max_us;
    uint64_t turn;
    struct type slots[SLOTS];
};

void types_limit(struct types *types, int64_t retry_base_us, int64_t retry_max_us) {
    types->retry_base_us = retry_base_us;
    types->retry_max_us = retry_max_us < OUT_MAX_US ? retry_max_us : OUT_MAX_US;
}

struct types *types_new(int64_t retry_base_us, int64_t retry_max_us) {
    struct types *types = memory_allocate(1, sizeof *types);
    types_limit(types, retry_base_us, retry_max_us);
    return types;
}

void types_free(struct types *types) {
    free(types);
}

// FNV-1a (draft-eastlake-fnv).
static size_t slot_of(struct slice name) {
    uint32_t hash = 2166136261U;
    for (size_t index = 0; index < name.length; index++) {
        hash = (hash ^ (unsigned char)name.data[index]) * 16777619U;
    }
    return hash % SLOTS;
}

static bool is_of(const struct type *type, struct slice name) {
    return type->name_length == name.length && memcmp(type->name, name.data, name.length) == 0;
}

static struct type *find(struct types *types, struct slice name) {
    struct type *type = &types->slots[slot_of(name)];
    name.length = name.length < NAME_MAX_BYTES ? name.length : NAME_MAX_BYTES;
    if (!is_of(type, name)) {
        *type = (struct type){.name_length = name.length};
        memcpy(type->name, name.data, name.length);
    }
    if (type->turn != types->turn) {
        type->turn = types->turn;
        type->shed = 0;
    }
    return type;
}

static const struct type *known(const struct types *types, struct slice name) {
    const struct type *type = &types->slots[slot_of(name)];
    return is_of(type, name) ? type : NULL;
}

int64_t types_out_us(const struct types *types, struct slice event_type, int64_t now) {
    const struct type *type = known(types, event_type);
    return type != NULL && type->out_until > now ? type->out_until - now : 0;
}

// However many events fail at a time, it is one outage.
int64_t types_unreachable(struct types *types, struct slice event_type, int64_t now) {
    struct type *type = find(types, event_type);
    if (now >= type->out_until) {
        type->out_until = now + backoff_us(++type->outages, types->retry_base_us, types->retry_max_us);
    }
    return type->out_until - now;
}

void types_reached(struct types *types, struct slice event_type) {
    struct type *type = find(types, event_type);
    type->outages = 0;
    type->out_until = 0;
}

void types_begun(struct types *types, struct slice event_type) {
    find(types, event_type)->at_work++;
}

// (A type may have taken over its place while some of its events were at work.)
void types_taken_back(struct types *types, struct slice event_type) {
    struct type *type = find(types, event_type);
    type->at_work -= type->at_work > 0;
}

void types_ended(struct types *types, struct slice event_type, int64_t took_us) {
    struct type *type = find(types, event_type);
    type->keeps_us += (took_us - type->keeps_us) / LEARNING;
    types_taken_back(types, event_type);
}

void types_kept(struct types *types, struct slice event_type, int64_t us) {
    struct type *type = find(types, event_type);
    type->keeps_us = us > type->keeps_us ? us : type->keeps_us;
}

int types_at_work(const struct types *types, struct slice event_type) {
    const struct type *type = known(types, event_type);
    return type != NULL ? type->at_work : 0;
}

bool types_are_slow(const struct types *types, struct slice event_type) {
    const struct type *type = known(types, event_type);
    return type != NULL && type->keeps_us > SLOW_US;
}

void types_begin_turn(struct types *types) {
    types->turn++;
}

// (Little's law: so many that are kept so long each make this pace.)
int64_t types_shed(struct types *types, struct slice event_type) {
    struct type *type = find(types, event_type);
    int64_t wait = ++type->shed * type->keeps_us / (type->at_work > 0 ? type->at_work : 1);
    wait = wait < SHED_MAX_US ? wait : SHED_MAX_US;
    return wait > SOON_US ? wait : 0;
}
