// SPDX-License-Identifier: Apache-2.0
// The open connections of a server, oldest first. One that lasts too long is cut, however busy its client
// seems (a request that comes byte by byte is never idle), and so is the oldest when there are too many.
// Cutting shuts the socket down; its owner finds out, and closes it.
#pragma once

#include <event2/event.h>
#include <stdint.h>

struct connections;
struct connection;

// At most so many are left open, and none for longer than life_us.
struct connections *connections_new(struct event_base *base, int most, int64_t life_us);
void connections_free(struct connections *connections); // those that are left are forgotten; NULL is fine

// connections_add notes a new one; connections_remove, that it is about to be closed.
struct connection *connections_add(struct connections *connections, int socket);
void connections_remove(struct connections *connections, struct connection *connection);
