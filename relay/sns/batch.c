// SPDX-License-Identifier: Apache-2.0
#include "sns/batch.h"

#include "base/memory.h"
#include "sns/form.h"

#include <stdlib.h>

enum {
    FORM_LIMIT = 16 << 20, // 1 MiB of messages percent-encoded is 3 MiB
    FORM_KEEP = 64 << 10,  // a larger buffer is not kept for reuse
};

struct batch *batch_new(void) {
    struct batch *batch = memory_allocate(1, sizeof *batch);
    buffer_init(&batch->form, FORM_LIMIT);
    return batch;
}

void batch_free(struct batch *batch) {
    buffer_free(&batch->form);
    free(batch);
}

void batch_trim(struct batch *batch) {
    buffer_free(&batch->form);
}

static void begin_form(struct batch *batch, const char *topic_arn) {
    buffer_clear(&batch->form);
    sns_form_begin(&batch->form, topic_arn);
    batch->count = 0;
    batch->size = 0;
}

void batch_begin(struct batch *batch, struct sns_topic *topic, const char *topic_arn) {
    if (batch->form.capacity > FORM_KEEP) {
        buffer_free(&batch->form);
    }
    batch->topic = topic;
    batch->retry = (struct retry){0};
    batch->answered = false;
    batch->retry_at = batch->sent_at = batch->throttled_at = 0;
    batch->signed_again = false;
    begin_form(batch, topic_arn);
}

void batch_add(struct batch *batch, struct delivery delivery, const struct message *message,
               const char *group_id, const char *deduplication_id) {
    batch->entries[batch->count] =
        (struct batch_entry){.delivery = delivery, .offset = batch->form.length, .size = message->size};
    sns_form_add(&batch->form, batch->count, message, group_id, deduplication_id);
    batch->size += message->size;
    batch->count++;
}

void batch_take(struct batch *batch, const struct batch_entry *entry, struct slice encoded) {
    batch->entries[batch->count] = *entry;
    batch->entries[batch->count].offset = batch->form.length;
    sns_form_take(&batch->form, batch->count, encoded);
    batch->size += entry->size;
    batch->count++;
}

static struct slice encoded_entry(const struct batch *batch, const struct buffer *form, int index,
                                  int count) {
    size_t end = index + 1 < count ? batch->entries[index + 1].offset : form->length;
    size_t offset = batch->entries[index].offset;
    return (struct slice){form->data + offset, end - offset};
}

// (Entries move towards the front, so their own places are read before they are overwritten.)
void batch_keep(struct batch *batch, const char *topic_arn, const bool keep[SNS_BATCH_MAX]) {
    struct buffer before = batch->form;
    int count = batch->count;
    buffer_init(&batch->form, FORM_LIMIT);
    begin_form(batch, topic_arn);
    for (int index = 0; index < count; index++) {
        struct slice encoded = encoded_entry(batch, &before, index, count);
        if (keep[index]) {
            struct batch_entry entry = batch->entries[index];
            batch_take(batch, &entry, encoded);
        }
    }
    buffer_free(&before);
}

void batch_split(struct batch *batch, const char *topic_arn, struct batch *other) {
    bool keep[SNS_BATCH_MAX] = {false};
    for (int index = 0; index < batch->count; index++) {
        keep[index] = index < batch->count / 2;
        if (!keep[index]) {
            batch_take(other, &batch->entries[index],
                       encoded_entry(batch, &batch->form, index, batch->count));
        }
    }
    batch_keep(batch, topic_arn, keep);
}

void batch_push(struct batch_queue *queue, struct batch *batch) {
    batch->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = batch;
    } else {
        queue->first = batch;
    }
    queue->last = batch;
}

void batch_push_front(struct batch_queue *queue, struct batch *batch) {
    batch->next = queue->first;
    queue->first = batch;
    if (queue->last == NULL) {
        queue->last = batch;
    }
}

struct batch *batch_pop(struct batch_queue *queue) {
    struct batch *batch = queue->first;
    queue->first = batch->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    return batch;
}
