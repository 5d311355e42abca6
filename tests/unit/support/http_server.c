// SPDX-License-Identifier: Apache-2.0
#include "support/http_server.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADER_NAME_MAX = 64 };

struct connection {
    struct connection *next;
    struct http_server *server;
    struct bufferevent *stream;
    int number;
    bool closing; // once what is written has gone out
};

struct http_server {
    struct event_base *base;
    struct evconnlistener *listener;
    http_server_handler *handler;
    void *context;
    SSL_CTX *tls; // NULL: none
    struct connection *connections;
    struct http_received *first;
    struct http_received *last;
    struct http_server_counts counts;
};

static void answered(struct http_received *request) {
    if (!request->answered) {
        request->answered = true;
        request->server->counts.waiting--;
    }
}

static void close_connection(struct connection *connection) {
    struct http_server *server = connection->server;
    for (struct http_received *request = server->first; request != NULL; request = request->next) {
        if (request->bufferevent == connection->stream) {
            answered(request);
            request->bufferevent = NULL;
        }
    }
    struct connection **link = &server->connections;
    while (*link != connection) {
        link = &(*link)->next;
    }
    *link = connection->next;
    server->counts.open--;
    SSL *tls = bufferevent_openssl_get_ssl(connection->stream);
    if (tls != NULL) { // else OpenSSL would forget the session
        SSL_set_shutdown(tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    bufferevent_free(connection->stream);
    free(connection);
}

static void note_request(struct http_server *server, struct http_received *request) {
    *(server->last != NULL ? &server->last->next : &server->first) = request;
    server->last = request;
    server->counts.requests++;
    server->counts.waiting++;
    if (server->counts.waiting > server->counts.most_waiting) {
        server->counts.most_waiting = server->counts.waiting;
    }
}

// Takes one whole request out of the input, or returns NULL when there is none yet.
static struct http_received *take_request(struct connection *connection) {
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
    if (end.pos < 0) {
        return NULL;
    }
    size_t head_length = (size_t)end.pos + 4;
    struct http_received *request = memory_allocate(1, sizeof *request);
    char length_text[HEADER_NAME_MAX];
    request->head = memory_allocate(head_length + 1, 1);
    evbuffer_copyout(input, request->head, head_length);
    http_server_header(request, "Content-Length", length_text, sizeof length_text);
    request->body_length = strtoul(length_text, NULL, 10);
    if (evbuffer_get_length(input) < head_length + request->body_length) {
        free(request->head);
        free(request);
        return NULL;
    }
    request->body = memory_allocate(request->body_length + 1, 1);
    evbuffer_drain(input, head_length);
    evbuffer_remove(input, request->body, request->body_length);
    request->server = connection->server;
    request->connection = connection->number;
    request->bufferevent = connection->stream;
    return request;
}

static void on_readable(struct bufferevent *stream, void *context) {
    struct connection *connection = context;
    struct http_server *server = connection->server;
    (void)stream;
    struct http_received *request = take_request(connection);
    if (request != NULL) {
        note_request(server, request);
        server->handler(server->context, request);
    }
}

static void on_written(struct bufferevent *stream, void *context) {
    struct connection *connection = context;
    (void)stream;
    if (connection->closing) {
        close_connection(connection);
    }
}

static void on_end(struct bufferevent *stream, short what, void *context) {
    struct connection *connection = context;
    if ((what & BEV_EVENT_CONNECTED) == 0) {
        close_connection(connection);
    } else if (SSL_session_reused(bufferevent_openssl_get_ssl(stream)) == 1) {
        connection->server->counts.resumed++;
    }
}

static struct bufferevent *new_stream(struct http_server *server, evutil_socket_t socket) {
    return server->tls == NULL
               ? bufferevent_socket_new(server->base, socket, BEV_OPT_CLOSE_ON_FREE)
               : bufferevent_openssl_socket_new(server->base, socket, SSL_new(server->tls),
                                                BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t socket, struct sockaddr *address,
                          int length, void *context) {
    (void)listener;
    (void)address;
    (void)length;
    struct http_server *server = context;
    struct connection *connection = memory_allocate(1, sizeof *connection);
    connection->server = server;
    connection->stream = new_stream(server, socket);
    connection->number = ++server->counts.accepted;
    connection->next = server->connections;
    server->connections = connection;
    if (++server->counts.open > server->counts.most_open) {
        server->counts.most_open = server->counts.open;
    }
    bufferevent_setcb(connection->stream, on_readable, on_written, on_end, connection);
    bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
}

struct http_server *http_server_new_at(struct event_base *base, const char *address, int port,
                                       http_server_handler *handler, void *context) {
    struct http_server *server = memory_allocate(1, sizeof *server);
    const struct sockaddr_in where = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = inet_addr(address)};
    signal(SIGPIPE, SIG_IGN); // a client may go at any time
    *server = (struct http_server){.base = base, .handler = handler, .context = context};
    server->listener = evconnlistener_new_bind(
        base, on_connection, server, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, 128,
        (const struct sockaddr *)&where, sizeof where);
    if (server->listener == NULL) {
        free(server);
        return NULL;
    }
    return server;
}

struct http_server *http_server_new(struct event_base *base, http_server_handler *handler, void *context) {
    struct http_server *server = http_server_new_at(base, "127.0.0.1", 0, handler, context);
    if (server == NULL) {
        abort();
    }
    return server;
}

void http_server_use_tls(struct http_server *server, SSL_CTX *tls) {
    server->tls = tls;
}

void http_server_free(struct http_server *server) {
    for (struct connection *connection = server->connections, *next; connection != NULL; connection = next) {
        next = connection->next;
        close_connection(connection);
    }
    while (server->first != NULL) {
        struct http_received *request = server->first;
        server->first = request->next;
        free(request->head);
        free(request->body);
        free(request);
    }
    evconnlistener_free(server->listener);
    free(server);
}

int http_server_port(const struct http_server *server) {
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    if (getsockname(evconnlistener_get_fd(server->listener), (struct sockaddr *)&address, &length) != 0) {
        abort();
    }
    return ntohs(address.sin_port);
}

const struct http_server_counts *http_server_counts(const struct http_server *server) {
    return &server->counts;
}

struct http_received *http_server_requests(const struct http_server *server) {
    return server->first;
}

void http_server_header(const struct http_received *request, const char *name, char *value, size_t size) {
    size_t length = strlen(name);
    snprintf(value, size, "%s", "");
    for (const char *line = strstr(request->head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *text = line + length + 1 + strspn(line + length + 1, " ");
            snprintf(value, size, "%.*s", (int)strcspn(text, "\r"), text);
            return;
        }
    }
}

void http_server_reply_raw(struct http_received *request, const void *bytes, size_t length, bool then_close) {
    struct bufferevent *stream = request->bufferevent;
    if (stream == NULL) {
        return;
    }
    struct connection *connection = request->server->connections;
    while (connection->stream != stream) {
        connection = connection->next;
    }
    answered(request);
    connection->closing = then_close;
    if (length > 0) {
        bufferevent_write(stream, bytes, length);
    } else if (then_close) {
        close_connection(connection);
    }
}

void http_server_reply(struct http_received *request, const char *status, const char *body) {
    size_t size = strlen(body) + strlen(status) + 128;
    char *text = memory_allocate(size, 1);
    int length =
        snprintf(text, size, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nContent-Type: text/xml\r\n\r\n%s", status,
                 strlen(body), body);
    http_server_reply_raw(request, text, (size_t)length, false);
    free(text);
}
