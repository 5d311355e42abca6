// SPDX-License-Identifier: Apache-2.0
// The bytes of connections: plain, or TLS once the process has been told to use it.
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct wire {
    int fd; // -1: closed
    SSL *tls;
};

// wire_serve_tls loads PEM files, for all connections from now on; wire_ask_tls what a client trusts.
void wire_serve_tls(const char *certificate_file, const char *key_file);
void wire_ask_tls(const char *ca_file);

// wire_open takes a connected socket. (A client's should be blocking until then: TLS is agreed upon here.)
void wire_open(struct wire *wire, int fd);
void wire_close(struct wire *wire);

// wire_read returns how many bytes came, 0 when there are none for now, or -1 when there will be no more.
ssize_t wire_read(struct wire *wire, char *bytes, size_t size);

// wire_write is false when not all could be written at once.
bool wire_write(struct wire *wire, const char *bytes, size_t length);
