// SPDX-License-Identifier: Apache-2.0
// The trace that an event belongs to. Source: https://www.w3.org/TR/trace-context/#traceparent-header
#pragma once

#include "base/slice.h"

#include <stdbool.h>

enum { TRACEPARENT_LENGTH = 55 };

// traceparent_is_valid: it has the form of version 00,
// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, with ids that are not all zero. Another version
// may begin it, but for ff.
bool traceparent_is_valid(struct slice traceparent);
