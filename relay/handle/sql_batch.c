// SPDX-License-Identifier: Apache-2.0
#include "handle/sql_batch.h"

enum {
    QUICK_US = 250000, // longer, and it does not grow
    SLOW_US = 500000,  // longer, and it shrinks
    HOLD = 100,        // a deadlock costs deadlock_timeout, 1 s
};

static int smaller(int one, int other) {
    return one < other ? one : other;
}

void sql_batch_init(struct sql_batch *batch, int most) {
    *batch = (struct sql_batch){.most = most, .now = 1};
}

void sql_batch_succeeded(struct sql_batch *batch, int events, int64_t took_us) {
    if (took_us > SLOW_US) {
        sql_batch_failed(batch, events);
    } else if (batch->hold > 0) {
        batch->hold--;
    } else if (took_us <= QUICK_US && events >= batch->now) {
        batch->now = smaller(batch->most, batch->now + 1 + batch->now / 4);
    }
}

void sql_batch_failed(struct sql_batch *batch, int events) {
    int half = smaller(batch->now, events) / 2;
    batch->now = half > 0 ? half : 1;
}

void sql_batch_conflicted(struct sql_batch *batch, int events) {
    sql_batch_failed(batch, events);
    batch->hold = HOLD;
}
