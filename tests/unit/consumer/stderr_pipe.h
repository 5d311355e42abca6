// SPDX-License-Identifier: Apache-2.0
// What is logged: standard error is a pipe, which a test reads.
#pragma once

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int stderr_saved;
static int stderr_out;

static int stderr_pipe_open(void) {
    int ends[2];
    stderr_saved = dup(STDERR_FILENO);
    if (pipe2(ends, O_NONBLOCK) != 0 || dup2(ends[1], STDERR_FILENO) < 0) {
        return -1;
    }
    stderr_out = ends[0];
    return close(ends[1]);
}

static int stderr_pipe_close(void) {
    (void)dup2(stderr_saved, STDERR_FILENO);
    (void)close(stderr_saved);
    return close(stderr_out);
}

// What was written since the last call; "" when nothing was.
static const char *stderr_written(void) {
    static char text[32768];
    ssize_t length = read(stderr_out, text, sizeof text - 1);
    text[length < 0 ? 0 : length] = '\0';
    return text;
}
