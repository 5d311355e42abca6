// SPDX-License-Identifier: Apache-2.0
#include "admin/connections.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

struct connection {
    TAILQ_ENTRY(connection) link;
    int socket;
    int64_t ends_at;
    bool cut; // and so in no list
};

struct connections {
    TAILQ_HEAD(connection_queue, connection) open;
    int count;
    int most;
    int64_t life_us;
    struct event *timer; // the end of the oldest
};

static void unlink_open(struct connections *connections, struct connection *connection) {
    TAILQ_REMOVE(&connections->open, connection, link);
    connections->count--;
}

static void cut_oldest(struct connections *connections) {
    struct connection *oldest = TAILQ_FIRST(&connections->open);
    unlink_open(connections, oldest);
    oldest->cut = true;
    (void)shutdown(oldest->socket, SHUT_RDWR);
}

static void set_timer(struct connections *connections) {
    const struct connection *oldest = TAILQ_FIRST(&connections->open);
    if (oldest == NULL) {
        evtimer_del(connections->timer);
        return;
    }
    int64_t left = oldest->ends_at - clock_monotonic_us();
    left = left > 0 ? left : 0;
    const struct timeval wait = {.tv_sec = left / 1000000, .tv_usec = left % 1000000};
    evtimer_add(connections->timer, &wait);
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    struct connections *connections = context;
    int64_t now = clock_monotonic_us();
    while (!TAILQ_EMPTY(&connections->open) && TAILQ_FIRST(&connections->open)->ends_at <= now) {
        cut_oldest(connections);
    }
    set_timer(connections);
}

struct connections *connections_new(struct event_base *base, int most, int64_t life_us) {
    struct connections *connections = memory_allocate(1, sizeof *connections);
    TAILQ_INIT(&connections->open);
    connections->most = most;
    connections->life_us = life_us;
    connections->timer = evtimer_new(base, on_timer, connections);
    return connections;
}

void connections_free(struct connections *connections) {
    if (connections == NULL) {
        return;
    }
    struct connection *next;
    for (struct connection *connection = TAILQ_FIRST(&connections->open); connection != NULL;
         connection = next) {
        next = TAILQ_NEXT(connection, link);
        free(connection);
    }
    event_free(connections->timer);
    free(connections);
}

struct connection *connections_add(struct connections *connections, int socket) {
    struct connection *connection = memory_allocate(1, sizeof *connection);
    connection->socket = socket;
    connection->ends_at = clock_monotonic_us() + connections->life_us;
    TAILQ_INSERT_TAIL(&connections->open, connection, link);
    if (++connections->count > connections->most) {
        cut_oldest(connections);
    }
    set_timer(connections);
    return connection;
}

void connections_remove(struct connections *connections, struct connection *connection) {
    if (!connection->cut) {
        unlink_open(connections, connection);
        set_timer(connections);
    }
    free(connection);
}
