// SPDX-License-Identifier: Apache-2.0
#include "outbox/claim_pool.h"

#include "base/memory.h"

#include <stdlib.h>

enum { RETRY_US = 30000000 }; // before another connection is asked for, after one was refused

struct claim_pool {
    struct claim **claims;
    int count;
    int64_t connect_at; // no further connection before
};

struct claim_pool *claim_pool_new(int count, const struct claim_listener *listener,
                                  const struct claim_options *options) {
    struct claim_pool *pool = memory_allocate(1, sizeof *pool);
    pool->count = count;
    pool->claims = memory_allocate((size_t)count, sizeof(struct claim *));
    for (int index = 0; index < count; index++) {
        pool->claims[index] = claim_new(listener, options);
    }
    return pool;
}

void claim_pool_free(struct claim_pool *pool) {
    if (pool == NULL) {
        return;
    }
    for (int index = 0; index < pool->count; index++) {
        claim_free(pool->claims[index]);
    }
    free(pool->claims);
    free(pool);
}

static struct claim *find(const struct claim_pool *pool, bool (*is)(const struct claim *)) {
    for (int index = 0; index < pool->count; index++) {
        if (is(pool->claims[index])) {
            return pool->claims[index];
        }
    }
    return NULL;
}

struct claim *claim_pool_idle(struct claim_pool *pool, struct event_base *base, int64_t now,
                              struct error *error) {
    struct claim *idle = find(pool, claim_is_idle);
    struct claim *closed = find(pool, claim_is_closed);
    if (idle == NULL && closed != NULL && find(pool, claim_is_connecting) == NULL &&
        now >= pool->connect_at) {
        claim_connect(closed, base, error);
    }
    return idle;
}

bool claim_pool_spare(struct claim_pool *pool, struct claim *claim, int64_t now) {
    if (!claim_is_connecting(claim) || find(pool, claim_is_open) == NULL) {
        return false;
    }
    claim_abandon(claim, NULL); // it has no rows yet
    pool->connect_at = now + RETRY_US;
    return true;
}

struct claim *claim_pool_fetching(const struct claim_pool *pool) {
    return find(pool, claim_is_fetching);
}

struct claim *claim_pool_next(const struct claim_pool *pool) {
    struct claim *first = NULL;
    for (int index = 0; index < pool->count; index++) {
        struct claim *claim = pool->claims[index];
        if (claim_arrived(claim) > 0 && (first == NULL || claim_began_at(claim) < claim_began_at(first))) {
            first = claim;
        }
    }
    return first;
}

int claim_pool_arrived(const struct claim_pool *pool) {
    int count = 0;
    for (int index = 0; index < pool->count; index++) {
        count += claim_arrived(pool->claims[index]);
    }
    return count;
}

int claim_pool_offering(const struct claim_pool *pool) {
    int count = 0;
    for (int index = 0; index < pool->count; index++) {
        count += claim_is_offering(pool->claims[index]);
    }
    return count;
}

bool claim_pool_is_busy(const struct claim_pool *pool) {
    return find(pool, claim_is_busy) != NULL;
}

int claim_pool_unsettled(const struct claim_pool *pool) {
    int count = 0;
    for (int index = 0; index < pool->count; index++) {
        count += claim_unsettled(pool->claims[index]);
    }
    return count;
}

bool claim_pool_holds(const struct claim_pool *pool, const struct claim *other_than, int64_t id) {
    bool holds = false;
    for (int index = 0; !holds && index < pool->count; index++) {
        holds = pool->claims[index] != other_than && claim_holds(pool->claims[index], id);
    }
    return holds;
}

bool claim_pool_has_older(const struct claim_pool *pool, int64_t began_before) {
    bool has = false;
    for (int index = 0; !has && index < pool->count; index++) {
        has = claim_is_busy(pool->claims[index]) && claim_began_at(pool->claims[index]) < began_before;
    }
    return has;
}

struct claim *claim_pool_overdue(const struct claim_pool *pool, int64_t began_before,
                                 const struct claim *after) {
    bool is_after = after == NULL;
    for (int index = 0; index < pool->count; index++) {
        if (is_after && claim_is_overdue(pool->claims[index], began_before)) {
            return pool->claims[index];
        }
        is_after = is_after || pool->claims[index] == after;
    }
    return NULL;
}

void claim_pool_abandon(struct claim_pool *pool, struct ledger *ledger) {
    pool->connect_at = 0;
    for (int index = 0; index < pool->count; index++) {
        claim_abandon(pool->claims[index], ledger);
    }
}

void claim_pool_ping(struct claim_pool *pool) {
    for (int index = 0; index < pool->count; index++) {
        claim_ping(pool->claims[index]);
    }
}

void claim_pool_cut(struct claim_pool *pool) {
    for (int index = 0; index < pool->count; index++) {
        claim_cut(pool->claims[index]);
    }
}

void claim_pool_trim(struct claim_pool *pool) {
    for (int index = 0; index < pool->count; index++) {
        claim_trim(pool->claims[index]);
    }
}
