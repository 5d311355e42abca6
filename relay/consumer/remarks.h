// SPDX-License-Identifier: Apache-2.0
// What the log says about single messages. How many lines of a kind it takes is the logger's business.
#pragma once

#include "base/slice.h"
#include "handle/domain_event.h"

enum { REMARKED_TYPES_MAX = 64 };

struct remarks;

struct remarks *remarks_new(void);
void remarks_free(struct remarks *remarks); // NULL is fine

// remarks_malformed: `kind` is the reason that METRIC_REFUSED counts it under.
void remarks_malformed(const char *kind, const char *message_id, int receive_count, const char *reason);
void remarks_failed(const struct domain_event *event, const char *reason);

// remarks_unhandled names each event type once, of REMARKED_TYPES_MAX.
void remarks_unhandled(struct remarks *remarks, struct slice event_type);
