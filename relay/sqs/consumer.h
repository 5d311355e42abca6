// SPDX-License-Identifier: Apache-2.0
// The consumer of one queue: receives, hands over to the intake (consumer/intake.h), deletes what is handled
// and gives back what is not, until it is told to stop.
#pragma once

#include "base/error.h"
#include "observe/health.h"
#include "settings/settings.h"

#include <event2/event.h>
#include <stdbool.h>

struct sqs_consumer;

// sqs_consumer_new starts it on the loop, which it leaves (event_base_loopbreak) when all is over. Fails when
// a setting is wrong. Borrows settings.
struct sqs_consumer *sqs_consumer_new(struct event_base *base, const struct settings *settings,
                                      struct error *error);
void sqs_consumer_free(struct sqs_consumer *consumer); // NULL is fine

// sqs_consumer_stop receives no more, lets what has begun end, gives back the rest, and ends; after
// settings->shutdown_timeout what is left is given back, too.
void sqs_consumer_stop(struct sqs_consumer *consumer);

// sqs_consumer_result is whether it has ended in good order; else why it did not.
bool sqs_consumer_result(const struct sqs_consumer *consumer, struct error *error);

// sqs_consumer_is_stopping: it receives no more.
bool sqs_consumer_is_stopping(const struct sqs_consumer *consumer);

// sqs_consumer_health adds the checks "sqs" (credentials are there, the queue is found, and receiving works)
// and "handlers".
void sqs_consumer_health(const struct sqs_consumer *consumer, struct health *health);
