// SPDX-License-Identifier: Apache-2.0
// The command check: looks, from where the relay runs and as the relay, at everything that events need on
// their way to a consumer, and says what is wrong and what to do about it. Changes nothing.
#pragma once

#include "base/error.h"
#include "check/findings.h"
#include "settings/settings.h"

// check_run adds what it finds. That something is wrong is a finding, not a failure: it fails only
// (ERROR_INTERNAL) when the operating system refuses an event loop. Takes two minutes at most.
bool check_run(const struct settings *settings, struct findings *findings, struct error *error);
