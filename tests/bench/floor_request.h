// SPDX-License-Identifier: Apache-2.0
// A request as the relay sends it, made once to be sent again and again: PublishBatch with ten events of the
// format domain-event. Its signature has the form of one.
#pragma once

#include <stddef.h>

enum { FLOOR_EVENTS = 10, FLOOR_HEADERS = 3 };

struct floor_request {
    char *bytes; // head and body
    size_t length;
    const char *body;
    size_t body_length;
    const char *headers[FLOOR_HEADERS]; // those that no HTTP client adds by itself
};

// floor_request_make makes it for events with so many bytes of data.
void floor_request_make(struct floor_request *request, const char *host, size_t data_bytes);
