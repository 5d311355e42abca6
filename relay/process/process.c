// SPDX-License-Identifier: Apache-2.0
// The child's end is told by SIGCHLD, not by the end of its outputs: something that it has started and left
// behind may keep those open for ever.
#include "process/process.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHUNK = 4096,
    PIPE_CHUNKS = 16, // what a pipe holds; see pipe(7)
    ERRORS_KEPT = 1024,
};

struct process {
    process_done_fn done;
    void *context;
    pid_t pid; // 0 once it has been waited for
    int output_file;
    int error_file;
    struct event *output_event;
    struct event *error_event;
    struct event *child_event;
    struct event *timer;
    struct buffer output;
    char errors[ERRORS_KEPT];
    size_t errors_length;
    int64_t timeout_us;
    bool timed_out;
};

// Returns 0 at the end, -1 when nothing more is there now.
static ssize_t read_chunk(int file, char chunk[CHUNK]) {
    ssize_t count;
    do {
        count = read(file, chunk, CHUNK);
    } while (count < 0 && errno == EINTR);
    return count;
}

static void kill_group(const struct process *process) {
    kill(-process->pid, SIGKILL);
}

static void read_output(struct process *process) {
    char chunk[CHUNK];
    ssize_t count;
    while ((count = read_chunk(process->output_file, chunk)) > 0 && !process->output.overflow) {
        buffer_append(&process->output, chunk, (size_t)count);
    }
    memory_wipe(chunk, sizeof chunk);
    if (count >= 0) {
        event_del(process->output_event);
    }
    if (process->output.overflow && process->pid != 0) {
        kill_group(process);
    }
}

// Of its errors the end is kept.
static void keep_errors(struct process *process, const char *bytes, size_t length) {
    size_t taken = length < ERRORS_KEPT ? length : ERRORS_KEPT;
    size_t kept = process->errors_length < ERRORS_KEPT - taken ? process->errors_length : ERRORS_KEPT - taken;
    memmove(process->errors, process->errors + process->errors_length - kept, kept);
    memcpy(process->errors + kept, bytes + length - taken, taken);
    process->errors_length = kept + taken;
}

// Reads what a pipe holds at most, as somebody may go on writing for ever.
static void read_errors(struct process *process) {
    char chunk[CHUNK];
    ssize_t count = 1;
    for (int chunks = 0; chunks < PIPE_CHUNKS && count > 0; chunks++) {
        count = read_chunk(process->error_file, chunk);
        if (count > 0) {
            keep_errors(process, chunk, (size_t)count);
        }
    }
    if (count == 0) {
        event_del(process->error_event);
    }
}

static void on_output(evutil_socket_t file, short kinds, void *context) {
    (void)file;
    (void)kinds;
    read_output(context);
}

static void on_errors(evutil_socket_t file, short kinds, void *context) {
    (void)file;
    (void)kinds;
    read_errors(context);
}

static void last_line(const struct process *process, char line[PROCESS_LINE_SIZE]) {
    const char *text = process->errors;
    size_t end = process->errors_length;
    while (end > 0 && (unsigned char)text[end - 1] <= ' ') {
        end--;
    }
    size_t start = end;
    while (start > 0 && text[start - 1] != '\n') {
        start--;
    }
    size_t length = end - start < PROCESS_LINE_SIZE - 1 ? end - start : PROCESS_LINE_SIZE - 1;
    for (size_t index = 0; index < length; index++) {
        char character = text[start + index];
        line[index] = (char)(character < ' ' || character > '~' ? ' ' : character);
    }
    line[length] = '\0';
}

