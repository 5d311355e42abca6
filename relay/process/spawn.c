// SPDX-License-Identifier: Apache-2.0
#include "process/spawn.h"

#include <errno.h>
#include <event2/util.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

// The other ends of the pipes, which the child gets.
struct ends {
    int input;
    int output;
    int errors;
};

void spawn_close(int *file) {
    if (*file >= 0) {
        close(*file);
    }
    *file = -1;
}

static bool make_pipe(int *ret_reading, int *ret_writing, struct error *error) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return error_set(error, ERROR_INTERNAL, "no pipe can be made: %s", strerror(errno));
    }
    *ret_reading = ends[0];
    *ret_writing = ends[1];
    return true;
}

static bool make_pipes(struct child *child, struct ends *ends, bool with_input, struct error *error) {
    if ((with_input && !make_pipe(&ends->input, &child->input, error)) ||
        !make_pipe(&child->output, &ends->output, error) ||
        !make_pipe(&child->errors, &ends->errors, error)) {
        return false;
    }
    if (with_input) {
        evutil_make_socket_nonblocking(child->input);
    }
    evutil_make_socket_nonblocking(child->output);
    evutil_make_socket_nonblocking(child->errors);
    return true;
}

static void set_actions(posix_spawn_file_actions_t *actions, const struct ends *ends) {
    posix_spawn_file_actions_init(actions);
    if (ends->input >= 0) {
        posix_spawn_file_actions_adddup2(actions, ends->input, STDIN_FILENO);
    } else {
        posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    posix_spawn_file_actions_adddup2(actions, ends->output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(actions, ends->errors, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

// A new group; and the signals as any program expects them, not as the relay has set them.
static void set_attributes(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static bool start(struct child *child, char *const *words, char *const *environment, const struct ends *ends,
                  struct error *error) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    set_actions(&actions, ends);
    set_attributes(&attributes);
    int failed = posix_spawnp(&child->pid, words[0], &actions, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        child->pid = 0;
        return error_set(error, ERROR_INTERNAL, "%.200s cannot be run: %s", words[0], strerror(failed));
    }
    return true;
}

bool spawn_child(struct child *ret, char *const *words, char *const *environment, bool with_input,
                 struct error *error) {
    struct ends ends = {-1, -1, -1};
    *ret = (struct child){0, -1, -1, -1};
    bool started = make_pipes(ret, &ends, with_input, error) && start(ret, words, environment, &ends, error);
    spawn_close(&ends.input);
    spawn_close(&ends.output);
    spawn_close(&ends.errors);
    return started;
}
