// SPDX-License-Identifier: Apache-2.0
#include "lambda/batch.h"

#include "base/memory.h"

#include <stdlib.h>

enum message_state { MESSAGE_UNSETTLED, MESSAGE_DONE, MESSAGE_FAILED };

// What the intake gives back.
struct message {
    struct lambda_batch *batch;
    enum message_state state;
};

struct lambda_batch {
    struct lambda_batch **late; // the list it has been left on; NULL: not yet
    struct lambda_batch *next;  // there
    struct records records;
    struct message *messages;
    struct lambda_batch_counts counts;
    bool offered;
};

struct lambda_batch *lambda_batch_new(struct records *records) {
    struct lambda_batch *batch = memory_allocate(1, sizeof *batch);
    batch->records = *records;
    *records = (struct records){.count = 0};
    batch->counts.messages = batch->counts.unsettled = batch->records.count;
    batch->messages = memory_allocate((size_t)batch->records.count + 1, sizeof(struct message));
    for (int number = 0; number < batch->records.count; number++) {
        batch->messages[number] = (struct message){.batch = batch};
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

void lambda_batch_offer(struct lambda_batch *batch, struct intake *intake) {
    for (int number = 0; number < batch->counts.messages; number++) {
        intake_offer(intake, &batch->records.items[number], &batch->messages[number]);
    }
    batch->offered = true;
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

bool lambda_batch_settle(void *message, const struct intake_result *result) {
    struct message *settled = message;
    struct lambda_batch *batch = settled->batch;
    batch->counts.unsettled--;
    if (batch->late != NULL) {
        settle_late(batch);
        return false;
    }
    settled->state = result->kind == INTAKE_DONE ? MESSAGE_DONE : MESSAGE_FAILED;
    if (result->kind != INTAKE_DONE) {
        batch->counts.failed++;
    }
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
