// SPDX-License-Identifier: Apache-2.0
// A fast stand-in for SNS, for benchmarks and for tests that count: bench_stub PORT [--delay MS] [--until N]
// [--log FILE] [--queue N] [--tls CERTIFICATE KEY]. It listens on 127.0.0.1 (port 0 takes a free one), prints
// "listening on 127.0.0.1:PORT", and answers every PublishBatch with success, MS milliseconds later where
// asked. It checks nothing: it is there to be faster than what it measures. GET /stats tells what came; the
// same line is printed at the end, which is SIGTERM or the N-th message. FILE gets a line "MICROSECONDS
// EVENT_ID" for each message. With --queue it is an SQS queue as well, with N events in it (stub_sqs.h). One
// thread, edge-triggered epoll.
#include "bench.h"
#include "stub_sqs.h"
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    REQUEST_LIMIT = 8 << 20, // a form of 1 MiB of payload, percent-encoded, and to spare
    REQUEST_START = 64 << 10,
    REPLY_SIZE = 16 << 10,
    ENTRIES = 10,
    ENTRY_ID_SIZE = 81,
    EVENTS = 256,
    SPARES = 64,
};

struct connection {
    struct wire wire; // closed: it went away while it was waiting
    bool waiting;     // its reply is in the queue of delayed replies
    char *data;
    size_t length;
    size_t capacity;
    int64_t due_us; // CLOCK_MONOTONIC
    struct connection *next_due;
    size_t reply_length;
    char reply[REPLY_SIZE];
};

static struct {
    int epoll;
    int listener;
    int timer;
    int64_t delay_us;
    int64_t until;
    FILE *log;
    struct stub_sqs sqs;
    int64_t messages;
    int64_t requests;
    int64_t first_us;
    int64_t last_us;
    struct connection *due_first; // the delay is the same for all, so the queue is in order
    struct connection *due_last;
    char *spare[SPARES]; // buffers of REQUEST_START bytes; the one used last, which the cache still has, goes
                         // first
    int spare_count;
} stub;

static volatile sig_atomic_t stopping;

static void stop(int signal_number) {
    (void)signal_number;
    stopping = 1;
}

static void die(const char *what) {
    bench_die(what, strerror(errno));
}

static int format_stats(char *text, size_t size) {
    return snprintf(text, size,
                    "{\"messages\":%" PRId64 ",\"requests\":%" PRId64 ",\"first_us\":%" PRId64
                    ",\"last_us\":%" PRId64 ",\"cpu_us\":%" PRId64 ",\"received\":%" PRId64
                    ",\"deleted\":%" PRId64 ",\"hidden\":%" PRId64 "}\n",
                    stub.messages, stub.requests, stub.first_us, stub.last_us, bench_cpu_us(),
                    stub.sqs.received, stub.sqs.deleted, stub.sqs.hidden);
}

static void finish(void) {
    char text[512];
    format_stats(text, sizeof(text));
    fputs(text, stdout);
    if (stub.log) {
        fclose(stub.log);
    }
    fflush(stdout);
    _exit(0);
}

// A connection that waits for its reply is still in the queue: it is released when its turn comes.
static void connection_close(struct connection *connection) {
    wire_close(&connection->wire);
    if (!connection->waiting) {
        free(connection->data);
        free(connection);
    }
}

__attribute__((format(printf, 2, 3))) static void reply_append(struct connection *connection,
                                                               const char *format, ...) {
    size_t room = REPLY_SIZE - connection->reply_length;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(connection->reply + connection->reply_length, room, format, arguments);
    va_end(arguments);
    if (written < 0 || (size_t)written >= room) {
        fprintf(stderr, "bench_stub: a reply is longer than %d bytes\n", REPLY_SIZE);
        exit(1);
    }
    connection->reply_length += (size_t)written;
}

