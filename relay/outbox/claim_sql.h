// SPDX-License-Identifier: Apache-2.0
// The SELECT of a claim. Its columns are read by claim.c (on_event_row).
#pragma once

#include "base/buffer.h"
#include "outbox/claim.h"

// claim_sql_append appends the statement that reads a range, and locks it unless it is RANGE_ORDERED. Its
// parameters: $1 the limit, but for RANGE_DUE $2 the id to begin after, and but for RANGE_ORDERED $3 the last
// one. `parked_blocks`: an ordered event that is parked holds up those after it.
void claim_sql_append(struct buffer *sql, const struct range *range, bool parked_blocks);
