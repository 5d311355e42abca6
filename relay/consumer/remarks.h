// SPDX-License-Identifier: Apache-2.0
// What the log says about single messages: a line each, but of each kind not more than ten a second, then one
// line with how many were left out.
#pragma once

#include "base/slice.h"
#include "handle/domain_event.h"

#include <event2/event.h>
#include <stdint.h>

enum { REMARKS_PER_SECOND = 10, REMARKED_TYPES_MAX = 64 };

struct remarks;

struct remarks *remarks_new(struct event_base *base);
void remarks_free(struct remarks *remarks); // tells what it still has left out; NULL is fine

void remarks_malformed(struct remarks *remarks, const char *message_id, int receive_count,
                       const char *reason);
void remarks_failed(struct remarks *remarks, const struct domain_event *event, const char *reason);

// remarks_unhandled names each event type once, of REMARKED_TYPES_MAX.
void remarks_unhandled(struct remarks *remarks, struct slice event_type);