static void reply_set(struct connection *connection, const char *status, const char *type, const char *body,
                      size_t length) {
    connection->reply_length = 0;
    reply_append(
        connection,
        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: keep-alive\r\n\r\n%.*s",
        status, type, length, (int)length, body);
}

// The value of the form's field that starts at `name`, up to `end`: its bytes and their number.
static const char *form_value(const char *from, const char *end, const char *name, size_t *length) {
    const char *found = memmem(from, (size_t)(end - from), name, strlen(name));
    if (!found) {
        return NULL;
    }
    const char *value = found + strlen(name);
    const char *next = memchr(value, '&', (size_t)(end - value));
    *length = (size_t)((next ? next : end) - value);
    return value;
}

// The event's id: the attribute event-id, else the body's eventId (quotes and colon are percent-encoded
// there).
static void log_entry(const char *entry, const char *end) {
    size_t length = 0;
    const char *name = form_value(entry, end, ".Name=event-id", &length);
    const char *id = name ? form_value(name, end, ".Value.StringValue=", &length) : NULL;
    if (!id) {
        id = form_value(entry, end, "%22eventId%22%3A%22", &length);
        length = id && length > 36 ? 36 : length;
    }
    fprintf(stub.log, "%" PRId64 " %.*s\n", stub.last_us, id ? (int)length : 1, id ? id : "-");
}

static size_t append_member(char *text, size_t size, const char *id, size_t id_length) {
    stub.messages++;
    int written = snprintf(text, size,
                           "<member><Id>%.*s</Id><MessageId>%08" PRIx64 "-0000-4000-8000-%012" PRIx64
                           "</MessageId></member>",
                           (int)id_length, id, (uint64_t)stub.first_us & 0xffffffff, (uint64_t)stub.messages);
    return (size_t)written;
}

// Each entry has one field that ends in ".Id"; in a value, "=" would be percent-encoded.
static void answer_publish_batch(struct connection *connection, const char *body, const char *end) {
    static const char field[] = ".Id=";
    char members[REPLY_SIZE / 2];
    size_t length = 0;
    size_t id_length = 0;
    int entries = 0;
    members[0] = '\0';
    stub.requests++;
    stub.last_us = bench_now_us(CLOCK_REALTIME);
    stub.first_us = stub.first_us ? stub.first_us : stub.last_us;
    const char *entry = form_value(body, end, field, &id_length);
    while (entry && entries < ENTRIES && id_length < ENTRY_ID_SIZE) {
        size_t next_length = 0;
        const char *next = form_value(entry, end, field, &next_length);
        length += append_member(members + length, sizeof(members) - length, entry, id_length);
        if (stub.log) {
            log_entry(entry, next ? next : end);
        }
        entry = next;
        id_length = next_length;
        entries++;
    }
    char xml[REPLY_SIZE - 512];
    int size = snprintf(xml, sizeof(xml),
                        "<PublishBatchResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">"
                        "<PublishBatchResult><Failed/><Successful>%.*s</Successful></PublishBatchResult>"
                        "<ResponseMetadata><RequestId>%08x-0000-4000-8000-%012" PRIx64
                        "</RequestId></ResponseMetadata>"
                        "</PublishBatchResponse>",
                        (int)length, members, 0u, (uint64_t)stub.requests);
    reply_set(connection, "200 OK", "text/xml", xml, (size_t)size);
}

static void answer_unknown(struct connection *connection) {
    static const char xml[] =
        "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>the stub "
        "knows PublishBatch with entries and GET /stats</Message></Error></ErrorResponse>";
    reply_set(connection, "400 Bad Request", "text/xml", xml, sizeof(xml) - 1);
}

static void send_reply(struct connection *connection) {
    // A reply always fits into an idle socket's buffer.
    if (!wire_write(&connection->wire, connection->reply, connection->reply_length)) {
        connection_close(connection);
    }
}

