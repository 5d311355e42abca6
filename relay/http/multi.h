// SPDX-License-Identifier: Apache-2.0
// libcurl's multi interface on an event loop: what libcurl waits for, the loop waits for.
#pragma once

#include <curl/curl.h>
#include <event2/event.h>

struct multi;

// Called when a transfer has ended, from the loop; its handle is still in the multi interface.
typedef void multi_done(CURL *easy, CURLcode code);

struct multi *multi_new(struct event_base *base, multi_done *done);
CURLM *multi_handle(const struct multi *multi);

// multi_free closes what is left of connections; the handles must be gone.
void multi_free(struct multi *multi);
