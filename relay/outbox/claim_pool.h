// SPDX-License-Identifier: Apache-2.0
// The relay's claims, each with a connection of its own. Connections are opened when they are first needed,
// one at a time, and stay open.
#pragma once

#include "outbox/claim.h"

struct claim_pool;

struct claim_pool *claim_pool_new(int count, const struct claim_listener *listener,
                                  const struct claim_options *options);
void claim_pool_free(struct claim_pool *pool);

// claim_pool_idle returns a claim that can be started, or NULL: then a further connection is opened, if there
// may be one more, and its `ready` follows. Fails (error->code is set) only when conninfo cannot be parsed.
struct claim *claim_pool_idle(struct claim_pool *pool, struct event_base *base, int64_t now,
                              struct error *error);

// claim_pool_spare takes the news that a claim has lost its connection. It returns true when the claim was
// only about to be connected, beside others that are: then it is closed, and another connection is not asked
// for in a while (a limit of the role or the server, most likely).
bool claim_pool_spare(struct claim_pool *pool, struct claim *claim, int64_t now);

struct claim *
claim_pool_fetching(const struct claim_pool *pool); // NULL when none is; there is never more than one

// claim_pool_next is the claim whose rows are to be handed on next, the one that began first; NULL: none has
// any. claim_pool_arrived is how many rows wait for that, claim_pool_offering how many claims have all their
// rows, and some that wait.
struct claim *claim_pool_next(const struct claim_pool *pool);
int claim_pool_arrived(const struct claim_pool *pool);
int claim_pool_offering(const struct claim_pool *pool);

bool claim_pool_is_busy(const struct claim_pool *pool);
int claim_pool_unsettled(const struct claim_pool *pool); // events whose outcome is not known yet

// claim_pool_holds tells whether a claim other than this one has the event among its rows.
bool claim_pool_holds(const struct claim_pool *pool, const struct claim *other_than, int64_t id);

// claim_pool_has_older tells whether a claim is busy that began before that time.
bool claim_pool_has_older(const struct claim_pool *pool, int64_t began_before);

// claim_pool_overdue is the next claim after another (NULL: the first) that is overdue (claim.h); NULL: there
// is none.
struct claim *claim_pool_overdue(const struct claim_pool *pool, int64_t began_before,
                                 const struct claim *after);

// What claim.h says, for all of them.
void claim_pool_abandon(struct claim_pool *pool, struct ledger *ledger);
void claim_pool_ping(struct claim_pool *pool);
void claim_pool_cut(struct claim_pool *pool);
void claim_pool_trim(struct claim_pool *pool);
