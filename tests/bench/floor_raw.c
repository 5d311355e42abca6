// SPDX-License-Identifier: Apache-2.0
#include "bench.h"
#include "floor_http.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ANSWER_SIZE = 64 << 10 };

struct connection {
    struct wire wire;
    void *context; // of the request that is on its way
    struct connection *next_idle;
    size_t length;
    char answer[ANSWER_SIZE];
};

static struct floor_http raw;
static struct connection *idle;

// Whether the answer is whole.
static bool is_whole(struct connection *connection) {
    static const char ok[] = "HTTP/1.1 200 ";
    static const char field[] = "\r\nContent-Length: ";
    connection->answer[connection->length] = '\0';
    const char *end = strstr(connection->answer, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    const char *length = strstr(connection->answer, field);
    size_t head = (size_t)(end - connection->answer) + 4;
    size_t body = length != NULL ? strtoul(length + sizeof field - 1, NULL, 10) : 0;
    if (strncmp(connection->answer, ok, sizeof ok - 1) != 0 || body == 0) {
        bench_die("no success", connection->answer);
    }
    return connection->length >= head + body;
}

static void on_readable(evutil_socket_t fd, short kinds, void *context) {
    (void)fd;
    (void)kinds;
    struct connection *connection = context;
    ssize_t got;
    do {
        got = wire_read(&connection->wire, connection->answer + connection->length,
                        ANSWER_SIZE - 1 - connection->length);
        if (got < 0) {
            bench_die(raw.host, "the connection ended");
        }
        connection->length += (size_t)got;
    } while (got > 0 && !is_whole(connection));
    if (got > 0) {
        connection->length = 0;
        connection->next_idle = idle;
        idle = connection;
        raw.answered(connection->context);
    }
}

// The whole request must fit into the socket's buffer: sending is one system call then.
static void set_socket(int fd) {
    int size = (int)raw.request->length;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0) {
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
}

static void open_connection(void) {
    struct connection *connection = bench_allocate(1, sizeof *connection);
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(raw.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        bench_die(raw.host, strerror(errno));
    }
    set_socket(fd);
    wire_open(&connection->wire, fd);
    evutil_make_socket_nonblocking(fd);
    event_add(event_new(raw.base, fd, EV_READ | EV_PERSIST, on_readable, connection), NULL);
    connection->next_idle = idle;
    idle = connection;
}

static void open_all(const struct floor_http *http) {
    raw = *http;
    if (http->ca_file != NULL) {
        wire_ask_tls(http->ca_file);
    }
    for (size_t index = 0; index < http->connections; index++) {
        open_connection();
    }
}

static bool send_one(void *context) {
    struct connection *connection = idle;
    if (connection == NULL) {
        return false;
    }
    idle = connection->next_idle;
    connection->context = context;
    if (!wire_write(&connection->wire, raw.request->bytes, raw.request->length)) {
        bench_die(raw.host, "a request could not be written at once");
    }
    return true;
}

const struct floor_client floor_raw = {open_all, send_one};
