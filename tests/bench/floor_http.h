// SPDX-License-Identifier: Apache-2.0
// The HTTP side of the floor: sends one prepared request again and again over connections that are kept. Raw
// sockets, as cheap as it can be, or libcurl's multi interface, with handles that are prepared too.
#pragma once

#include "floor_request.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

// What is told of each answer; anything but a success ends the program.
typedef void floor_answered(void *context);

struct floor_http {
    struct event_base *base;
    const struct floor_request *request;
    const char *host; // 127.0.0.1:PORT
    uint16_t port;
    const char *ca_file; // NULL: no TLS
    size_t connections;
    floor_answered *answered;
};

// The two ways to do it: both open their connections at the beginning; `send` is false when all are in use.
struct floor_client {
    void (*open)(const struct floor_http *http);
    bool (*send)(void *context);
};

extern const struct floor_client floor_raw;
extern const struct floor_client floor_curl;
