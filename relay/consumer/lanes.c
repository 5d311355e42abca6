// SPDX-License-Identifier: Apache-2.0
#include "consumer/lanes.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>

enum { BUCKETS = 1024 };

TAILQ_HEAD(lane_queue, lane_place);

struct lane {
    struct lane *next_in_bucket;
    struct lane **bucket;
    struct lane_queue queue; // never empty
    size_t key_length;
    char key[];
};

struct lanes {
    struct lane *buckets[BUCKETS];
};

struct lanes *lanes_new(void) {
    return memory_allocate(1, sizeof(struct lanes));
}

void lanes_free(struct lanes *lanes) {
    for (int index = 0; lanes != NULL && index < BUCKETS; index++) {
        while (lanes->buckets[index] != NULL) {
            struct lane *lane = lanes->buckets[index];
            lanes->buckets[index] = lane->next_in_bucket;
            free(lane);
        }
    }
    free(lanes);
}

// FNV-1a (draft-eastlake-fnv).
static size_t bucket_of(struct slice key) {
    uint32_t hash = 2166136261U;
    for (size_t index = 0; index < key.length; index++) {
        hash = (hash ^ (unsigned char)key.data[index]) * 16777619U;
    }
    return hash % BUCKETS;
}

static struct lane *find_lane(struct lanes *lanes, struct slice key) {
    struct lane **bucket = &lanes->buckets[bucket_of(key)];
    for (struct lane *lane = *bucket; lane != NULL; lane = lane->next_in_bucket) {
        if (lane->key_length == key.length && memcmp(lane->key, key.data, key.length) == 0) {
            return lane;
        }
    }
    struct lane *lane = memory_allocate(1, sizeof *lane + key.length);
    memcpy(lane->key, key.data, key.length);
    lane->key_length = key.length;
    lane->bucket = bucket;
    lane->next_in_bucket = *bucket;
    TAILQ_INIT(&lane->queue);
    *bucket = lane;
    return lane;
}

static void free_lane(struct lane *lane) {
    struct lane **link = lane->bucket;
    while (*link != lane) {
        link = &(*link)->next_in_bucket;
    }
    *link = lane->next_in_bucket;
    free(lane);
}

bool lanes_join(struct lanes *lanes, struct slice key, struct lane_place *place, void *owner) {
    struct lane *lane = find_lane(lanes, key);
    place->lane = lane;
    place->owner = owner;
    TAILQ_INSERT_TAIL(&lane->queue, place, link);
    return TAILQ_FIRST(&lane->queue) == place;
}

void *lanes_leave(struct lane_place *place) {
    struct lane *lane = place->lane;
    if (lane == NULL) {
        return NULL;
    }
    bool was_first = TAILQ_FIRST(&lane->queue) == place;
    TAILQ_REMOVE(&lane->queue, place, link);
    place->lane = NULL;
    struct lane_place *first = TAILQ_FIRST(&lane->queue);
    if (first == NULL) {
        free_lane(lane);
        return NULL;
    }
    return was_first ? first->owner : NULL;
}

void *lanes_behind(const struct lane_place *place) {
    const struct lane_place *behind = place->lane != NULL ? TAILQ_NEXT(place, link) : NULL;
    return behind != NULL ? behind->owner : NULL;
}
