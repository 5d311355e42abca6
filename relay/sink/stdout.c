// SPDX-License-Identifier: Apache-2.0
#include "sink/stdout.h"

#include "base/memory.h"
#include "message/json.h"
#include "message/message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUTPUT_LIMIT = 32 << 20, OUTPUT_FULL = 1 << 20 };

// A line that is written in part or not at all: where it ends in the output.
struct line {
    struct delivery delivery;
    size_t end;
};

struct output {
    struct sink_listener listener;
    struct message message;
    const char *source;
    enum message_format format;
    struct event *writable; // libevent's, armed while the reader is slow
    struct buffer bytes;
    size_t written;
    struct line *lines;
    size_t line_count;
    size_t line_capacity;
    size_t line_settled;
    bool was_full;
    bool is_file; // a regular file never blocks
};

static const struct outcome let_go = {.kind = OUTCOME_LET_GO};

static void settle_lines(struct output *output, size_t up_to, const struct outcome *outcome) {
    while (output->line_settled < output->line_count && output->lines[output->line_settled].end <= up_to) {
        struct delivery delivery = output->lines[output->line_settled++].delivery;
        output->listener.settled(output->listener.context, delivery, outcome);
    }
}

static void reset(struct output *output) {
    buffer_clear(&output->bytes);
    output->written = output->line_count = output->line_settled = 0;
    if (output->was_full) {
        output->was_full = false;
        output->listener.drained(output->listener.context);
    }
}

// A pipe that polls writable takes PIPE_BUF bytes without blocking. Non-blocking mode would do the same, but
// it belongs to the open file, and so to every other process that has it.
static bool can_write(void) {
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 1;
}

static void write_out(struct output *output) {
    static const struct outcome sent = {.kind = OUTCOME_SENT, .message_id = {"stdout", sizeof "stdout" - 1}};
    while (output->written < output->bytes.length) {
        size_t left = output->bytes.length - output->written;
        size_t chunk = output->is_file || left < PIPE_BUF ? left : PIPE_BUF;
        if (!output->is_file && !can_write()) {
            event_add(output->writable, NULL);
            return;
        }
        ssize_t count = write(STDOUT_FILENO, output->bytes.data + output->written, chunk);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0 && errno != EAGAIN) {
            struct error error;
            error_set(&error, ERROR_PUBLISH, "standard output cannot be written: %s", strerror(errno));
            output->listener.broken(output->listener.context, &error);
            settle_lines(output, SIZE_MAX, &let_go);
            break;
        }
        output->written += count > 0 ? (size_t)count : 0;
        settle_lines(output, output->written, &sent);
    }
    reset(output);
}

// A reader that is always a little behind never lets the output run empty, so what it has taken is forgotten
// on the way. Only from the loop: settle_lines must not find its lines moved.
static void forget_written(struct output *output) {
    size_t kept = output->bytes.length - output->written;
    memmove(output->bytes.data, output->bytes.data + output->written, kept);
    buffer_truncate(&output->bytes, kept);
    output->line_count -= output->line_settled;
    memmove(output->lines, output->lines + output->line_settled, output->line_count * sizeof(struct line));
    for (size_t index = 0; index < output->line_count; index++) {
        output->lines[index].end -= output->written;
    }
    output->written = output->line_settled = 0;
}

static void on_writable(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct output *output = context;
    if (output->written > OUTPUT_FULL) {
        forget_written(output);
    }
    write_out(output);
}

static void append_attributes(struct buffer *bytes, const struct message *message) {
    for (int index = 0; index < message->attribute_count; index++) {
        const struct message_attribute *attribute = &message->attributes[index];
        buffer_append_text(bytes, index > 0 ? "," : "");
        json_append_string(bytes, slice_of_text(attribute->name));
        buffer_append_char(bytes, ':');
        json_append_string(bytes, attribute->value);
    }
}

