// SPDX-License-Identifier: Apache-2.0
#include "handle/sql_work.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
    const struct sql_task *const *one = a;
    const struct sql_task *const *other = b;
    return strcmp((*one)->event->event_id, (*other)->event->event_id);
}

void sql_work_take(struct sql_work *work, struct sql_queue *queue, int most) {
    size_t bytes = 0;
    while (queue->first != NULL && work->count < most && work->count < SQL_BATCH_MAX) {
        bytes += queue->first->event->json.length;
        if (work->count > 0 && bytes > SQL_BATCH_BYTES) {
            break;
        }
        work->tasks[work->count++] = sql_queue_pop(queue);
    }
    qsort(work->tasks, (size_t)work->count, sizeof(struct sql_task *), compare);
}

static int smaller(int one, int other) {
    return one < other ? one : other;
}

int sql_work_begin(struct sql_work *work, int most) {
    int limit = smaller(work->count, work->good > 0 ? work->good : most);
    bool alone = work->count > 0 && work->tasks[0]->alone;
    work->running = alone ? 1 : 0;
    while (!alone && work->running < limit && !work->tasks[work->running]->alone) {
        work->running++;
    }
    work->good -= smaller(work->good, work->running);
    return work->running;
}

static void remove_tasks(struct sql_work *work, int from, int count) {
    work->count -= count;
    memmove(&work->tasks[from], &work->tasks[from + count],
            (size_t)(work->count - from) * sizeof(struct sql_task *));
}

void sql_work_done(struct sql_work *work) {
    remove_tasks(work, 0, work->running);
    work->running = 0;
}

static void put_each_alone(struct sql_work *work) {
    for (int index = 0; index < work->running; index++) {
        work->tasks[index]->alone = true;
    }
    work->running = work->good = 0;
}

struct sql_task *sql_work_refused(struct sql_work *work, int culprit, enum sql_fault fault) {
    if (culprit == SQL_NO_CULPRIT && work->running > 1) {
        put_each_alone(work);
        return NULL;
    }
    int index = culprit == SQL_NO_CULPRIT ? 0 : culprit;
    struct sql_task *task = work->tasks[index];
    bool shared = work->running > 1;
    work->running = 0;
    work->good = index;
    if (fault == FAULT_EVENT && shared) {
        task->alone = true;
        return NULL;
    }
    if (fault == FAULT_NOBODY && ++task->conflicts <= SQL_CONFLICTS_MAX) {
        return NULL;
    }
    remove_tasks(work, index, 1);
    return task;
}
