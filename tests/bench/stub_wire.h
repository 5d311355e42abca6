// SPDX-License-Identifier: Apache-2.0
// The bytes of the stub's connections: plain, or TLS once wire_use_tls has been called.
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct wire {
    int fd; // -1: closed
    SSL *tls;
};

// wire_use_tls loads PEM files, for all connections from now on.
void wire_use_tls(const char *certificate_file, const char *key_file);

void wire_open(struct wire *wire, int fd);
void wire_close(struct wire *wire);

// wire_read returns how many bytes came, 0 when there are none for now, or -1 when there will be no more.
ssize_t wire_read(struct wire *wire, char *bytes, size_t size);

// wire_write is false when not all could be written at once.
bool wire_write(struct wire *wire, const char *bytes, size_t length);