static void offer(void *self, const struct outbox_event *event, struct topic *topic,
                  struct delivery delivery) {
    struct output *output = self;
    struct buffer *bytes = &output->bytes;
    size_t start = bytes->length;
    if (topic != NULL && topic->paused) {
        const struct outcome paused = {.kind = OUTCOME_WAIT, .reason = TOPIC_PAUSED};
        output->listener.settled(output->listener.context, delivery, &paused);
        return;
    }
    message_compose(&output->message, topic != NULL ? topic->format : output->format, output->source, event);
    buffer_append_text(bytes, "{\"topic\":");
    if (topic != NULL) {
        json_append_string(bytes, slice_of_text(topic->arn));
    } else {
        buffer_append_text(bytes, "null");
    }
    buffer_append_text(bytes, ",\"attributes\":{");
    append_attributes(bytes, &output->message);
    buffer_append_text(bytes, "},\"message\":");
    buffer_append(bytes, output->message.body.data, output->message.body.length);
    buffer_append_text(bytes, "}\n");
    if (bytes->overflow || output->message.size >= MESSAGE_TOO_LARGE) {
        buffer_truncate(bytes, start);
        const struct outcome failed = {.kind = OUTCOME_PARK, .reason = "the message is too large"};
        output->listener.settled(output->listener.context, delivery, &failed);
        return;
    }
    if (output->line_count == output->line_capacity) {
        output->line_capacity = output->line_capacity * 2 + 64;
        output->lines = memory_resize(output->lines, output->line_capacity, sizeof(struct line));
    }
    output->lines[output->line_count++] = (struct line){delivery, bytes->length};
}

static void flush(void *self, const void *claim) {
    (void)claim;
    struct output *output = self;
    if (!event_pending(output->writable, EV_WRITE, NULL)) {
        write_out(output);
    }
}

static bool full(void *self) {
    struct output *output = self;
    if (output->bytes.length - output->written > OUTPUT_FULL) {
        output->was_full = true;
        flush(output, NULL);
    }
    return output->was_full;
}

// Whole lines that have not been begun are taken back; a begun one is finished.
static void drop(void *self, const void *claim) {
    (void)claim; // one output, and one order in it
    struct output *output = self;
    size_t kept = output->line_settled;
    size_t end = output->written;
    bool is_between = kept == 0 ? output->written == 0 : output->lines[kept - 1].end == output->written;
    if (!is_between && kept < output->line_count) {
        end = output->lines[kept++].end;
    }
    size_t count = output->line_count;
    output->line_count = kept;
    buffer_truncate(&output->bytes, end);
    for (size_t index = kept; index < count; index++) {
        output->listener.settled(output->listener.context, output->lines[index].delivery, &let_go);
    }
}

static int room(void *self, bool one_topic) {
    (void)self;
    (void)one_topic;
    return INT_MAX;
}

// Nothing is ever under way: the operating system takes it or not.
static void leave(void *self, const void *claim) {
    (void)self;
    (void)claim;
}

static bool is_late(void *self, const char *topic_arn) {
    (void)self;
    (void)topic_arn;
    return false;
}

static int64_t resting_us(void *self) {
    (void)self;
    return 0;
}

static bool admits(void *self, struct topic *topic) {
    (void)self;
    return !topic->paused;
}

static void add_health(void *self, struct health *health) {
    struct output *output = self;
    bool waits = event_pending(output->writable, EV_WRITE, NULL) != 0;
    health_add(health, "stdout", true, waits ? "its reader is slow" : "");
}

static void free_output(void *self) {
    struct output *output = self;
    message_free(&output->message);
    buffer_free(&output->bytes);
    event_free(output->writable);
    free(output->lines);
    free(output);
}

bool sink_stdout_new(struct sink *ret, struct event_base *base, const struct settings *settings,
                     const struct sink_listener *listener, struct error *error) {
    struct stat status;
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || fstat(STDOUT_FILENO, &status) != 0) {
        return error_set(error, ERROR_USAGE, "--sink stdout: standard output is closed");
    }
    struct output *output = memory_allocate(1, sizeof *output);
    output->listener = *listener;
    output->source = settings->source;
    output->format = (enum message_format)settings->format;
    output->is_file = S_ISREG(status.st_mode);
    message_init(&output->message);
    buffer_init(&output->bytes, OUTPUT_LIMIT);
    output->writable = event_new(base, STDOUT_FILENO, EV_WRITE, on_writable, output);
    *ret = (struct sink){.self = output,
                         .name = "stdout",
                         .full = full,
                         .room = room,
                         .offer = offer,
                         .flush = flush,
                         .drop = drop,
                         .leave = leave,
                         .is_late = is_late,
                         .resting_us = resting_us,
                         .admits = admits,
                         .health = add_health,
                         .free = free_output};
    return true;
}
