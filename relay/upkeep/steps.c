// SPDX-License-Identifier: Apache-2.0
#include "upkeep/steps.h"

enum {
    STEP_SHORT_US = 20000,
    STEP_LONG_US = 50000,
    REST_TIMES = 5,
    URGENT_TIMES = 4,
    REST_LEAST_US = 10000,
    REST_ROW_US = 100,
    READ_TIMES = 50,
    READ_AGAIN_MOST_US = 600000000,
    PASSES_A_RETENTION = 24,
    PASS_LEAST_US = 1000000,
};
static const int64_t PASS_MOST_US = INT64_C(3600000000);

static int64_t clamp(int64_t value, int64_t least, int64_t most) {
    return value < least ? least : value > most ? most : value;
}

int steps_next(int most, int64_t took_us) {
    int next = most;
    if (took_us > STEP_LONG_US) {
        next = most / 2;
    } else if (took_us < STEP_SHORT_US) {
        next = most + most / 4;
    }
    return (int)clamp(next, STEPS_LEAST, STEPS_MOST);
}

int64_t steps_rest(int64_t took_us, int64_t rows, bool urgent) {
    int64_t for_time = took_us * REST_TIMES;
    int64_t for_rows = rows * REST_ROW_US - took_us;
    int64_t rest = for_time > for_rows ? for_time : for_rows;
    rest *= urgent ? URGENT_TIMES : 1;
    return rest > REST_LEAST_US ? rest : REST_LEAST_US;
}

int64_t steps_between_passes(int64_t retention_us) {
    return clamp(retention_us / PASSES_A_RETENTION, PASS_LEAST_US, PASS_MOST_US);
}

int64_t steps_read_again(int64_t took_us, int64_t interval_us) {
    return clamp(took_us * READ_TIMES, interval_us, READ_AGAIN_MOST_US);
}
