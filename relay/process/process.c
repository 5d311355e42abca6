// SPDX-License-Identifier: Apache-2.0
// The child's end is told by SIGCHLD, not by the end of its outputs: something that it has started and left
// behind may keep those open for ever.
#include "process/process.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "process/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHUNK = 4096,
    PIPE_CHUNKS = 16, // what a pipe holds; see pipe(7)
    ERRORS_KEPT = 1024,
};

struct process {
    TAILQ_ENTRY(process) link; // in `all`
    process_done_fn done;
    void *context;
    struct process_limits limits;
    struct child child; // its pid is 0 once it has been waited for
    struct slice input; // what is left of it
    struct event *input_event;
    struct event *output_event;
    struct event *error_event;
    struct event *child_event;
    struct event *timer;
    struct buffer output;
    char errors[ERRORS_KEPT];
    size_t errors_length;
    bool timed_out;
};

static TAILQ_HEAD(process_queue, process) all = TAILQ_HEAD_INITIALIZER(all); // until they are freed

static void free_event(struct event **event) {
    if (*event != NULL) {
        event_free(*event);
    }
    *event = NULL;
}

// Returns 0 at the end, -1 when nothing more is there now.
static ssize_t read_chunk(int file, char chunk[CHUNK]) {
    ssize_t count;
    do {
        count = read(file, chunk, CHUNK);
    } while (count < 0 && errno == EINTR);
    return count;
}

static void kill_group(const struct process *process) {
    kill(-process->child.pid, SIGKILL);
}

static void end_input(struct process *process) {
    free_event(&process->input_event);
    spawn_close(&process->child.input);
}

// Any failure is the child's business: it has closed its input, or has ended.
static void on_input(evutil_socket_t file, short kinds, void *context) {
    (void)kinds;
    struct process *process = context;
    ssize_t count = 1;
    while (count > 0 && process->input.length > 0) {
        count = write(file, process->input.data, process->input.length);
        if (count > 0) {
            process->input.data += count;
            process->input.length -= (size_t)count;
        }
    }
    if (process->input.length == 0 || (errno != EAGAIN && errno != EINTR)) {
        end_input(process);
    }
}

static void keep_output(struct process *process, const char *bytes, size_t length) {
    size_t room = process->output.limit - process->output.length;
    buffer_append(&process->output, bytes, process->limits.discards && length > room ? room : length);
}

// Of output without end, only what a pipe holds is read at a time, so that others have their turn.
static void read_output(struct process *process) {
    char chunk[CHUNK];
    ssize_t count = 1;
    for (int chunks = 0; count > 0 && !process->output.overflow; chunks++) {
        if (chunks == PIPE_CHUNKS && process->limits.discards) {
            break;
        }
        count = read_chunk(process->child.output, chunk);
        if (count > 0) {
            keep_output(process, chunk, (size_t)count);
        }
    }
    memory_wipe(chunk, sizeof chunk);
    if (count == 0 || process->output.overflow) {
        event_del(process->output_event);
    }
    if (process->output.overflow && process->child.pid != 0) {
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
        count = read_chunk(process->child.errors, chunk);
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

static void describe_timeout(const struct process *process, char *text, size_t size) {
    long long ms = process->limits.timeout_us / 1000;
    snprintf(text, size, "it did not end within %lld %s and was killed", ms % 1000 == 0 ? ms / 1000 : ms,
             ms % 1000 == 0 ? "s" : "ms");
}

// (One that had ended when it was to be killed has its exit code.)
static const char *failure_of(const struct process *process, int status, char *text, size_t size) {
    if (process->timed_out && WIFSIGNALED(status)) {
        describe_timeout(process, text, size);
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

static void stop_watching(struct process *process) {
    end_input(process);
    free_event(&process->output_event);
    free_event(&process->error_event);
    free_event(&process->child_event);
    free_event(&process->timer);
}

// What `done` gets is our own, as it may free the process.
static void finish(struct process *process, int status) {
    char failure[96];
    char line[PROCESS_LINE_SIZE];
    process->child.pid = 0;
    read_output(process);
    read_errors(process);
    stop_watching(process);
    last_line(process, line);
    struct buffer output = process->output;
    const struct process_end end = {.failure = failure_of(process, status, failure, sizeof failure),
                                    .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                                    .output = {output.data, output.length},
                                    .error_line = line};
    buffer_init(&process->output, 0);
    memory_wipe(process->errors, sizeof process->errors);
    process->done(process->context, &end);
    buffer_free_secret(&output);
}

static void on_child(evutil_socket_t number, short kinds, void *context) {
    (void)number;
    (void)kinds;
    struct process *process = context;
    int status = 0;
    if (process->child.pid != 0 && waitpid(process->child.pid, &status, WNOHANG) == process->child.pid) {
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

static void watch(struct process *process, struct event_base *base) {
    const struct timeval limit = {.tv_sec = process->limits.timeout_us / 1000000,
                                  .tv_usec = process->limits.timeout_us % 1000000};
    process->output_event = event_new(base, process->child.output, EV_READ | EV_PERSIST, on_output, process);
    process->error_event = event_new(base, process->child.errors, EV_READ | EV_PERSIST, on_errors, process);
    process->timer = evtimer_new(base, on_timeout, process);
    event_add(process->output_event, NULL);
    event_add(process->error_event, NULL);
    event_add(process->timer, &limit);
    if (process->child.input >= 0) {
        process->input_event =
            event_new(base, process->child.input, EV_WRITE | EV_PERSIST, on_input, process);
        event_add(process->input_event, NULL);
    }
}

struct process *process_start(struct event_base *base, const struct process_program *program,
                              const struct process_limits *limits, process_done_fn done, void *context,
                              struct error *error) {
    bool with_input = program->input.data != NULL;
    if (with_input) { // a child that does not read must not be our end
        signal(SIGPIPE, SIG_IGN);
    }
    struct process *process = memory_allocate(1, sizeof *process);
    process->done = done;
    process->context = context;
    process->limits = *limits;
    process->input = program->input;
    buffer_init(&process->output, limits->output_limit);
    TAILQ_INSERT_TAIL(&all, process, link);
    process->child_event = evsignal_new(base, SIGCHLD, on_child, process);
    event_add(process->child_event, NULL); // before it starts, so that its end is not missed
    if (!spawn_child(&process->child, program->words,
                     program->environment != NULL ? program->environment : environ, with_input, error)) {
        process_free(process);
        return NULL;
    }
    watch(process, base);
    return process;
}

void process_free(struct process *process) {
    if (process == NULL) {
        return;
    }
    TAILQ_REMOVE(&all, process, link);
    if (process->child.pid != 0) {
        kill_group(process);
        waitpid(process->child.pid, NULL, 0);
    }
    stop_watching(process);
    spawn_close(&process->child.output);
    spawn_close(&process->child.errors);
    buffer_free_secret(&process->output);
    memory_wipe(process->errors, sizeof process->errors);
    free(process);
}

void process_kill_all(void) {
    const struct process *process = NULL;
    TAILQ_FOREACH(process, &all, link) {
        if (process->child.pid != 0) {
            kill_group(process);
        }
    }
}
