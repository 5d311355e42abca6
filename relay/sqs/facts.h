// SPDX-License-Identifier: Apache-2.0
// What a consumer asks of its queue before it receives: whether it is there and may be used, and where what
// cannot be handled goes.
#pragma once

#include "sqs/queue.h"
#include "sqs/trouble.h"

struct facts;

struct facts_listener {
    void *context;
    void (*known)(void *context, const char *queue_arn); // once; never, where `broken` is called
    void (*broken)(void *context, const struct error *error);
};

// facts_new asks nothing yet. facts_ask asks, again and again until there is an answer that says something;
// calling it again is fine.
struct facts *facts_new(struct event_base *base, struct queue *queue, const struct facts_listener *listener);
void facts_ask(struct facts *facts);
void facts_free(struct facts *facts); // the queue is to be freed before; NULL is fine

const struct trouble *facts_trouble(const struct facts *facts);
