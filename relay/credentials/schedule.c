// SPDX-License-Identifier: Apache-2.0
#include "credentials/schedule.h"

#include "base/backoff.h"

#define SECONDS INT64_C(1000000)
#define MINUTES (60 * SECONDS)

static const int64_t LEAD_LEAST = 5 * MINUTES;
static const int64_t UNKNOWN = 15 * MINUTES;
static const int64_t WAIT_LEAST = 1 * SECONDS; // whatever a service hands out
static const int64_t RETRY_BASE = 1 * SECONDS;
static const int64_t RETRY_MAX = 1 * MINUTES;
static const int64_t YOUNG = 1 * MINUTES; // credentials refused at this age were never any good

static int64_t larger(int64_t one, int64_t other) {
    return one > other ? one : other;
}

static int64_t smaller(int64_t one, int64_t other) {
    return one < other ? one : other;
}

void schedule_window(int64_t left, int64_t *earliest, int64_t *latest) {
    int64_t lead = left == 0 ? 0 : smaller(larger(LEAD_LEAST, left / 10), left / 2);
    *latest = left == 0 ? UNKNOWN : left - lead;
    *earliest = *latest - (left == 0 ? UNKNOWN / 5 : lead / 4);
    *latest = larger(*latest, WAIT_LEAST);
    *earliest = larger(*earliest, WAIT_LEAST);
}

void schedule_found(struct schedule *schedule, struct schedule_now now, int64_t expires_at) {
    int64_t earliest, latest;
    schedule_window(expires_at == 0 ? 0 : larger(expires_at - now.wall, 1), &earliest, &latest);
    int64_t wait = earliest + backoff_jittered_us(1, latest - earliest, latest - earliest);
    *schedule = (struct schedule){.has = true,
                                  .expires_at = expires_at,
                                  .refresh_at = now.wall + wait,
                                  .had_at = now.monotonic,
                                  .refresh_in = wait,
                                  .refusals = schedule->refusals};
}

void schedule_failed(struct schedule *schedule, struct schedule_now now) {
    schedule->failures++;
    schedule->retry_at = now.monotonic + backoff_us(schedule->failures, RETRY_BASE, RETRY_MAX);
}

bool schedule_refused(struct schedule *schedule, struct schedule_now now) {
    if (!schedule->has || schedule->refused) {
        return false;
    }
    bool young = now.monotonic - schedule->had_at < YOUNG;
    schedule->refused = true;
    schedule->refusals = young ? schedule->refusals + 1 : 1;
    schedule->retry_at = schedule->refusals == 1
                             ? now.monotonic
                             : now.monotonic + backoff_us(schedule->refusals - 1, RETRY_BASE, RETRY_MAX);
    return true;
}

void schedule_accepted(struct schedule *schedule) {
    if (schedule->refused) {
        schedule->refused = false;
        schedule->failures = 0;
    }
}

int64_t schedule_wait(const struct schedule *schedule, struct schedule_now now) {
    if (!schedule->has || schedule->refused || schedule->failures > 0) {
        return larger(schedule->retry_at - now.monotonic, 0);
    }
    int64_t left =
        smaller(schedule->refresh_at - now.wall, schedule->had_at + schedule->refresh_in - now.monotonic);
    return larger(left, 0);
}

bool schedule_alive(const struct schedule *schedule, struct schedule_now now) {
    return schedule->has && (schedule->expires_at == 0 || now.wall < schedule->expires_at);
}
