// SPDX-License-Identifier: Apache-2.0
// The URL of a handler, as libcurl understands it. Whether it is one: http_runner_check (runner.h).
#pragma once

#include "base/slice.h"

#include <stdbool.h>

enum { URL_HOST_SIZE = 256 };

// url_host copies the host, "" when there is none.
void url_host(const char *url, char ret[URL_HOST_SIZE]);

// url_scheme_length is that of "http://" or "https://", in any case of letters; 0: it begins with neither.
size_t url_scheme_length(const char *url);

// url_origin is scheme and host[:port] as they are written, all that may be shown of a URL: path and query
// can hold a secret. Empty when it begins otherwise, or names a user. Borrows the URL.
struct slice url_origin(const char *url);

// url_is_plain: it is http, not https.
bool url_is_plain(const char *url);
