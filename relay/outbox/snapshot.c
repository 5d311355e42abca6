// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"
#include "outbox/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RUNNING_MAX = 1 << 20 }; // above max_connections and max_prepared_transactions of any server

static bool read_xid(const char **text, uint64_t *ret) {
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    errno = 0;
    *ret = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

static bool read_colon(const char **text) {
    bool colon = **text == ':';
    *text += colon;
    return colon;
}

static bool append_running(struct snapshot *snapshot, size_t *capacity, uint64_t xid) {
    if (snapshot->running_count == RUNNING_MAX) {
        return false;
    }
    if (snapshot->running_count == *capacity) {
        *capacity = *capacity * 2 + 16;
        snapshot->running = memory_resize(snapshot->running, *capacity, sizeof(uint64_t));
    }
    snapshot->running[snapshot->running_count++] = xid;
    return true;
}

// Ascending, from xmin on and below xmax; it may be empty.
static bool read_running(struct snapshot *snapshot, const char **text, uint64_t xmin) {
    size_t capacity = 0;
    uint64_t least = xmin;
    while (**text != ':') {
        uint64_t xid;
        if (least > xmin && *(*text)++ != ',') {
            return false;
        }
        if (!read_xid(text, &xid) || xid < least || xid >= snapshot->xmax ||
            !append_running(snapshot, &capacity, xid)) {
            return false;
        }
        least = xid + 1;
    }
    return true;
}

bool snapshot_parse(struct snapshot *snapshot, const char *text) {
    uint64_t xmin;
    *snapshot = (struct snapshot){0};
    bool parsed = read_xid(&text, &xmin) && read_colon(&text) && read_xid(&text, &snapshot->xmax) &&
                  xmin <= snapshot->xmax && read_colon(&text) && read_running(snapshot, &text, xmin) &&
                  read_colon(&text) && read_xid(&text, &snapshot->next) && snapshot->xmax <= snapshot->next &&
                  *text == '\0';
    if (!parsed) {
        snapshot_free(snapshot);
    }
    return parsed;
}

void snapshot_free(struct snapshot *snapshot) {
    free(snapshot->running);
    *snapshot = (struct snapshot){0};
}

void snapshot_forget(struct snapshot *snapshot, uint64_t xid) {
    for (size_t index = 0; index < snapshot->running_count; index++) {
        if (snapshot->running[index] == xid) {
            memmove(&snapshot->running[index], &snapshot->running[index + 1],
                    (snapshot->running_count - index - 1) * sizeof(uint64_t));
            snapshot->running_count--;
            return;
        }
    }
}
