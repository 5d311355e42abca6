// SPDX-License-Identifier: Apache-2.0
#include "handle/url.h"

#include <string.h>
#include <strings.h>

size_t url_scheme_length(const char *url) {
    return strncasecmp(url, "http://", 7) == 0 ? 7 : strncasecmp(url, "https://", 8) == 0 ? 8 : 0;
}

bool url_is_plain(const char *url) {
    return url_scheme_length(url) == 7;
}

// A backslash is no part of a host; some take it for a slash.
struct slice url_origin(const char *url) {
    size_t scheme = url_scheme_length(url);
    size_t authority = strcspn(url + scheme, "/?#\\");
    if (scheme == 0 || memchr(url + scheme, '@', authority) != NULL) {
        return (struct slice){url, 0};
    }
    return (struct slice){url, scheme + authority};
}
