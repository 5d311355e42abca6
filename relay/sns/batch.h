// SPDX-License-Identifier: Apache-2.0
// One PublishBatch request: its form, and for each entry where it stands there and whose delivery it is.
// Entries can be taken out again, so that only what failed is sent again, and a batch can be cut in two to
// find the entry that SNS refuses.
#pragma once

#include "aws/retry.h"
#include "base/buffer.h"
#include "message/message.h"
#include "sink/sink.h"
#include "sns/answer.h"

struct group; // groups.h
struct sns_topic;

struct batch_entry {
    struct delivery delivery;
    struct group *group; // of a FIFO topic, else NULL
    size_t offset;       // in the form
    size_t size;         // what SNS counts
    bool late;           // its claim does not wait for it any more
};

struct batch {
    struct batch *next;
    struct batch *made_before; // in the list of all
    struct sns_topic *topic;
    struct buffer form;
    size_t size; // what SNS counts, of all entries
    int count;
    struct retry retry; // after transient failures
    bool answered; // what is to be sent again is what SNS did not take of it; else there was no such answer
    int64_t retry_at;         // while it waits to be sent again
    int64_t sent_at;          // while it is under way; else 0
    int64_t throttled_at;     // first; 0: never
    int64_t signed_offset_us; // when it was sent last: what the wall clock was corrected by
    uint64_t signed_with;     // and which version of the credentials it was signed with
    bool signed_again;        // as the clock was wrong
    struct batch_entry entries[SNS_BATCH_MAX];
};

struct batch *batch_new(void);
void batch_free(struct batch *batch);

// batch_trim gives back the memory of the form of a batch that is not in use.
void batch_trim(struct batch *batch);

// batch_begin makes it an empty batch for a topic. The memory of an unusually large form is given back first.
void batch_begin(struct batch *batch, struct sns_topic *topic, const char *topic_arn);

// batch_add adds a message; `group_id` and `deduplication_id` may be NULL. batch_take adds an entry that was
// encoded earlier, by sns_form_add, whose size for SNS is `size`. There must be room.
void batch_add(struct batch *batch, struct delivery delivery, const struct message *message,
               const char *group_id, const char *deduplication_id);
void batch_take(struct batch *batch, const struct batch_entry *entry, struct slice encoded);

// batch_keep leaves only those of its entries that are marked, in their order.
void batch_keep(struct batch *batch, const char *topic_arn, const bool keep[SNS_BATCH_MAX]);

// batch_split moves the second half of the entries to `other`, which has been begun.
void batch_split(struct batch *batch, const char *topic_arn, struct batch *other);

struct batch_queue {
    struct batch *first;
    struct batch *last;
};

void batch_push(struct batch_queue *queue, struct batch *batch);
void batch_push_front(struct batch_queue *queue, struct batch *batch);
struct batch *batch_pop(struct batch_queue *queue); // the queue must not be empty
