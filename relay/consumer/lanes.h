// SPDX-License-Identifier: Apache-2.0
// Lanes of things that must not be under way at the same time: those with the same key stand in one lane, in
// the order of their coming, and only the first of a lane may go on.
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <sys/queue.h>

struct lane;
struct lanes;

// Part of what stands in a lane.
struct lane_place {
    struct lane *lane; // NULL: in none
    void *owner;
    TAILQ_ENTRY(lane_place) link;
};

struct lanes *lanes_new(void);
void lanes_free(struct lanes *lanes); // the places in them are forgotten; NULL is fine

// lanes_join puts `owner` at the end of the lane of `key`, and says whether it is the first in it.
bool lanes_join(struct lanes *lanes, struct slice key, struct lane_place *place, void *owner);

// lanes_leave returns the owner that is the first of the lane because this one has left, or NULL. Nothing
// happens when the place is in no lane.
void *lanes_leave(struct lane_place *place);

// lanes_behind is the owner right behind, or NULL.
void *lanes_behind(const struct lane_place *place);
