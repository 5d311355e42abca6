// SPDX-License-Identifier: Apache-2.0
#include "outbox/pace.h"

enum {
    LOOK_US = 2000,         // between looks while events flow
    LOOK_LOADED_US = 20000, // the same while claims come back full
    LOOK_EVENT_US = 125,    // longer for each event that came since the last look, up to the same
    SMOOTHING = 4,          // looks that this follows
    LONG_LOOK_US = 50000,
    LONG_LOOK_PAUSES = 4, // of a long look's time
    LONGEST_PAUSE_US = 2000000,
    LOOK_SHARE = 8, // once quiet, an eighth of the time it has been quiet
    LOOK_BEFORE_SLEEP_US = 20000,
    LINGER_US = 20000, // quiet for so long before sleeping
    SLEEP_RETRY_US = 10000,
    QUESTION_US = 20000,
    ASLEEP_US = 60000000, // a look in between, though the wake-up makes it needless
    ASLEEP_WITH_GAPS_US = 1000000,
};

static int64_t pause_between_looks(const struct pace *pace) {
    int64_t wait = LOOK_US + pace->patience;
    wait = wait < LOOK_LOADED_US ? wait : LOOK_LOADED_US;
    return wait > pace->least ? wait : pace->least;
}

void pace_look_took(struct pace *pace, int64_t took_us) {
    int64_t pause = took_us > LONG_LOOK_US ? LONG_LOOK_PAUSES * took_us : 0;
    pace->least = pause < LONGEST_PAUSE_US ? pause : LONGEST_PAUSE_US;
}

void pace_activity(struct pace *pace, int64_t now) {
    int64_t wait = pause_between_looks(pace);
    pace->last_activity = now;
    if (pace->next_look > now + wait) {
        pace->next_look = now + wait;
    }
}

void pace_claimed(struct pace *pace, int64_t now, int events) {
    pace->claimed += events;
    pace_activity(pace, now);
}

void pace_looked(struct pace *pace, int64_t now, bool loaded, int64_t slowest_us) {
    int64_t worth = LOOK_EVENT_US * pace->claimed;
    worth = worth < LOOK_LOADED_US ? worth : LOOK_LOADED_US;
    pace->patience += (worth - pace->patience) / SMOOTHING;
    pace->claimed = 0;
    int64_t wait = (now - pace->last_activity) / LOOK_SHARE;
    int64_t least = loaded ? LOOK_LOADED_US : pause_between_looks(pace);
    wait = wait > least ? wait : least;
    wait = wait < slowest_us ? wait : slowest_us;
    pace->next_look = now + (wait > pace->least ? wait : pace->least);
}

int64_t pace_slowest(bool can_sleep, int64_t poll_interval_us) {
    return can_sleep ? LOOK_BEFORE_SLEEP_US : poll_interval_us;
}

bool pace_may_sleep(const struct pace *pace, int64_t now) {
    return now - pace->last_activity >= LINGER_US && now >= pace->next_sleep;
}

void pace_sleep_refused(struct pace *pace, int64_t now) {
    pace->next_sleep = now + SLEEP_RETRY_US;
}

bool pace_may_ask(struct pace *pace, int64_t now) {
    bool may = now >= pace->next_question;
    if (may) {
        pace->next_question = now + QUESTION_US;
    }
    return may;
}

int64_t pace_asleep(const struct pace *pace, int64_t now, bool gaps) {
    int64_t wait = gaps ? (now - pace->last_activity) / LOOK_SHARE : ASLEEP_US;
    wait = wait > ASLEEP_WITH_GAPS_US ? wait : ASLEEP_WITH_GAPS_US;
    return wait < ASLEEP_US ? wait : ASLEEP_US;
}
