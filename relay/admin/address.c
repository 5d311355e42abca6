// SPDX-License-Identifier: Apache-2.0
#include "admin/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FORMS "write 127.0.0.1:9465, [::1]:9465, :9465 for all addresses of this machine, or off"

enum { PORT_MAX = 65535, PORT_DIGITS = 5 };

static bool is_port(const char *text) {
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= PORT_DIGITS && text[digits] == '\0';
}

static int port_of(const char *digits) {
    int port = 0;
    for (; *digits != '\0'; digits++) {
        port = 10 * port + (*digits - '0');
    }
    return port;
}

static bool refuse(const char *text, const char *rule, struct error *error) {
    return error_set(error, ERROR_USAGE, "OUTBOX_LISTEN (--listen) is \"%.80s\": %s; " FORMS, text, rule);
}

// Splits HOST:PORT or [HOST]:PORT: returns where the port begins, NULL where there is none. `host` stays
// without an end where it is too long to be one.
static const char *split(const char *text, struct address *address, bool *bracketed) {
    *bracketed = text[0] == '[';
    const char *host = text + *bracketed;
    const char *end = *bracketed ? strchr(text, ']') : strrchr(text, ':');
    const char *colon = end != NULL ? end + *bracketed : NULL;
    if (colon == NULL || *colon != ':') {
        return NULL;
    }
    (void)snprintf(address->host, sizeof address->host, "%.*s", (int)(end - host), host);
    return colon + 1;
}

static bool is_loopback_address(const char *host) {
    struct in_addr four;
    struct in6_addr six;
    return (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127) ||
           (inet_pton(AF_INET6, host, &six) == 1 &&
            (IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127)));
}

static bool is_any_address(const char *host) {
    struct in_addr four;
    struct in6_addr six;
    return host[0] == '\0' || (inet_pton(AF_INET, host, &four) == 1 && four.s_addr == htonl(INADDR_ANY)) ||
           (inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_UNSPECIFIED(&six));
}

static bool check_host(struct address *address, bool bracketed, const char *text, struct error *error) {
    unsigned char bytes[sizeof(struct in6_addr)];
    const char *host = address->host;
    if (!bracketed && strcasecmp(host, "localhost") == 0) {
        (void)snprintf(address->host, sizeof address->host, "127.0.0.1");
    }
    if (bracketed && inet_pton(AF_INET6, host, bytes) != 1) {
        return refuse(text, "what is in brackets is no IPv6 address", error);
    }
    if (!bracketed && strchr(host, ':') != NULL) {
        return refuse(text, "an IPv6 address must be in brackets", error);
    }
    if (!bracketed && host[0] != '\0' && inet_pton(AF_INET, host, bytes) != 1) {
        return refuse(text, "the host must be an address or localhost, other names are not looked up", error);
    }
    address->loopback = is_loopback_address(host);
    address->all = is_any_address(host);
    return true;
}

bool address_parse(struct address *ret, const char *text, struct error *error) {
    struct address address = {.off = strcasecmp(text, "off") == 0};
    bool bracketed = false;
    if (address.off) {
        *ret = address;
        return true;
    }
    const char *port = split(text, &address, &bracketed);
    if (port == NULL) {
        return refuse(text, "the port is missing", error);
    }
    if (!is_port(port) || port_of(port) > PORT_MAX) {
        return refuse(text, "the port must be a number from 0, which takes a free one, to 65535", error);
    }
    if (!check_host(&address, bracketed, text, error)) {
        return false;
    }
    address.port = port_of(port);
    (void)snprintf(address.text, sizeof address.text, bracketed ? "[%s]:%d" : "%s:%d", address.host,
                   address.port);
    *ret = address;
    return true;
}

void address_url(const struct address *address, const char *path, char url[ADDRESS_URL_SIZE]) {
    bool is_six = strchr(address->host, ':') != NULL;
    const char *host = address->all ? (is_six ? "::1" : "127.0.0.1") : address->host;
    (void)snprintf(url, ADDRESS_URL_SIZE, is_six ? "http://[%s]:%d%s" : "http://%s:%d%s", host, address->port,
                   path);
}

bool address_answers_to(const struct address *address, const char *host) {
    struct address named = {0};
    bool bracketed = false;
    char whole[ADDRESS_TEXT_SIZE];
    if (!address->loopback || host == NULL) {
        return true;
    }
    // The port may be another one, where it is forwarded, and is left out where it is 80.
    bool has_port = host[0] == '[' ? strstr(host, "]:") != NULL : strchr(host, ':') != NULL;
    int length = snprintf(whole, sizeof whole, has_port ? "%s" : "%s:80", host);
    const char *port = length < (int)sizeof whole ? split(whole, &named, &bracketed) : NULL;
    return port != NULL && is_port(port) &&
           ((!bracketed && strcasecmp(named.host, "localhost") == 0) ||
            (bracketed == (strchr(named.host, ':') != NULL) && is_loopback_address(named.host)));
}
