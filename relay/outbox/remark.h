// SPDX-License-Identifier: Apache-2.0
// What the log says of single events.
#pragma once

#include "outbox/rows.h"

// remark_settled: an outcome has come for a row that is not settled yet. Refused and parked events are
// warnings, with the reason first, so that a thousand of one reason do not fill the log; published ones are
// told at debug level.
void remark_settled(const struct row *row, const struct retry_policy *policy, const struct outcome *outcome);
