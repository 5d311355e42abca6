// SPDX-License-Identifier: Apache-2.0
// The messages of one invocation, and what has become of each. A batch may be answered before all are
// settled; it then lives on until they are, so that what comes late is not taken for a result of the next
// invocation, which may hold the same messages.
//
// What fails because of an outage is put aside, with those of its group that are let go behind it, to be
// offered again when that is over: a connection that died while the process was frozen shows when it is used,
// and Lambda would bring the messages again only after the queue's visibility timeout. So is what is let go
// behind a message of an earlier invocation.
#pragma once

#include "base/buffer.h"
#include "lambda/records.h"

struct lambda_batch;

struct lambda_batch_counts {
    int messages;
    int unsettled; // the intake has them
    int aside;
    int failed; // with those that were let go
};

// lambda_batch_new takes over what was parsed.
struct lambda_batch *lambda_batch_new(struct records *records);

// lambda_batch_free is only for a batch of which the intake holds no message: not offered, or with the intake
// gone. NULL is fine.
void lambda_batch_free(struct lambda_batch *batch);

// lambda_batch_offer hands all messages to the intake, once. Meanwhile some may be settled.
void lambda_batch_offer(struct lambda_batch *batch, struct intake *intake);
bool lambda_batch_is_offered(const struct lambda_batch *batch); // wholly

// lambda_batch_offer_again does so with what is aside. lambda_batch_give_up lets that fail, and nothing be
// put aside any more.
void lambda_batch_offer_again(struct lambda_batch *batch, struct intake *intake);
void lambda_batch_give_up(struct lambda_batch *batch);

// lambda_batch_settle notes the result of a message that was offered. False when its batch has been left
// already.
bool lambda_batch_settle(void *message, const struct intake_result *result);

struct lambda_batch_counts lambda_batch_counts(const struct lambda_batch *batch);

// lambda_batch_append_answer writes {"batchItemFailures":[{"itemIdentifier":"…"},…]}: in the order they came,
// all messages that are not done. What is not settled or aside counts as failed.
void lambda_batch_append_answer(const struct lambda_batch *batch, struct buffer *out);

// lambda_batch_leave ends what the caller has to do with a batch that is answered. It is released, or put on
// the list `late` when handlers of it still run, and released with the last result. lambda_batch_free_late
// releases that list, when the intake is gone.
void lambda_batch_leave(struct lambda_batch *batch, struct lambda_batch **late);
void lambda_batch_free_late(struct lambda_batch **late);
