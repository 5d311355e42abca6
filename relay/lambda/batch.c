// SPDX-License-Identifier: Apache-2.0
#include "lambda/batch.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 3 }; // of a batch, when one outage follows the other

enum message_state { MESSAGE_UNSETTLED, MESSAGE_DONE, MESSAGE_FAILED, MESSAGE_ASIDE };

// What the intake gives back.
struct message {
    struct lambda_batch *batch;
    enum message_state state;
    int number; // in the batch, from 0
};

struct lambda_batch {
    struct lambda_batch **late; // the list it has been left on; NULL: not yet
    struct lambda_batch *next;  // there
    struct records records;
    struct message *messages;
    struct lambda_batch_counts counts;
    bool offered;
    int tries; // how often messages have been offered; none is put aside when that is TRIES_MAX
};

struct lambda_batch *lambda_batch_new(struct records *records) {
    struct lambda_batch *batch = memory_allocate(1, sizeof *batch);
    batch->records = *records;
    *records = (struct records){.count = 0};
    batch->counts.messages = batch->counts.unsettled = batch->records.count;
    batch->messages = memory_allocate((size_t)batch->records.count + 1, sizeof(struct message));
    for (int number = 0; number < batch->records.count; number++) {
        batch->messages[number] = (struct message){.batch = batch, .number = number};
    }
    return batch;
}

void lambda_batch_free(struct lambda_batch *batch) {
    if (batch != NULL) {
        records_free(&batch->records);
        free(batch->messages);
        free(batch);
    }
}

static void offer_one(struct lambda_batch *batch, struct intake *intake, struct message *message) {
    if (message->state == MESSAGE_ASIDE) {
        batch->counts.aside--;
        batch->counts.unsettled++;
        message->state = MESSAGE_UNSETTLED;
    }
    intake_offer(intake, &batch->records.items[message->number], message);
}

// While it offers, batch->offered is false, so that the caller does not take the batch for settled.
static void offer_all(struct lambda_batch *batch, struct intake *intake, enum message_state state) {
    batch->offered = false;
    batch->tries++;
    for (int number = 0; number < batch->counts.messages; number++) {
        if (batch->messages[number].state == state) {
            offer_one(batch, intake, &batch->messages[number]);
        }
    }
    batch->offered = true;
}

void lambda_batch_offer(struct lambda_batch *batch, struct intake *intake) {
    offer_all(batch, intake, MESSAGE_UNSETTLED);
}

void lambda_batch_offer_again(struct lambda_batch *batch, struct intake *intake) {
    offer_all(batch, intake, MESSAGE_ASIDE);
}

void lambda_batch_give_up(struct lambda_batch *batch) {
    batch->tries = TRIES_MAX;
    batch->counts.failed += batch->counts.aside;
    batch->counts.aside = 0;
    for (int number = 0; number < batch->counts.messages; number++) {
        if (batch->messages[number].state == MESSAGE_ASIDE) {
            batch->messages[number].state = MESSAGE_FAILED;
        }
    }
}

bool lambda_batch_is_offered(const struct lambda_batch *batch) {
    return batch->offered;
}

static void unlink_late(struct lambda_batch *batch) {
    struct lambda_batch **link = batch->late;
    while (*link != batch) {
        link = &(*link)->next;
    }
    *link = batch->next;
}

static void settle_late(struct lambda_batch *batch) {
    if (batch->counts.unsettled == 0) {
        unlink_late(batch);
        lambda_batch_free(batch);
    }
}

static bool are_same(struct slice one, struct slice other) {
    return one.length == other.length && memcmp(one.data, other.data, one.length) == 0;
}

// Whether a message that was let go may be tried again: not behind one of its group that has failed, as the
// queue is to bring both. Where none of this batch has, it was one of an earlier batch, which has failed
// late.
static bool is_free_to_follow(const struct lambda_batch *batch, int number) {
    const struct incoming *items = batch->records.items;
    bool has_order = items[number].fifo && items[number].group_id.length > 0;
    for (int before = 0; has_order && before < number; before++) {
        if (batch->messages[before].state == MESSAGE_FAILED &&
            are_same(items[before].group_id, items[number].group_id)) {
            return false;
        }
    }
    return has_order;
}

// A handler that has said when to come again is not asked before.
static bool passes_soon(const struct intake_result *result) {
    return result->outage && result->retry_after_us == 0;
}

static enum message_state state_after(const struct lambda_batch *batch, const struct message *message,
                                      const struct intake_result *result) {
    if (result->kind == INTAKE_DONE) {
        return MESSAGE_DONE;
    }
    bool again =
        result->kind == INTAKE_FAILED ? passes_soon(result) : is_free_to_follow(batch, message->number);
    return again && batch->tries < TRIES_MAX ? MESSAGE_ASIDE : MESSAGE_FAILED;
}

bool lambda_batch_settle(void *message, const struct intake_result *result) {
    struct message *settled = message;
    struct lambda_batch *batch = settled->batch;
    batch->counts.unsettled--;
    if (batch->late != NULL) {
        settle_late(batch);
        return false;
    }
    settled->state = state_after(batch, settled, result);
    batch->counts.aside += settled->state == MESSAGE_ASIDE ? 1 : 0;
    batch->counts.failed += settled->state == MESSAGE_FAILED ? 1 : 0;
    return true;
}

struct lambda_batch_counts lambda_batch_counts(const struct lambda_batch *batch) {
    return batch->counts;
}

// The identifiers need no escapes: see records.h.
void lambda_batch_append_answer(const struct lambda_batch *batch, struct buffer *out) {
    const char *separator = "";
    buffer_append_text(out, "{\"batchItemFailures\":[");
    for (int number = 0; number < batch->counts.messages; number++) {
        const struct slice *id = &batch->records.items[number].message_id;
        if (batch->messages[number].state != MESSAGE_DONE) {
            buffer_append_text(out, separator);
            buffer_append_text(out, "{\"itemIdentifier\":\"");
            buffer_append(out, id->data, id->length);
            buffer_append_text(out, "\"}");
            separator = ",";
        }
    }
    buffer_append_text(out, "]}");
}

void lambda_batch_leave(struct lambda_batch *batch, struct lambda_batch **late) {
    if (!batch->offered || batch->counts.unsettled == 0) {
        lambda_batch_free(batch);
        return;
    }
    records_free(&batch->records);
    batch->late = late;
    batch->next = *late;
    *late = batch;
}

void lambda_batch_free_late(struct lambda_batch **late) {
    while (*late != NULL) {
        struct lambda_batch *batch = *late;
        *late = batch->next;
        lambda_batch_free(batch);
    }
}
