// SPDX-License-Identifier: Apache-2.0
// libmicrohttpd without threads: its epoll descriptor is one more event of the loop.
#include "admin/server.h"

#include "admin/connections.h"
#include "base/memory.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MEMORY_LIMIT = 32 << 10, // of a request's head: browsers send the cookies of all ports of a host
    ANSWER_LIMIT = 16 << 20, // 500 series of every family have less
    CONNECTIONS_MOST = 32,
    // libmicrohttpd's own limit is not to be reached, for it takes no more connections then. It accepts 11 in
    // a turn, and closes those that were cut for them in the next one.
    CONNECTION_LIMIT = CONNECTIONS_MOST + 3 * 11,
    CONNECTION_TIMEOUT_SECONDS = 10,
};

struct server {
    struct MHD_Daemon *daemon;
    struct event *readable; // libmicrohttpd has something to do
    struct event *timer;    // and has to do it by then
    struct connections *connections;
    bool closed_one; // in this turn
    server_answer_fn answer;
    void *context;
};

// Where connections or descriptors were used up, libmicrohttpd listens again in the turn after it has closed
// a connection, and does not ask for that turn.
static void run(struct server *server) {
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    server->closed_one = false;
    (void)MHD_run(server->daemon);
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES || server->closed_one) {
        wait_ms = server->closed_one ? 0 : wait_ms;
        const struct timeval wait = {.tv_sec = (time_t)(wait_ms / 1000),
                                     .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000)};
        evtimer_add(server->timer, &wait);
    } else {
        evtimer_del(server->timer);
    }
}

static void on_event(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    run(context);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **ours,
                          enum MHD_ConnectionNotificationCode what) {
    struct server *server = context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *ours = connections_add(server->connections, info->connect_fd);
    } else {
        connections_remove(server->connections, *ours);
        server->closed_one = true;
    }
}

static const char too_long[] = "the answer is too long\n";

// The body becomes libmicrohttpd's, which frees it.
static struct MHD_Response *new_response(struct server_reply *reply) {
    if (reply->body.overflow) {
        buffer_clear(&reply->body);
        buffer_append_text(&reply->body, too_long);
        reply->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        reply->content_type = "text/plain; charset=utf-8";
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body.length, reply->body.data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        buffer_free(&reply->body);
        return NULL;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    (void)MHD_add_response_header(response, "Content-Security-Policy", reply->content_policy);
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (reply->allowed_methods != NULL) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allowed_methods);
    }
    return response;
}

// Answered as soon as the head is there, so a body is not waited for.
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, // NOLINT(readability-non-const-parameter): a callback
                                  void **ours) {
    (void)version, (void)upload, (void)upload_size, (void)ours;
    struct server *server = context;
    const struct server_request request = {
        .method = method,
        .path = url,
        .host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST),
        .verbose = MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, "verbose",
                                                 strlen("verbose"), NULL, NULL) == MHD_YES,
    };
    struct server_reply reply = {.status = MHD_HTTP_OK,
                                 .content_type = "text/plain; charset=utf-8",
                                 .content_policy = "default-src 'none'; frame-ancestors 'none'"};
    buffer_init(&reply.body, ANSWER_LIMIT);
    server->answer(server->context, &request, &reply);
    struct MHD_Response *response = new_response(&reply);
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result queued = MHD_queue_response(connection, reply.status, response);
    MHD_destroy_response(response);
    return queued;
}

// No limit for each address: probes and whoever holds connections open may share one, and the oldest
// connection is closed for the newest anyway.
static struct MHD_Daemon *start(struct server *server, int socket) {
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, socket, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, CONNECTION_LIMIT, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT_SECONDS, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_LIMIT, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, server, MHD_OPTION_NOTIFY_CONNECTION,
                            on_connection, server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

struct server *server_new(struct event_base *base, int socket, server_answer_fn answer, void *context,
                          struct error *error) {
    struct server *server = memory_allocate(1, sizeof *server);
    server->answer = answer;
    server->context = context;
    server->connections =
        connections_new(base, CONNECTIONS_MOST, (int64_t)CONNECTION_TIMEOUT_SECONDS * 1000000);
    server->daemon = start(server, socket);
    if (server->daemon == NULL) {
        error_set(error, ERROR_INTERNAL, "the admin port cannot be served: %s", strerror(errno));
        (void)close(socket);
        server_free(server);
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    server->readable = event_new(base, info->epoll_fd, EV_READ | EV_PERSIST, on_event, server);
    server->timer = evtimer_new(base, on_event, server);
    event_add(server->readable, NULL);
    return server;
}

void server_free(struct server *server) {
    if (server == NULL) {
        return;
    }
    if (server->daemon != NULL) {
        event_free(server->readable); // before its descriptor is closed
        event_free(server->timer);
        MHD_stop_daemon(server->daemon);
    }
    connections_free(server->connections);
    free(server);
}
