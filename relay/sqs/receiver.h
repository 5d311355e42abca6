// SPDX-License-Identifier: Apache-2.0
// Receiving: how many requests for messages are under way. One waits while the queue is empty, several while
// messages flow, and none while there is no room for what they may bring, or SQS refuses.
#pragma once

#include "sqs/queue.h"
#include "sqs/received.h"
#include "sqs/trouble.h"

struct receiver;

struct receiver_listener {
    void *context;
    // A message, which lives while this runs; hidden since `since` (visibility.h).
    void (*received)(void *context, const struct received *received, int64_t since);
    // An answer with so many messages, which have been told of; -1: there was none. The receiver may be
    // pumped again, but not from here.
    void (*answered)(void *context, int count);
    // Before the first answer, SQS has refused for a reason that will not pass.
    void (*broken)(void *context, const struct error *error);
};

struct receiver *receiver_new(struct event_base *base, struct queue *queue, const struct settings *settings,
                              const struct receiver_listener *listener);
void receiver_free(struct receiver *receiver); // the queue is to be freed before; NULL is fine

// receiver_pump sends what may be sent, for at most `room` messages in all.
void receiver_pump(struct receiver *receiver, int64_t room);

void receiver_stop(struct receiver *receiver);  // sends nothing new; what is under way goes on
void receiver_hurry(struct receiver *receiver); // what a refusal was for may be over: pump again

int receiver_under_way(const struct receiver *receiver);

const struct trouble *receiver_trouble(const struct receiver *receiver);
