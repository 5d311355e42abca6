// SPDX-License-Identifier: Apache-2.0
// A certificate authority for tests, made anew each time: its own certificate as a file to trust, and TLS
// servers with a certificate of it.
#pragma once

#include <openssl/ssl.h>

struct authority;

struct authority *authority_new(const char *name);
void authority_free(struct authority *authority);

// authority_write writes the certificate of the authority, in PEM form, in place of the file `path`.
void authority_write(const struct authority *authority, const char *path);

// authority_server makes what a TLS server of `host` needs ("IP:127.0.0.1" or "DNS:name"). SSL_CTX_free
// releases it.
SSL_CTX *authority_server(struct authority *authority, const char *host);
