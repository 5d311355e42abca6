// SPDX-License-Identifier: Apache-2.0
#include "handle/sql_task.h"

#include <stddef.h>

void sql_queue_push(struct sql_queue *queue, struct sql_task *task) {
    task->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = task;
    } else {
        queue->first = task;
    }
    queue->last = task;
}

struct sql_task *sql_queue_pop(struct sql_queue *queue) {
    struct sql_task *task = queue->first;
    if (task != NULL) {
        queue->first = task->next;
        queue->last = queue->first != NULL ? queue->last : NULL;
        task->next = NULL;
    }
    return task;
}
