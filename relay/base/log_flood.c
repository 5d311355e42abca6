// SPDX-License-Identifier: Apache-2.0
#include "base/log_flood.h"

#include <stdio.h>
#include <string.h>

#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

// FNV-1a, with the zero byte, so that two texts do not run into each other.
static uint64_t add_hash(uint64_t hash, const char *text) {
    do {
        hash = (hash ^ (unsigned char)*text) * FNV_PRIME;
    } while (*text++ != '\0');
    return hash;
}

static const struct log_field *first_text(const struct log_field *fields) {
    while (fields->name != NULL && (fields->is_number || fields->text == NULL)) {
        fields++;
    }
    return fields->name != NULL ? fields : NULL;
}

static uint64_t hash_of(enum log_level level, const char *message, const struct log_field *first) {
    uint64_t hash = add_hash(FNV_OFFSET + level, message);
    hash = first != NULL ? add_hash(add_hash(hash, first->name), first->text) : hash;
    return hash != 0 ? hash : 1;
}

static bool has_ended(const struct log_kind *kind, int64_t now_us) {
    return now_us == INT64_MAX || now_us - kind->begin_us >= LOG_FLOOD_WINDOW_US;
}

// The place of a kind, or one that it can have: free, or of a kind that has nothing to tell, the oldest
// first. NULL when all have.
static struct log_kind *find(struct log_flood *flood, uint64_t hash) {
    struct log_kind *usable = NULL;
    for (int index = 0; index < LOG_FLOOD_KINDS; index++) {
        struct log_kind *kind = &flood->kinds[index];
        if (kind->hash == hash) {
            return kind;
        }
        bool better =
            usable == NULL || (usable->hash != 0 && (kind->hash == 0 || kind->begin_us < usable->begin_us));
        if (kind->suppressed == 0 && better) {
            usable = kind;
        }
    }
    return usable;
}

static void take_place(struct log_kind *kind, uint64_t hash, enum log_level level, const char *message,
                       const struct log_field *first, int64_t now_us) {
    *kind = (struct log_kind){.hash = hash, .level = level, .begin_us = now_us};
    (void)snprintf(kind->message, sizeof kind->message, "%s", message);
    (void)snprintf(kind->field, sizeof kind->field, "%s", first != NULL ? first->name : "");
    (void)snprintf(kind->value, sizeof kind->value, "%s", first != NULL ? first->text : "");
}

bool log_flood_pass(struct log_flood *flood, enum log_level level, const char *message,
                    const struct log_field *fields, int64_t now_us, int64_t *ret_suppressed) {
    const struct log_field *first = first_text(fields);
    uint64_t hash = hash_of(level, message, first);
    struct log_kind *kind = find(flood, hash);
    *ret_suppressed = 0;
    if (kind == NULL) {
        return true;
    }
    if (kind->hash != hash) {
        take_place(kind, hash, level, message, first, now_us);
    } else if (has_ended(kind, now_us)) {
        *ret_suppressed = kind->suppressed;
        kind->suppressed = 0;
        kind->written = 0;
        kind->begin_us = now_us;
    }
    if (kind->written == LOG_FLOOD_LINES) {
        kind->suppressed++;
        return false;
    }
    kind->written++;
    return true;
}

bool log_flood_take(struct log_flood *flood, int64_t now_us, struct log_kind *ret) {
    for (int index = 0; index < LOG_FLOOD_KINDS; index++) {
        struct log_kind *kind = &flood->kinds[index];
        if (kind->suppressed > 0 && has_ended(kind, now_us)) {
            *ret = *kind;
            *kind = (struct log_kind){0};
            return true;
        }
    }
    return false;
}
