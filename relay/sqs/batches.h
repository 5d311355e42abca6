// SPDX-License-Identifier: Apache-2.0
// Requests about many messages at once, DeleteMessageBatch and ChangeMessageVisibilityBatch: entries are
// collected for some milliseconds, ten at most go into a request, and each is answered on its own.
#pragma once

#include "sqs/queue.h"

struct batches;

enum batches_action { BATCHES_DELETE, BATCHES_HIDE };

enum entry_outcome {
    ENTRY_DONE,
    ENTRY_AGAIN,   // not done, or not known: the same may succeed later
    ENTRY_REFUSED, // it never will: the handle is not good any more, or never was
};

struct entry_result {
    enum entry_outcome outcome;
    int64_t asked_at;         // clock_boot_us; it was done after that
    enum aws_failure failure; // of the whole request, where that has failed; else AWS_FAILURE_OTHER
    const char *reason;       // why it is not done; one line, "" where it is
};

// `answered` is called once for each entry, later, from the loop; it may add entries.
struct batches_listener {
    void *context;
    void (*answered)(void *context, void *item, const struct entry_result *result);
};

// batches_new borrows the queue. An attempt to send has `timeout_us`.
struct batches *batches_new(struct event_base *base, struct queue *queue, enum batches_action action,
                            int64_t timeout_us, const struct batches_listener *listener);

// batches_free answers nothing; the queue is to be freed before. NULL is fine.
void batches_free(struct batches *batches);

// batches_add adds an entry: the handle, copied, and for BATCHES_HIDE for how long from now on.
void batches_add(struct batches *batches, const char *handle, int seconds, void *item);

void batches_flush(struct batches *batches); // sends what is collected now

// batches_limit lets no attempt that begins from now on take longer.
void batches_limit(struct batches *batches, int64_t timeout_us);
