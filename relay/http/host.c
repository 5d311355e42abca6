// SPDX-License-Identifier: Apache-2.0
#include "http/host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool is_loopback_v6(const char *host) {
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t length = strlen(host);
    bool in_brackets = length >= 2 && host[0] == '[' && host[length - 1] == ']';
    size_t inner = in_brackets ? length - 2 : length;
    if (inner >= sizeof text) {
        return false;
    }
    memcpy(text, in_brackets ? host + 1 : host, inner);
    text[inner] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
}

bool host_is_loopback(const char *host) {
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) == 1) {
        return ntohl(address.s_addr) >> 24 == 127;
    }
    return strcasecmp(host, "localhost") == 0 || is_loopback_v6(host);
}