static const char *failure_of(const struct process *process, int status, char *text, size_t size) {
    if (process->timed_out) {
        snprintf(text, size, "it did not end within %lld s and was killed",
                 (long long)(process->timeout_us / 1000000));
    } else if (process->output.overflow) {
        snprintf(text, size, "it wrote more than %zu bytes", process->output.limit);
    } else if (WIFSIGNALED(status)) {
        snprintf(text, size, "it was ended by signal %d", WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        snprintf(text, size, "it ended with exit code %d", WEXITSTATUS(status));
    } else {
        return NULL;
    }
    return text;
}

static void finish(struct process *process, int status) {
    char failure[96];
    char line[PROCESS_LINE_SIZE];
    process->pid = 0;
    read_output(process);
    read_errors(process);
    event_del(process->output_event);
    event_del(process->error_event);
    event_del(process->child_event);
    event_del(process->timer);
    last_line(process, line);
    const struct process_end end = {.failure = failure_of(process, status, failure, sizeof failure),
                                    .output = {process->output.data, process->output.length},
                                    .error_line = line};
    process->done(process->context, &end);
    buffer_free_secret(&process->output);
    memory_wipe(process->errors, sizeof process->errors);
}

static void on_child(evutil_socket_t number, short kinds, void *context) {
    (void)number;
    (void)kinds;
    struct process *process = context;
    int status = 0;
    if (process->pid != 0 && waitpid(process->pid, &status, WNOHANG) == process->pid) {
        finish(process, status);
    }
}

static void on_timeout(evutil_socket_t file, short kinds, void *context) {
    (void)file;
    (void)kinds;
    struct process *process = context;
    process->timed_out = true;
    kill_group(process); // its end is told by SIGCHLD
}

static void set_actions(posix_spawn_file_actions_t *actions, int output, int errors) {
    posix_spawn_file_actions_init(actions);
    posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(actions, errors, STDERR_FILENO);
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

static bool spawn(struct process *process, char *const *words, int output, int errors, struct error *error) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    set_actions(&actions, output, errors);
    set_attributes(&attributes);
    int failed = posix_spawnp(&process->pid, words[0], &actions, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        process->pid = 0;
        return error_set(error, ERROR_CREDENTIALS, "%.200s cannot be run: %s", words[0], strerror(failed));
    }
    return true;
}

// Makes the outputs; the child's ends are returned, to be closed once it has them.
static bool make_outputs(struct process *process, int ret[2], struct error *error) {
    int output[2] = {-1, -1}, errors[2] = {-1, -1};
    if (pipe2(output, O_CLOEXEC) != 0) {
        return error_set(error, ERROR_CREDENTIALS, "no pipe can be made: %s", strerror(errno));
    }
    process->output_file = output[0];
    ret[0] = output[1];
    if (pipe2(errors, O_CLOEXEC) != 0) {
        close(output[1]);
        return error_set(error, ERROR_CREDENTIALS, "no pipe can be made: %s", strerror(errno));
    }
    process->error_file = errors[0];
    ret[1] = errors[1];
    evutil_make_socket_nonblocking(output[0]);
    evutil_make_socket_nonblocking(errors[0]);
    return true;
}

static void watch(struct process *process, struct event_base *base, int64_t timeout_us) {
    const struct timeval limit = {.tv_sec = timeout_us / 1000000, .tv_usec = timeout_us % 1000000};
    process->output_event = event_new(base, process->output_file, EV_READ | EV_PERSIST, on_output, process);
    process->error_event = event_new(base, process->error_file, EV_READ | EV_PERSIST, on_errors, process);
    process->child_event = evsignal_new(base, SIGCHLD, on_child, process);
    process->timer = evtimer_new(base, on_timeout, process);
    event_add(process->output_event, NULL);
    event_add(process->error_event, NULL);
    event_add(process->child_event, NULL);
    event_add(process->timer, &limit);
}

struct process *process_start(struct event_base *base, char *const *words,
                              const struct process_limits *limits, process_done_fn done, void *context,
                              struct error *error) {
    struct process *process = memory_allocate(1, sizeof *process);
    int childs[2] = {-1, -1};
    process->done = done;
    process->context = context;
    process->timeout_us = limits->timeout_us;
    process->output_file = process->error_file = -1;
    buffer_init(&process->output, limits->output_limit);
    if (!make_outputs(process, childs, error)) {
        process_free(process);
        return NULL;
    }
    watch(process, base, limits->timeout_us); // before it starts, so that its end is not missed
    bool started = spawn(process, words, childs[0], childs[1], error);
    close(childs[0]);
    close(childs[1]);
    if (!started) {
        process_free(process);
        return NULL;
    }
    return process;
}

static void free_event(struct event *event) {
    if (event != NULL) {
        event_free(event);
    }
}

static void close_file(int file) {
    if (file >= 0) {
        close(file);
    }
}

void process_free(struct process *process) {
    if (process == NULL) {
        return;
    }
    if (process->pid != 0) {
        kill_group(process);
        waitpid(process->pid, NULL, 0);
    }
    free_event(process->output_event);
    free_event(process->error_event);
    free_event(process->child_event);
    free_event(process->timer);
    close_file(process->output_file);
    close_file(process->error_file);
    buffer_free_secret(&process->output);
    memory_wipe(process->errors, sizeof process->errors);
    free(process);
}
