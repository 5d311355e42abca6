// SPDX-License-Identifier: Apache-2.0
// A program run beside the event loop: its output collected, its time limited. It is the leader of a process
// group of its own, reads nothing, and inherits no descriptor but its two outputs.
#pragma once

#include "base/error.h"
#include "base/slice.h"

#include <event2/event.h>
#include <stdint.h>

enum { PROCESS_LINE_SIZE = 201 };

struct process_limits {
    int64_t timeout_us;  // then the group is killed
    size_t output_limit; // bytes; more is a failure
};

// How it ended. `failure` is NULL when it exited with 0, else what went wrong: "it ended with exit code 3".
struct process_end {
    const char *failure;
    struct slice output;    // what it wrote on standard output; wiped after `done`
    const char *error_line; // the last line of its standard error, printable and cut; "" for none
};

typedef void (*process_done_fn)(void *context, const struct process_end *end);

struct process;

// process_start runs words[0], looked for in PATH. `done` is called exactly once, later, from the loop. NULL
// (ERROR_CREDENTIALS) when it cannot be started.
struct process *process_start(struct event_base *base, char *const *words,
                              const struct process_limits *limits, process_done_fn done, void *context,
                              struct error *error);

// process_free releases it; one that still runs is killed, with its group. Not within `done`. NULL is fine.
void process_free(struct process *process);
