// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include "bench.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *tls;
static bool is_client;

static _Noreturn void die(const char *what) {
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    bench_die(what, reason != NULL ? reason : "TLS failed");
}

void wire_serve_tls(const char *certificate_file, const char *key_file) {
    tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, certificate_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) != 1) {
        die(certificate_file);
    }
    SSL_CTX_set_read_ahead(tls, 1); // one system call a record instead of two
}

void wire_ask_tls(const char *ca_file) {
    tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || SSL_CTX_load_verify_locations(tls, ca_file, NULL) != 1) {
        die(ca_file);
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_read_ahead(tls, 1);
    is_client = true;
}

void wire_open(struct wire *wire, int fd) {
    *wire = (struct wire){.fd = fd};
    if (tls == NULL) {
        return;
    }
    wire->tls = SSL_new(tls);
    if (wire->tls == NULL || SSL_set_fd(wire->tls, fd) != 1) {
        die("TLS");
    }
    if (!is_client) {
        SSL_set_accept_state(wire->tls);
    } else if (SSL_connect(wire->tls) != 1) {
        die("TLS");
    }
}

void wire_close(struct wire *wire) {
    if (wire->fd >= 0) {
        SSL_free(wire->tls);
        close(wire->fd);
        *wire = (struct wire){.fd = -1};
    }
}

static ssize_t tls_read(SSL *connection, char *bytes, size_t size) {
    size_t got = 0;
    ERR_clear_error();
    if (SSL_read_ex(connection, bytes, size, &got) == 1) {
        return (ssize_t)got;
    }
    return SSL_get_error(connection, 0) == SSL_ERROR_WANT_READ ? 0 : -1;
}

ssize_t wire_read(struct wire *wire, char *bytes, size_t size) {
    if (wire->tls != NULL) {
        return tls_read(wire->tls, bytes, size);
    }
    ssize_t got = recv(wire->fd, bytes, size, 0);
    return got > 0 ? got : got < 0 && errno == EAGAIN ? 0 : -1;
}

bool wire_write(struct wire *wire, const char *bytes, size_t length) {
    if (wire->tls != NULL) {
        size_t written = 0;
        ERR_clear_error();
        return SSL_write_ex(wire->tls, bytes, length, &written) == 1 && written == length;
    }
    return send(wire->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}
