// SPDX-License-Identifier: Apache-2.0
// An event with the functions that are to be called for it, and a queue of such.
#pragma once

#include "handle/sql_call.h"

#include <stdbool.h>

struct sql_task;

struct sql_call {
    struct sql_task *task;
    const struct sql_function *function;
};

struct sql_task {
    struct sql_task *next; // in a queue
    const struct domain_event *event;
    void *owner;   // whose it is: what `ended` gets
    bool is_new;   // this transaction has written its row
    bool alone;    // it must not share a transaction any more
    int conflicts; // how often it was in the way of somebody, or somebody in its way
    int call_count;
    struct sql_call calls[];
};

struct sql_queue {
    struct sql_task *first;
    struct sql_task *last;
};

void sql_queue_push(struct sql_queue *queue, struct sql_task *task);
struct sql_task *sql_queue_pop(struct sql_queue *queue); // NULL when it is empty
