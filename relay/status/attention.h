// SPDX-License-Identifier: Apache-2.0
// What of a report needs a person.
#pragma once

#include "base/buffer.h"

#include <cjson/cJSON.h>

// Until then it can be expected to pass by itself.
enum { ATTENTION_LATE_SECONDS = 300, ATTENTION_BLOCKER_SECONDS = 900 };

// attention_append appends a line for each thing, the worst first, and what to do; returns how many there
// are: no relay while events wait, parked events, paused topics, events that are pending or wait for longer
// than ATTENTION_LATE_SECONDS, blockers older than ATTENTION_BLOCKER_SECONDS.
int attention_append(const cJSON *report, size_t width, struct buffer *out);
