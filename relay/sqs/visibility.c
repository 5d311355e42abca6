// SPDX-License-Identifier: Apache-2.0
#include "sqs/visibility.h"

#include "base/backoff.h"

enum { SECOND_US = 1000000 };

int visibility_seconds(int64_t us) {
    return (int)((us + SECOND_US - 1) / SECOND_US);
}

int64_t visibility_since(int64_t sent_at, int64_t answered_at, int64_t visibility_us) {
    int64_t margin = visibility_us / 4 < SECOND_US ? visibility_us / 4 : SECOND_US;
    return answered_at - margin > sent_at ? answered_at - margin : sent_at;
}

// What SQS still allows. Its own clock started earlier than ours may think, by less than a second.
static int64_t allowed(int64_t since, int64_t now) {
    int64_t left = since + VISIBILITY_TOTAL_US - now - SECOND_US;
    return left > 0 ? left / SECOND_US : 0;
}

int visibility_extension(int64_t since, int64_t deadline, int64_t now, int seconds) {
    int64_t most = allowed(since, now);
    int64_t extension = seconds < most ? seconds : most;
    return now + extension * SECOND_US >= deadline + SECOND_US / 2 ? (int)extension : 0;
}

int visibility_backoff(int receive_count, int64_t base_us, int64_t max_us, int64_t after_us, int64_t since,
                       int64_t now) {
    int64_t most = allowed(since, now);
    int64_t delay =
        (backoff_us(receive_count > 0 ? receive_count : 1, base_us, max_us) + SECOND_US / 2) / SECOND_US;
    int64_t asked = after_us < most * SECOND_US ? (after_us + SECOND_US - 1) / SECOND_US : most;
    delay = asked > delay ? asked : delay;
    return (int)(delay < most ? delay : most);
}
