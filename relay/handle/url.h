// SPDX-License-Identifier: Apache-2.0
// The URL of a handler, as libcurl understands it. Whether it is one: http_runner_check (runner.h).
#pragma once

#include <stdbool.h>

enum { URL_HOST_SIZE = 256 };

// url_host copies the host, "" when there is none.
void url_host(const char *url, char ret[URL_HOST_SIZE]);

// url_is_plain: it is http, not https.
bool url_is_plain(const char *url);
