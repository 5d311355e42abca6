// SPDX-License-Identifier: Apache-2.0
// A runner of handlers between a test and what it runs: records how each task has ended, and fails the test
// when one ends twice, or within the call that starts it.
#pragma once

#include "handle/runner.h"

enum { RUNNER_TASKS_MAX = 64, RUNNER_REASON_SIZE = 512 };

#define RUNNER_EVENT_ID "0fb321da-8bb8-4b1b-a078-762fd2ee6845"
#define RUNNER_TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

struct runner_task {
    struct handled handled; // but for its reason
    char reason[RUNNER_REASON_SIZE];
    bool ended;
};

struct runner_harness {
    struct event_base *base;
    struct settings settings; // to be changed before the runner is made
    struct runner_listener listener;
    struct runner_task tasks[RUNNER_TASKS_MAX];
    int begun;
    int ended;
    int expected;
    bool may_not_begin; // what the runner is told when it asks
};

// runner_harness_new: handlers have a minute. runner_harness_free comes after the runner is freed.
struct runner_harness *runner_harness_new(void);
void runner_harness_free(struct runner_harness *harness);

// runner_event is an event of type order.created of aggregate order-1, whose JSON is {"data":"größer"}.
struct domain_event runner_event(void);

// runner_task returns what the next task is started with; it is the next element of `tasks`.
struct runner_task *runner_task(struct runner_harness *harness);

// runner_await runs the loop until so many tasks have ended in all.
void runner_await(struct runner_harness *harness, int count);

// runner_assert: the task that was started last has ended in this way, and its reason holds `reason`.
void runner_assert_done(const struct runner_harness *harness);
void runner_assert_failed(const struct runner_harness *harness, bool outage, const char *reason);

// runner_listen_to_log begins to collect what is logged, runner_log returns it and ends that. The text is
// good until the next call.
void runner_listen_to_log(enum log_level level);
const char *runner_log(void);
