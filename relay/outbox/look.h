// SPDX-License-Identifier: Apache-2.0
// What one look at the database found; see function outbox.look.
#pragma once

#include <stdint.h>

struct look {
    const char *snapshot;  // pg_current_snapshot() as text, a colon, the next transaction id
    int64_t newest;        // the newest event's id; 0 when there is none
    int64_t last_drawn;    // the highest id drawn from the sequence so far, committed or not
    int64_t lowest_unsent; // in the range asked about; 0 when there is none
    int64_t due_in_us;     // until the next scheduled or retried event is due; INT64_MAX when there is none
};