static void set_timer(int64_t due_us) {
    struct itimerspec when = {.it_value = {.tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000}};
    timerfd_settime(stub.timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void delay_reply(struct connection *connection) {
    connection->waiting = true;
    connection->due_us = bench_now_us(CLOCK_MONOTONIC) + stub.delay_us;
    connection->next_due = NULL;
    if (stub.due_last) {
        stub.due_last->next_due = connection;
    } else {
        stub.due_first = connection;
        set_timer(connection->due_us);
    }
    stub.due_last = connection;
}

// The number after Content-Length in the head, in any letter case; 0 where there is none.
static size_t content_length(const char *head, const char *end) {
    static const char name[] = "\r\ncontent-length:";
    const char *line = head;
    while ((line = memmem(line, (size_t)(end - line), "\r\n", 2))) {
        if ((size_t)(end - line) > sizeof(name) && strncasecmp(line, name, sizeof(name) - 1) == 0) {
            return strtoul(line + sizeof(name) - 1, NULL, 10);
        }
        line += 2;
    }
    return 0;
}

static bool starts_with(const struct connection *connection, const char *text) {
    return connection->length >= strlen(text) && memcmp(connection->data, text, strlen(text)) == 0;
}

static void answer(struct connection *connection, const char *body, const char *end) {
    if (starts_with(connection, "GET /stats ")) {
        char text[512];
        int length = format_stats(text, sizeof(text));
        reply_set(connection, "200 OK", "application/json", text, (size_t)length);
        return;
    }
    char json[REPLY_SIZE - 512];
    size_t length = stub_sqs_answer(&stub.sqs, connection->data, body, end, json, sizeof(json));
    if (length > 0) {
        reply_set(connection, "200 OK", "application/x-amz-json-1.0", json, length);
        return;
    }
    const char *entry = form_value(body, end, ".Id=", &length);
    if (entry) {
        answer_publish_batch(connection, body, end);
    } else {
        answer_unknown(connection);
    }
    if (stub.log) {
        fflush(stub.log);
    }
}

// An idle connection needs no buffer.
static void connection_rest(struct connection *connection) {
    if (connection->length == 0 && connection->capacity == REQUEST_START && stub.spare_count < SPARES) {
        stub.spare[stub.spare_count++] = connection->data;
        connection->data = NULL;
        connection->capacity = 0;
    }
}

// Answers the request in the buffer if it is whole. One at a time: clients of SNS do not pipeline. The
// connection may be gone afterwards.
static void take_request(struct connection *connection) {
    const char *head_end = memmem(connection->data, connection->length, "\r\n\r\n", 4);
    if (!head_end || connection->waiting) {
        return;
    }
    size_t head = (size_t)(head_end - connection->data) + 4;
    size_t total = head + content_length(connection->data, head_end + 2);
    if (total > connection->length) {
        return;
    }
    answer(connection, connection->data + head, connection->data + total);
    bool delayed = stub.delay_us > 0 && !starts_with(connection, "GET ");
    memmove(connection->data, connection->data + total, connection->length - total);
    connection->length -= total;
    connection_rest(connection);
    if (delayed) {
        delay_reply(connection);
    } else {
        send_reply(connection);
    }
}

static char *resize(const struct connection *connection, size_t capacity) {
    if (!connection->data && stub.spare_count > 0) {
        return stub.spare[--stub.spare_count];
    }
    return capacity <= REQUEST_LIMIT ? realloc(connection->data, capacity) : NULL;
}

// Makes room for more of the request; false when it is longer than any that SNS would take.
static bool connection_grow(struct connection *connection) {
    if (connection->length < connection->capacity) {
        return true;
    }
    size_t capacity = connection->capacity ? connection->capacity * 2 : REQUEST_START;
    char *data = resize(connection, capacity);
    if (data) {
        connection->data = data;
        connection->capacity = capacity;
    }
    return data;
}

// Reads all there is: an edge-triggered event comes once. (A plain socket that gave less than there was room
// for has no more.)
static void connection_read(struct connection *connection) {
    while (connection_grow(connection)) {
        size_t room = connection->capacity - connection->length;
        ssize_t got = wire_read(&connection->wire, connection->data + connection->length, room);
        if (got < 0) {
            break;
        }
        connection->length += (size_t)got;
        if (got == 0 || (!connection->wire.tls && (size_t)got < room)) {
            take_request(connection);
            return;
        }
    }
    connection_close(connection);
}

static void watch(int fd, uint32_t events, void *mark) {
    struct epoll_event event = {.events = events, .data.ptr = mark};
    if (fd < 0 || epoll_ctl(stub.epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll");
    }
}

static void connections_accept(void) {
    int fd;
    // cppcheck-suppress nullPointer ; accept4 may be given no address
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): epoll keeps what is allocated here
    while ((fd = accept4(stub.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = bench_allocate(1, sizeof(*connection));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        wire_open(&connection->wire, fd);
        watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET, connection);
    }
}

// Sends the replies whose time has come and sets the timer for the next.
static void send_due_replies(void) {
    int64_t now = bench_now_us(CLOCK_MONOTONIC);
    while (stub.due_first && stub.due_first->due_us <= now) {
        struct connection *connection = stub.due_first;
        stub.due_first = connection->next_due;
        stub.due_last = stub.due_first ? stub.due_last : NULL;
        connection->waiting = false;
        if (connection->wire.fd < 0) {
            connection_close(connection);
        } else {
            send_reply(connection);
        }
    }
    if (stub.due_first) {
        set_timer(stub.due_first->due_us);
    }
}

static void handle_events(void) {
    struct epoll_event events[EVENTS];
    uint64_t expirations;
    int count = epoll_wait(stub.epoll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &stub.listener) {
            connections_accept();
        } else if (events[i].data.ptr != &stub.timer) {
            connection_read(events[i].data.ptr);
        }
    }
    // Last, since it may release connections that had an event of their own just now.
    if (read(stub.timer, &expirations, sizeof(expirations)) > 0) {
        send_due_replies();
    }
}

static void listen_on(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    stub.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(stub.listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(stub.listener, (struct sockaddr *)&address, size) != 0 || listen(stub.listener, 1024) != 0 ||
        getsockname(stub.listener, (struct sockaddr *)&address, &size) != 0) {
        die("cannot listen");
    }
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
}

static uint16_t read_arguments(int argc, char **argv) {
    static const char usage[] =
        "PORT [--delay MS] [--until N] [--log FILE] [--queue N] [--tls CERTIFICATE KEY]";
    int64_t delay_ms = 0;
    const char *log = NULL;
    const char *tls[2] = {NULL};
    const struct bench_option options[] = {
        {"--delay", .number = &delay_ms},        {"--until", .number = &stub.until},
        {"--queue", .number = &stub.sqs.events}, {"--log", .text = &log},
        {"--tls", .text = tls, .texts = 2},      {0}};
    if (argc < 2) {
        bench_refuse(usage);
    }
    bench_options(options, usage, argc, argv, 2);
    stub.delay_us = delay_ms * 1000;
    if (tls[0] != NULL) {
        wire_serve_tls(tls[0], tls[1]);
    }
    stub.log = log != NULL ? fopen(log, "ae") : NULL;
    if (log != NULL && stub.log == NULL) {
        die(log);
    }
    return (uint16_t)bench_number(argv[1], UINT16_MAX);
}

int main(int argc, char **argv) {
    uint16_t port = read_arguments(argc, argv);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    listen_on(port);
    stub.epoll = epoll_create1(EPOLL_CLOEXEC);
    stub.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    watch(stub.listener, EPOLLIN, &stub.listener);
    watch(stub.timer, EPOLLIN, &stub.timer);
    while (!stopping && !(stub.until && stub.messages >= stub.until && !stub.due_first)) {
        handle_events();
    }
    finish();
}
