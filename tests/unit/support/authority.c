// SPDX-License-Identifier: Apache-2.0
#include "support/authority.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { DAY = 86400 };

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    long serial;
};

static void extend(X509 *certificate, X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

// A certificate for `key`; the authority's own while it has none.
static X509 *issue(struct authority *authority, EVP_PKEY *key, const char *name) {
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++authority->serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), DAY);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509 *issuer = authority->certificate != NULL ? authority->certificate : certificate;
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    return certificate;
}

struct authority *authority_new(const char *name) {
    struct authority *authority = calloc(1, sizeof *authority);
    authority->key = EVP_EC_gen("P-256");
    X509 *certificate = issue(authority, authority->key, name);
    extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(certificate, authority->key, EVP_sha256()) > 0);
    authority->certificate = certificate;
    return authority;
}

void authority_free(struct authority *authority) {
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    free(authority);
}

void authority_write(const struct authority *authority, const char *path) {
    char fresh[256];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, authority->certificate), 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, path), 0);
}

SSL_CTX *authority_server(struct authority *authority, const char *host) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = issue(authority, key, "server");
    extend(certificate, authority->certificate, NID_subject_alt_name, host);
    assert_true(X509_sign(certificate, authority->key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}
