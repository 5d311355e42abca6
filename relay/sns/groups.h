// SPDX-License-Identifier: Apache-2.0
// The message groups of one FIFO topic: events that wait in order, of which each group has one under way at
// most. So whatever SNS does with one entry of a batch, no later event of its group can have overtaken it.
//
//     held -> ready (the first of its group, none under way) -> taken (under way) -> done | failed
#pragma once

#include "sns/batch.h"

// A held event, encoded as an entry.
struct held {
    struct held *next;
    struct batch_entry entry;
    struct buffer encoded;
};

struct groups;

struct groups *groups_new(void);
void groups_free(struct groups *groups);

// groups_hold adds an event at the end of its group; the entry's group is filled in. `held` is taken over.
// Returns false, and takes nothing, when an earlier event of the group has failed since groups_offered.
bool groups_hold(struct groups *groups, const char *group_id, struct held *held);

// groups_refuse: an event of this group and claim will not be sent, so those that are offered after it must
// not be held either.
void groups_refuse(struct groups *groups, const char *group_id, const void *claim);

// groups_offered: the events of this claim have all been held, so a failure in a group has no later ones to
// stop. (The events of one claim are offered at a time; nothing happens when it is another one.)
void groups_offered(struct groups *groups, const void *claim);

// groups_peek is the next event that may be sent, or NULL; groups_take takes it out, to be sent. The caller
// frees it.
const struct held *groups_peek(const struct groups *groups);
struct held *groups_take(struct groups *groups);
void held_free(struct held *held);

// groups_done: the event under way was accepted. groups_fail: it was not, so what its group holds must not be
// sent now; each is handed to `let_go`.
typedef void (*groups_let_go_fn)(void *context, struct held *held);
void groups_done(struct groups *groups, struct group *group);
void groups_fail(struct groups *groups, struct group *group, groups_let_go_fn let_go, void *context);

// groups_drop hands every held event of a claim (NULL: of all) to `let_go`.
void groups_drop(struct groups *groups, const void *claim, groups_let_go_fn let_go, void *context);

int groups_held(const struct groups *groups); // events not taken yet
