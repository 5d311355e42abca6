// SPDX-License-Identifier: Apache-2.0
// The socket of the admin port.
#include "admin/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 128 };

union socket_address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

static socklen_t fill(union socket_address *ret, int family, const char *host, int port) {
    memset(ret, 0, sizeof *ret);
    ret->any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        ret->four.sin_port = htons((uint16_t)port);
        (void)inet_pton(AF_INET, host, &ret->four.sin_addr);
        return sizeof ret->four;
    }
    ret->six.sin6_port = htons((uint16_t)port);
    (void)inet_pton(AF_INET6, host, &ret->six.sin6_addr);
    return sizeof ret->six;
}

static const char *meaning_of(int problem) {
    switch (problem) {
    case EADDRINUSE:
        return ": another program, perhaps another relay, listens there";
    case EACCES:
    case EPERM:
        return ": this user may not listen at a port below 1024";
    case EADDRNOTAVAIL:
        return ": no interface of this machine has that address";
    default:
        return "";
    }
}

static bool explain(const struct address *address, int problem, struct error *error) {
    return error_set(
        error, ERROR_USAGE,
        "the admin port cannot listen at %s: %s%s; set OUTBOX_LISTEN (--listen) to another address, "
        "to port 0 for a free one, or to off",
        address->text, strerror(problem), meaning_of(problem));
}

// Returns the socket, or -1 with errno.
static int open_at(int family, const char *host, int port) {
    union socket_address name;
    const int on = 1, off = 0;
    socklen_t length = fill(&name, family, host, port);
    int opened = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (opened < 0) {
        return -1;
    }
    (void)setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6) { // :: takes IPv4 as well, whatever the machine's default is
        (void)setsockopt(opened, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(opened, &name.any, length) != 0 || listen(opened, BACKLOG) != 0) {
        int problem = errno;
        (void)close(opened);
        errno = problem;
        return -1;
    }
    return opened;
}

int address_listen(const struct address *address, struct error *error) {
    bool is_six = strchr(address->host, ':') != NULL;
    int opened = -1;
    if (address->host[0] == '\0') {
        opened = open_at(AF_INET6, "::", address->port);
        if (opened < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) { // a machine without IPv6
            opened = open_at(AF_INET, "0.0.0.0", address->port);
        }
    } else {
        opened = open_at(is_six ? AF_INET6 : AF_INET, address->host, address->port);
    }
    if (opened < 0) {
        explain(address, errno, error);
    }
    return opened;
}

void address_of_socket(int socket, char text[ADDRESS_TEXT_SIZE]) {
    union socket_address name = {0};
    socklen_t length = sizeof name;
    char host[INET6_ADDRSTRLEN] = "?";
    (void)getsockname(socket, &name.any, &length);
    if (name.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &name.six.sin6_addr, host, sizeof host);
        (void)snprintf(text, ADDRESS_TEXT_SIZE, "[%s]:%d", host, ntohs(name.six.sin6_port));
    } else {
        (void)inet_ntop(AF_INET, &name.four.sin_addr, host, sizeof host);
        (void)snprintf(text, ADDRESS_TEXT_SIZE, "%s:%d", host, ntohs(name.four.sin_port));
    }
}
