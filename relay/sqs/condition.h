// SPDX-License-Identifier: Apache-2.0
// How things stand with a queue, for who asks whether a consumer is well.
#pragma once

#include "observe/health.h"
#include "sqs/queue.h"
#include "sqs/trouble.h"

// condition_tell adds the check "sqs". `found`: the queue has answered before; `trouble`: of what is asked of
// it now. That it throttles is noted, but good.
void condition_tell(struct health *health, const struct queue *queue, bool found,
                    const struct trouble *trouble);
