// SPDX-License-Identifier: Apache-2.0
// The messages in hand: from when they are received until they are deleted or given back. Those that nobody
// has done with are kept hidden from others, by batches, at half of their visibility timeout; what is to
// become of the others is asked for until SQS has said that it is done, or until it does not matter any more.
#pragma once

#include "settings/settings.h"
#include "sqs/queue.h"

struct holding;
struct held;

// `freed`: a message is not in hand any more. `overdue`: a message could not be kept hidden, so others may
// get it, and what has not begun had better not begin. Both from the loop, or within a call below.
struct holding_listener {
    void *context;
    void (*freed)(void *context);
    void (*overdue)(void *context);
};

struct holding *holding_new(struct event_base *base, struct queue *queue, const struct settings *settings,
                            const struct holding_listener *listener);
void holding_free(struct holding *holding); // asks nothing; the queue is to be freed before; NULL is fine

// holding_take takes a message in hand, by its receipt handle (copied), with a body of `bytes`, hidden since
// `since` (visibility.h).
struct held *holding_take(struct holding *holding, const char *handle, size_t bytes, int receive_count,
                          int64_t since);

// holding_note_sent notes when the message was sent (wall clock, microseconds; 0: not known), for its age.
void holding_note_sent(struct held *held, int64_t sent_at);

// What is to become of it, once: it is deleted, hidden for as long as its receive count and `retry_after_us`
// say, or visible again at once. The message is not to be used after that.
void holding_delete(struct held *held);
void holding_put_off(struct held *held, int64_t retry_after_us);
void holding_give_back(struct held *held);

// holding_give_back_later keeps a message until holding_give_back_marked gives back all of these.
void holding_give_back_later(struct held *held);
void holding_give_back_marked(struct holding *holding);

// holding_give_back_all gives back what is in hand and undecided; returns how many these are.
int holding_give_back_all(struct holding *holding);

int64_t holding_given_back(const struct holding *holding); // how many were, so far

void holding_flush(struct holding *holding); // asks now for what has been collected

// holding_hurry collects what waits to be asked again, and gives each attempt from now on half of `left_us`
// at most, so that there can be another.
void holding_hurry(struct holding *holding, int64_t left_us);

int holding_count(const struct holding *holding);     // all
int holding_undecided(const struct holding *holding); // of them, those that nobody has done with

// holding_room is how many messages more there is memory for, going by the size of those that have come of
// late; never 0 when none is undecided. It does not know of those that are asked for already.
int64_t holding_room(const struct holding *holding);
