// SPDX-License-Identifier: Apache-2.0
// The command check: looks, from where the relay runs and as the relay, at everything that events need on
// their way to a consumer, and says what is wrong and what to do about it. Changes nothing.
#pragma once

#include "base/error.h"
#include "check/findings.h"
#include "settings/settings.h"

#include <stdbool.h>
#include <stdint.h>

#define CHECK_LIMIT_US (100 * INT64_C(1000000))

// check_run adds what it finds. That something is wrong is a finding, not a failure: it fails only
// (ERROR_INTERNAL) when the operating system refuses an event loop. The database has time-outs of its own;
// what AWS has not answered after `limit_us` is told to be so.
bool check_run(const struct settings *settings, int64_t limit_us, struct findings *findings,
               struct error *error);
