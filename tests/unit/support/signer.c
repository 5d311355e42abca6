// SPDX-License-Identifier: Apache-2.0
#include "support/signer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

char *signer_certificate(EVP_PKEY *key, long begin_s, long end_s) {
    X509 *certificate = X509_new();
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), begin_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), end_s);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"sns.amazonaws.com", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(memory, certificate), 1);
    size_t length = (size_t)BIO_get_mem_data(memory, &bytes);
    char *pem = strndup(bytes, length);
    BIO_free(memory);
    X509_free(certificate);
    return pem;
}

char *signer_sign(EVP_PKEY *key, const char *text) {
    unsigned char bytes[1024];
    size_t length = sizeof bytes;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, bytes, &length, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(context);
    char *base64 = calloc(length / 3 * 4 + 8, 1);
    EVP_EncodeBlock((unsigned char *)base64, bytes, (int)length);
    return base64;
}
