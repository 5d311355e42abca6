// SPDX-License-Identifier: Apache-2.0
// Programs that are handed events: a runner, and a folder that they work in, $DIR.
#pragma once

#include "support/runner_harness.h"

struct programs {
    struct runner_harness *harness;
    struct exec_runner *runner;
    char folder[32];
};

// programs_start: 0 is a minute. programs_stop fails the test when a process is left.
struct programs *programs_start(int64_t timeout_us);
void programs_stop(struct programs *programs);

// programs_begin begins a task; programs_run_with runs a script with an event until it has ended,
// programs_run with any event.
void programs_begin(struct programs *programs, char *const *words, const struct domain_event *event);
void programs_run_with(struct programs *programs, const char *script, const struct domain_event *event);
void programs_run(struct programs *programs, const char *script);

// programs_content is what is in a file of the folder, "" when it is not there; good until the next call.
// programs_lines is how many lines it has, programs_await_lines runs the loop until it has so many.
const char *programs_content(const struct programs *programs, const char *name);
size_t programs_lines(const struct programs *programs, const char *name);
void programs_await_lines(struct programs *programs, const char *name, size_t lines);
