// SPDX-License-Identifier: Apache-2.0
// A database in miniature for the simulations: transactions, the events they insert, row locks and snapshots,
// with the rules of PostgreSQL that the relay relies on.
//
// - A writer has its transaction id before it draws an event's id; ids that are rolled back leave holes.
// - A snapshot's xmax is one past the highest transaction that has ended: what runs above it is not listed.
// - A read sees what is committed at that moment and skips rows that another transaction has locked.
#pragma once

#include "outbox/claim.h"
#include "outbox/look.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MODEL_EVENTS = 2000, MODEL_TRANSACTIONS = 48, MODEL_SNAPSHOT_SIZE = 2048 };

enum model_kind { MODEL_WRITER, MODEL_BYSTANDER, MODEL_RIVAL, MODEL_OWN };
enum model_ending { MODEL_COMMIT, MODEL_ROLLBACK };

struct model_transaction {
    uint64_t xid;
    enum model_kind kind;
};

struct model_event {
    uint64_t owner;  // the transaction that drew the id, 0 once it has ended
    uint64_t locker; // 0: not locked
    bool committed;
    bool sent;
    bool deferred;  // the claim that holds it will not mark it sent, but set due_at
    int64_t due_at; // 0: NULL
    int claims;
    int let_go; // claims that ended without a mark
};

struct model {
    uint64_t random;
    uint64_t next_xid;
    uint64_t xmax;
    struct model_transaction running[MODEL_TRANSACTIONS]; // ascending
    int running_count;
    struct model_event events[MODEL_EVENTS + 1]; // by id, from 1
    int64_t last_drawn;
};

static inline void model_init(struct model *model, uint64_t seed) {
    memset(model, 0, sizeof *model);
    model->random = seed * 0x9E3779B97F4A7C15u + 1;
    model->next_xid = model->xmax = 100;
}

// model_random is a number in [0, below), from xorshift64*.
static inline int model_random(struct model *model, int below) {
    model->random ^= model->random >> 12;
    model->random ^= model->random << 25;
    model->random ^= model->random >> 27;
    return (int)((model->random * 0x2545F4914F6CDD1Du >> 33) % (uint64_t)below);
}

static inline bool model_chance(struct model *model, int percent) {
    return model_random(model, 100) < percent;
}

// model_begin assigns a transaction its id; 0 when too many run.
static inline uint64_t model_begin(struct model *model, enum model_kind kind) {
    if (model->running_count == MODEL_TRANSACTIONS) {
        return 0;
    }
    model->running[model->running_count++] = (struct model_transaction){model->next_xid, kind};
    return model->next_xid++;
}

// model_pick is a running transaction of a kind, 0 when there is none.
static inline uint64_t model_pick(struct model *model, enum model_kind kind) {
    uint64_t picked = 0;
    int seen = 0;
    for (int index = 0; index < model->running_count; index++) {
        if (model->running[index].kind == kind && model_random(model, ++seen) == 0) {
            picked = model->running[index].xid;
        }
    }
    return picked;
}

static inline bool model_is_full(const struct model *model) {
    return model->last_drawn == MODEL_EVENTS;
}

static inline void model_insert(struct model *model, uint64_t writer, int64_t due_at) {
    model->events[++model->last_drawn] = (struct model_event){.owner = writer, .due_at = due_at};
}

static inline void model_let_go(struct model_event *event) {
    event->let_go += event->locker != 0;
    event->locker = 0;
    event->deferred = false;
}

static inline void model_mark(struct model_event *event, int64_t now) {
    if (event->deferred) {
        event->due_at = now + 1;
        model_let_go(event);
    } else {
        event->sent = true;
        event->due_at = 0;
        event->locker = 0;
    }
}

// model_end ends a transaction: its events appear or never will, what it holds is marked or let go.
static inline void model_end(struct model *model, uint64_t xid, enum model_ending ending, int64_t now) {
    for (int64_t id = 1; id <= model->last_drawn; id++) {
        struct model_event *event = &model->events[id];
        if (event->owner == xid) {
            event->owner = 0;
            event->committed = ending == MODEL_COMMIT;
        }
        if (event->locker == xid && ending == MODEL_COMMIT) {
            model_mark(event, now);
        } else if (event->locker == xid) {
            model_let_go(event);
        }
    }
    int index = 0;
    while (model->running[index].xid != xid) {
        index++;
    }
    model->running_count--;
    memmove(&model->running[index], &model->running[index + 1],
            (size_t)(model->running_count - index) * sizeof model->running[0]);
    model->xmax = xid >= model->xmax ? xid + 1 : model->xmax;
}

