// SPDX-License-Identifier: Apache-2.0
// A program run beside the event loop: its input written, its output collected, its time limited. It is the
// leader of a process group of its own, and inherits no descriptor but standard input, output and error.
#pragma once

#include "base/error.h"
#include "base/slice.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

enum { PROCESS_LINE_SIZE = 201 };

struct process_program {
    char *const *words;       // words[0] is looked for in PATH; NULL ends them
    char *const *environment; // NAME=value, NULL ends them; NULL: ours
    // What it reads, written as it reads; must live until `done`. It need not read it: that is no failure.
    // NULL data: nothing.
    struct slice input;
};

struct process_limits {
    int64_t timeout_us;  // then the group is killed
    size_t output_limit; // bytes of its standard output that are kept
    bool discards; // what is more is read and thrown away; else it is a failure, and the group is killed
};

// How it ended. `failure` is NULL when it exited with 0, else what went wrong: "it ended with exit code 3".
struct process_end {
    const char *failure;
    int exit_code;          // -1: a signal ended it, or we did
    struct slice output;    // what it wrote on standard output; wiped after `done`
    const char *error_line; // the last line of its standard error, printable and cut; "" for none
};

typedef void (*process_done_fn)(void *context, const struct process_end *end);

struct process;

// process_start runs a program. `done` is called exactly once, later, from the loop. NULL (ERROR_INTERNAL)
// when it cannot be started. Where there is input, SIGPIPE is ignored from now on.
struct process *process_start(struct event_base *base, const struct process_program *program,
                              const struct process_limits *limits, process_done_fn done, void *context,
                              struct error *error);

// process_free releases it, within `done` too; one that still runs is killed, with its group. NULL is fine.
void process_free(struct process *process);

// process_kill_all kills all that run, with their groups, and waits for none: for a program that ends at
// once.
void process_kill_all(void);
