// SPDX-License-Identifier: Apache-2.0
// OUTBOX_LISTEN: where the admin port is, and by which names it may be called there.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <sys/socket.h>

enum { ADDRESS_HOST_SIZE = 64, ADDRESS_TEXT_SIZE = 80, ADDRESS_URL_SIZE = 128 };

struct address {
    bool off;      // there is no admin port; nothing else is set
    bool loopback; // only this machine can reach it
    bool all;      // of all the machine's addresses
    char text[ADDRESS_TEXT_SIZE];
    char host[ADDRESS_HOST_SIZE]; // a numeric address without brackets; "" for all, of IPv6 and IPv4
    int port;                     // 0: a free one
};

// address_parse reads HOST:PORT, [IPV6]:PORT, :PORT (all addresses) or "off". HOST is an address or
// "localhost": names are not looked up. Fails (ERROR_USAGE) naming the value, the rule and how to write it.
bool address_parse(struct address *ret, const char *text, struct error *error);

// address_url is where a client on this machine finds `path`: of all addresses the loopback one.
void address_url(const struct address *address, const char *path, char url[ADDRESS_URL_SIZE]);

// address_listen opens a socket that listens there. Returns it, or -1 with an error: ERROR_USAGE when the
// address is taken, not allowed or not this machine's, with what to set instead.
int address_listen(const struct address *address, struct error *error);

// address_of_socket writes where a socket listens, with the port that it has got: "127.0.0.1:9465".
void address_of_socket(int socket, char text[ADDRESS_TEXT_SIZE]);

// address_answers_to tells whether a request with this Host header (NULL: it has none) is meant for the
// address. A web page elsewhere can have its name point to 127.0.0.1 and read in its visitor's browser what
// is there (DNS rebinding), so on loopback only the names of loopback count. Elsewhere nobody knows the names
// of the machine, and all do.
bool address_answers_to(const struct address *address, const char *host);
