// SPDX-License-Identifier: Apache-2.0
#include "sqs/batches.h"

#include "base/memory.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINGER_US = 4000, ID_SIZE = 12, REASON_SIZE = 300 };

// One request under way, or being collected.
struct batch {
    struct batch *next;
    struct batch *previous;
    struct batches *batches;
    cJSON *entries; // until it is sent
    int count;
    void *items[QUEUE_BATCH_MAX];
};

struct batches {
    struct queue *queue;
    enum batches_action action;
    int64_t timeout_us;
    struct batches_listener listener;
    struct event *timer;
    struct batch *open; // being collected; NULL: none
    struct batch *sent;
};

static const char *const actions[] = {
    [BATCHES_DELETE] = "DeleteMessageBatch", [BATCHES_HIDE] = "ChangeMessageVisibilityBatch"};

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    batches_flush(context);
}

struct batches *batches_new(struct event_base *base, struct queue *queue, enum batches_action action,
                            int64_t timeout_us, const struct batches_listener *listener) {
    struct batches *batches = memory_allocate(1, sizeof *batches);
    *batches =
        (struct batches){.queue = queue, .action = action, .timeout_us = timeout_us, .listener = *listener};
    batches->timer = evtimer_new(base, on_timer, batches);
    return batches;
}

static void free_batch(struct batch *batch) {
    if (batch != NULL) {
        cJSON_Delete(batch->entries);
        free(batch);
    }
}

void batches_free(struct batches *batches) {
    if (batches == NULL) {
        return;
    }
    event_free(batches->timer);
    free_batch(batches->open);
    while (batches->sent != NULL) {
        struct batch *batch = batches->sent;
        batches->sent = batch->next;
        free_batch(batch);
    }
    free(batches);
}

static void unlink_batch(const struct batch *batch) {
    *(batch->previous != NULL ? &batch->previous->next : &batch->batches->sent) = batch->next;
    if (batch->next != NULL) {
        batch->next->previous = batch->previous;
    }
}

static const cJSON *find(const cJSON *list, int index) {
    char id[ID_SIZE];
    const cJSON *entry;
    snprintf(id, sizeof id, "%d", index);
    cJSON_ArrayForEach(entry, list) {
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "Id"));
        if (text != NULL && strcmp(text, id) == 0) {
            return entry;
        }
    }
    return NULL;
}

static const char *text_of(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text != NULL ? text : "";
}

// A failure of the entry's own fault stays, unless its code is one of those that pass.
static enum entry_outcome judge(const cJSON *failed) {
    enum aws_failure failure = aws_failure_of_code(text_of(failed, "Code"));
    bool passes = failure == AWS_FAILURE_THROTTLED || failure == AWS_FAILURE_TRANSIENT;
    bool own = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(failed, "SenderFault"));
    return own && !passes ? ENTRY_REFUSED : ENTRY_AGAIN;
}

// What is in neither list may be done or not.
static void answer_entry(const struct batch *batch, int index, const struct queue_answer *answer) {
    const cJSON *failed = find(cJSON_GetObjectItemCaseSensitive(answer->json, "Failed"), index);
    const cJSON *done = find(cJSON_GetObjectItemCaseSensitive(answer->json, "Successful"), index);
    struct error reason = {0};
    struct entry_result result = {.outcome = ENTRY_DONE,
                                  .asked_at = answer->asked_at,
                                  .failure = AWS_FAILURE_OTHER,
                                  .reason = reason.text};
    if (failed != NULL) {
        result.outcome = judge(failed);
        queue_count_failure(actions[batch->batches->action], 200, text_of(failed, "Code"));
        error_set(&reason, ERROR_PUBLISH, "%.64s: %.*s", text_of(failed, "Code"), REASON_SIZE,
                  text_of(failed, "Message"));
    } else if (done == NULL) {
        result.outcome = ENTRY_AGAIN;
        error_set(&reason, ERROR_PUBLISH, "the answer does not say what became of it");
    }
    batch->batches->listener.answered(batch->batches->listener.context, batch->items[index], &result);
}

static void on_answer(void *context, const struct queue_answer *answer) {
    struct batch *batch = context;
    const struct batches_listener *listener = &batch->batches->listener;
    const struct entry_result failed = {.outcome = ENTRY_AGAIN,
                                        .asked_at = answer->asked_at,
                                        .failure = answer->failure,
                                        .reason = answer->reason};
    for (int index = 0; index < batch->count; index++) {
        if (answer->good) {
            answer_entry(batch, index, answer);
        } else {
            listener->answered(listener->context, batch->items[index], &failed);
        }
    }
    unlink_batch(batch);
    free_batch(batch);
}

void batches_limit(struct batches *batches, int64_t timeout_us) {
    batches->timeout_us = timeout_us < batches->timeout_us ? timeout_us : batches->timeout_us;
}

void batches_flush(struct batches *batches) {
    struct batch *batch = batches->open;
    event_del(batches->timer);
    if (batch == NULL) {
        return;
    }
    batches->open = NULL;
    batch->next = batches->sent;
    if (batch->next != NULL) {
        batch->next->previous = batch;
    }
    batches->sent = batch;
    cJSON *input = cJSON_CreateObject();
    cJSON_AddItemToObject(input, "Entries", batch->entries);
    batch->entries = NULL;
    const struct queue_question question = {.action = actions[batches->action],
                                            .input = input,
                                            .timeout_us = batches->timeout_us,
                                            .done = on_answer,
                                            .context = batch};
    queue_ask(batches->queue, &question);
}

static void open_batch(struct batches *batches) {
    static const struct timeval linger = {.tv_usec = LINGER_US};
    batches->open = memory_allocate(1, sizeof *batches->open);
    batches->open->batches = batches;
    batches->open->entries = cJSON_CreateArray();
    evtimer_add(batches->timer, &linger);
}

void batches_add(struct batches *batches, const char *handle, int seconds, void *item) {
    if (batches->open == NULL) {
        open_batch(batches);
    }
    struct batch *batch = batches->open;
    char id[ID_SIZE];
    snprintf(id, sizeof id, "%d", batch->count);
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "Id", id);
    cJSON_AddStringToObject(entry, "ReceiptHandle", handle);
    if (batches->action == BATCHES_HIDE) {
        cJSON_AddNumberToObject(entry, "VisibilityTimeout", seconds);
    }
    cJSON_AddItemToArray(batch->entries, entry);
    batch->items[batch->count++] = item;
    if (batch->count == QUEUE_BATCH_MAX) {
        batches_flush(batches);
    }
}
