// SPDX-License-Identifier: Apache-2.0
// Starting a program without a shell: the leader of a process group of its own, with the signals as any
// program expects them, and no descriptor but the three. Only this module includes this.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

// What we have of a child. The descriptors are our ends of its pipes: ours to close, not blocking, and -1
// where there is none.
struct child {
    pid_t pid; // 0: it does not run
    int input;
    int output;
    int errors;
};

// spawn_child runs words[0], looked for in our PATH, with the variables of `environment` (NAME=value, NULL
// ends them). Without `with_input` it reads /dev/null. When it fails (ERROR_INTERNAL, naming the program)
// `ret` has no child, but perhaps pipes.
bool spawn_child(struct child *ret, char *const *words, char *const *environment, bool with_input,
                 struct error *error);

// spawn_close closes one of the descriptors, if it is open.
void spawn_close(int *file);