static inline void model_end_all(struct model *model, enum model_kind kind, int64_t now) {
    for (uint64_t xid = model_pick(model, kind); xid != 0; xid = model_pick(model, kind)) {
        model_end(model, xid, model_chance(model, 60) ? MODEL_COMMIT : MODEL_ROLLBACK, now);
    }
}

static inline bool model_is_waiting(const struct model_event *event) {
    return event->committed && !event->sent;
}

static inline bool model_can_claim(const struct model_event *event, const struct range *range, int64_t now) {
    bool due = event->due_at != 0 && event->due_at <= now;
    return model_is_waiting(event) && event->locker == 0 &&
           (range->kind == RANGE_DUE ? due : event->due_at == 0);
}

struct model_claimed {
    int rows;
    int64_t last_id;
    uint64_t xid; // 0: nothing was locked, so no id was assigned
};

// model_claim locks the events of a range, lowest ids first, in a new transaction.
static inline struct model_claimed model_claim(struct model *model, const struct range *range,
                                               enum model_kind kind, int64_t now) {
    struct model_claimed claimed = {0};
    int64_t after = range->kind == RANGE_DUE ? 0 : range->after;
    int64_t to = range->kind == RANGE_DUE || range->to > model->last_drawn ? model->last_drawn : range->to;
    for (int64_t id = after + 1; id <= to && claimed.rows < range->limit; id++) {
        struct model_event *event = &model->events[id];
        if (model_can_claim(event, range, now)) {
            claimed.xid = claimed.xid != 0 ? claimed.xid : model_begin(model, kind);
            if (claimed.xid == 0) {
                break;
            }
            event->locker = claimed.xid;
            event->claims++;
            claimed.rows++;
            claimed.last_id = id;
        }
    }
    return claimed;
}

// model_snapshot writes "xmin:xmax:xid,...:next".
static inline void model_snapshot(const struct model *model, char text[MODEL_SNAPSHOT_SIZE]) {
    uint64_t xmin =
        model->running_count > 0 && model->running[0].xid < model->xmax ? model->running[0].xid : model->xmax;
    int length = snprintf(text, MODEL_SNAPSHOT_SIZE, "%" PRIu64 ":%" PRIu64 ":", xmin, model->xmax);
    for (int index = 0; index < model->running_count && model->running[index].xid < model->xmax; index++) {
        length += snprintf(text + length, (size_t)(MODEL_SNAPSHOT_SIZE - length), "%s%" PRIu64,
                           index > 0 ? "," : "", model->running[index].xid);
    }
    snprintf(text + length, (size_t)(MODEL_SNAPSHOT_SIZE - length), ":%" PRIu64, model->next_xid);
}

static inline int64_t model_newest(const struct model *model) {
    int64_t newest = model->last_drawn;
    while (newest > 0 && !model->events[newest].committed) {
        newest--;
    }
    return newest;
}

static inline int64_t model_lowest_unsent(const struct model *model, int64_t after, int64_t to) {
    for (int64_t id = after + 1; id <= to; id++) {
        if (model_is_waiting(&model->events[id]) && model->events[id].due_at == 0) {
            return id;
        }
    }
    return 0;
}

// model_look answers as function outbox.look does; the snapshot's text is the caller's.
static inline struct look model_look(const struct model *model, int64_t floor, int64_t settle_to, int64_t now,
                                     char text[MODEL_SNAPSHOT_SIZE]) {
    struct look look = {.snapshot = text,
                        .newest = model_newest(model),
                        .last_drawn = model->last_drawn,
                        .lowest_unsent = model_lowest_unsent(model, floor, settle_to),
                        .due_in_us = INT64_MAX};
    model_snapshot(model, text);
    for (int64_t id = 1; id <= model->last_drawn; id++) {
        const struct model_event *event = &model->events[id];
        if (model_is_waiting(event) && event->due_at != 0 && event->due_at - now < look.due_in_us) {
            look.due_in_us = event->due_at - now;
        }
    }
    return look;
}

// model_is_final: nothing can ever have to be done about an id again, except by its due_at.
static inline bool model_is_final(const struct model_event *event) {
    return event->owner == 0 && (!model_is_waiting(event) || event->due_at != 0);
}
