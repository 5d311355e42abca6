// SPDX-License-Identifier: Apache-2.0
// Reading the time at which credentials expire.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// expiry_parse reads ISO 8601 as AWS's services and tools write it, into Unix microseconds:
// 2026-01-31T12:34:56, then perhaps a fraction of a second (1 to 9 digits, cut at microseconds), then the
// zone: Z, UTC (the AWS CLI's token cache) or an offset (+00:00, +0000). Nothing else is taken: a date that
// does not exist, a time without a zone. `ret` is left as it was then.
bool expiry_parse(const char *text, int64_t *ret);
