// SPDX-License-Identifier: Apache-2.0
#include "support/runner_harness.h"

#include "support/loop.h"
#include "support/settings_fill.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { TIMEOUT_US = 60000000, LOG_SIZE = 8192 };

static int saved_error;
static int log_pipe;

static void on_ended(void *context, void *task, const struct handled *handled) {
    struct runner_harness *harness = context;
    struct runner_task *ended = task;
    assert_true(ended >= harness->tasks && ended < harness->tasks + harness->begun);
    assert_false(ended->ended);
    assert_true((handled->kind == HANDLED_FAILED) == (handled->reason != NULL));
    ended->ended = true;
    ended->handled = *handled;
    ended->handled.reason = NULL;
    snprintf(ended->reason, sizeof ended->reason, "%s", handled->reason != NULL ? handled->reason : "");
    harness->ended++;
}

static bool may_begin(void *context, void *task) {
    const struct runner_harness *harness = context;
    (void)task;
    return !harness->may_not_begin;
}

struct runner_harness *runner_harness_new(void) {
    struct runner_harness *harness = calloc(1, sizeof *harness);
    harness->base = event_base_new();
    harness->settings.handler_timeout = TIMEOUT_US;
    settings_fill(&harness->settings);
    harness->listener =
        (struct runner_listener){.context = harness, .ended = on_ended, .may_begin = may_begin};
    return harness;
}

void runner_harness_free(struct runner_harness *harness) {
    int ended = harness->ended;
    loop_settle(harness->base);
    assert_int_equal(harness->ended, ended); // nobody is called any more
    event_base_free(harness->base);
    free(harness);
}

struct domain_event runner_event(void) {
    return (struct domain_event){.event_id = RUNNER_EVENT_ID,
                                 .event_type = slice_of_text("order.created"),
                                 .aggregate_id = slice_of_text("order-1"),
                                 .json = slice_of_text("{\"data\":\"größer\"}")};
}

struct runner_task *runner_task(struct runner_harness *harness) {
    assert_true(harness->begun < RUNNER_TASKS_MAX);
    return &harness->tasks[harness->begun++];
}

static bool have_ended(void *context) {
    const struct runner_harness *harness = context;
    return harness->ended >= harness->expected;
}

void runner_await(struct runner_harness *harness, int count) {
    harness->expected = count;
    assert_true(loop_until(harness->base, have_ended, harness));
    loop_settle(harness->base);
    assert_int_equal(harness->ended, count);
}

void runner_assert_done(const struct runner_harness *harness) {
    const struct runner_task *task = &harness->tasks[harness->begun - 1];
    assert_true(task->ended);
    assert_string_equal(task->reason, "");
    assert_int_equal(task->handled.kind, HANDLED_DONE);
}

void runner_assert_failed(const struct runner_harness *harness, bool outage, const char *reason) {
    const struct runner_task *task = &harness->tasks[harness->begun - 1];
    assert_true(task->ended);
    assert_int_equal(task->handled.kind, HANDLED_FAILED);
    assert_int_equal(task->handled.outage, outage);
    if (strstr(task->reason, reason) == NULL) {
        fail_msg("the reason is \"%s\", without \"%s\"", task->reason, reason);
    }
}

void runner_listen_to_log(enum log_level level) {
    int ends[2];
    log_configure(level, LOG_AS_TEXT);
    saved_error = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    log_pipe = ends[0];
    close(ends[1]);
}

const char *runner_log(void) {
    static char text[LOG_SIZE];
    ssize_t length = read(log_pipe, text, sizeof text - 1);
    text[length < 0 ? 0 : length] = '\0';
    dup2(saved_error, STDERR_FILENO);
    close(saved_error);
    close(log_pipe);
    log_configure(LOG_INFO, LOG_AS_TEXT);
    return text;
}
