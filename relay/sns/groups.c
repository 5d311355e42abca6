// SPDX-License-Identifier: Apache-2.0
#include "sns/groups.h"

#include "base/memory.h"
#include "sns/form.h"

#include <stdlib.h>

enum { BUCKETS = 4096 };

struct group {
    struct group *next_in_bucket;
    struct group *next_ready;
    struct held *first;
    struct held *last;
    bool under_way;
    bool failed; // while its claim's events are still being offered
    char id[SNS_GROUP_ID_MAX + 1];
};

struct groups {
    struct group *buckets[BUCKETS];
    struct group *ready_first;
    struct group *ready_last;
    int held;
    const void *offering; // the claim whose events are coming in
    bool any_failed;
};

struct groups *groups_new(void) {
    return memory_allocate(1, sizeof(struct groups));
}

void held_free(struct held *held) {
    buffer_free(&held->encoded);
    free(held);
}

static void free_group(struct group *group) {
    while (group->first != NULL) {
        struct held *held = group->first;
        group->first = held->next;
        held_free(held);
    }
    free(group);
}

void groups_free(struct groups *groups) {
    for (size_t bucket = 0; groups != NULL && bucket < BUCKETS; bucket++) {
        while (groups->buckets[bucket] != NULL) {
            struct group *group = groups->buckets[bucket];
            groups->buckets[bucket] = group->next_in_bucket;
            free_group(group);
        }
    }
    free(groups);
}

// FNV-1a (draft-eastlake-fnv).
static size_t bucket_of(const char *id) {
    uint32_t hash = 2166136261U;
    for (; *id != '\0'; id++) {
        hash = (hash ^ (unsigned char)*id) * 16777619U;
    }
    return hash % BUCKETS;
}

static struct group *find_group(struct groups *groups, const char *id) {
    struct group **bucket = &groups->buckets[bucket_of(id)];
    for (struct group *group = *bucket; group != NULL; group = group->next_in_bucket) {
        if (strcmp(group->id, id) == 0) {
            return group;
        }
    }
    struct group *group = memory_allocate(1, sizeof *group);
    memcpy(group->id, id, strlen(id) + 1);
    group->next_in_bucket = *bucket;
    *bucket = group;
    return group;
}

static void forget_if_idle(struct groups *groups, struct group *group) {
    if (group->first != NULL || group->under_way || group->failed) {
        return;
    }
    struct group **link = &groups->buckets[bucket_of(group->id)];
    while (*link != group) {
        link = &(*link)->next_in_bucket;
    }
    *link = group->next_in_bucket;
    free(group);
}

static void push_ready(struct groups *groups, struct group *group) {
    group->next_ready = NULL;
    if (groups->ready_last != NULL) {
        groups->ready_last->next_ready = group;
    } else {
        groups->ready_first = group;
    }
    groups->ready_last = group;
}

bool groups_hold(struct groups *groups, const char *group_id, struct held *held) {
    struct group *group = find_group(groups, group_id);
    groups->offering = held->entry.delivery.claim;
    if (group->failed) {
        return false;
    }
    held->next = NULL;
    held->entry.group = group;
    if (group->first == NULL) {
        group->first = held;
        if (!group->under_way) {
            push_ready(groups, group);
        }
    } else {
        group->last->next = held;
    }
    group->last = held;
    groups->held++;
    return true;
}

void groups_refuse(struct groups *groups, const char *group_id, const void *claim) {
    groups->offering = claim;
    find_group(groups, group_id)->failed = groups->any_failed = true;
}

void groups_offered(struct groups *groups, const void *claim) {
    if (groups->offering != claim) {
        return;
    }
    groups->offering = NULL;
    for (size_t bucket = 0; groups->any_failed && bucket < BUCKETS; bucket++) {
        struct group *next;
        for (struct group *group = groups->buckets[bucket]; group != NULL; group = next) {
            next = group->next_in_bucket;
            group->failed = false;
            forget_if_idle(groups, group);
        }
    }
    groups->any_failed = false;
}

const struct held *groups_peek(const struct groups *groups) {
    return groups->ready_first != NULL ? groups->ready_first->first : NULL;
}

struct held *groups_take(struct groups *groups) {
    struct group *group = groups->ready_first;
    struct held *held = group->first;
    groups->ready_first = group->next_ready;
    if (groups->ready_first == NULL) {
        groups->ready_last = NULL;
    }
    group->first = held->next;
    group->under_way = true;
    groups->held--;
    return held;
}

void groups_done(struct groups *groups, struct group *group) {
    group->under_way = false;
    if (group->first != NULL) {
        push_ready(groups, group);
    }
    forget_if_idle(groups, group);
}

static void let_go_held(struct groups *groups, struct group *group, const void *claim,
                        groups_let_go_fn let_go, void *context) {
    struct held **link = &group->first;
    group->last = NULL;
    while (*link != NULL) {
        struct held *held = *link;
        if (claim == NULL || held->entry.delivery.claim == claim) {
            *link = held->next;
            groups->held--;
            let_go(context, held);
        } else {
            group->last = held;
            link = &held->next;
        }
    }
}

void groups_fail(struct groups *groups, struct group *group, groups_let_go_fn let_go, void *context) {
    group->under_way = false;
    group->failed = groups->offering != NULL;
    groups->any_failed = groups->any_failed || group->failed;
    let_go_held(groups, group, NULL, let_go, context);
    forget_if_idle(groups, group);
}

// The ready ones are found anew, as some have nothing left.
void groups_drop(struct groups *groups, const void *claim, groups_let_go_fn let_go, void *context) {
    groups->ready_first = groups->ready_last = NULL;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        struct group *next;
        for (struct group *group = groups->buckets[bucket]; group != NULL; group = next) {
            next = group->next_in_bucket;
            bool had_any = group->first != NULL;
            let_go_held(groups, group, claim, let_go, context);
            if (had_any && groups->offering != NULL) { // later ones of the same claim may still be offered
                group->failed = groups->any_failed = true;
            }
            if (group->first != NULL && !group->under_way) {
                push_ready(groups, group);
            }
            forget_if_idle(groups, group);
        }
    }
}

int groups_held(const struct groups *groups) {
    return groups->held;
}
