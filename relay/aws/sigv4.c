// SPDX-License-Identifier: Apache-2.0
// The four steps of AWS's page, in its words: the canonical request, its hash in the string to sign, the
// signing key (HMAC of HMAC of ... of the secret), the signature. A signature costs one hash of the body, one
// of the canonical request and one HMAC; the four HMACs of the key are done once a day.
#include "aws/sigv4.h"

#include "aws/canonical.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/slice.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define KEY_PREFIX "AWS4"
#define TERMINATOR "aws4_request"

enum {
    HASH_SIZE = 32,
    HEX_SIZE = 2 * HASH_SIZE + 1,
    DAY_SIZE = 9,     // 20260131
    SCOPE_SIZE = 128, // day/region/service/aws4_request
    ALL_HEADERS_MAX = SIGV4_HEADERS_MAX + 2,
};

// What a signing key is made of, besides the secret.
struct scope {
    char day[DAY_SIZE];
    char region[SIGV4_SCOPE_NAME_MAX + 1];
    char service[SIGV4_SCOPE_NAME_MAX + 1];
};

struct sigv4_signer {
    EVP_MD *sha256;
    EVP_MAC *hmac;
    EVP_MD_CTX *hash_context;
    EVP_MAC_CTX *hmac_context;
    struct buffer canonical;
    struct scope scope; // of `key`; all zero before the first signature
    char secret[AWS_SECRET_ACCESS_KEY_MAX + 1];
    unsigned char key[HASH_SIZE];
    uint64_t keys_derived;
};

static bool openssl_failed(const char *what, struct error *error) {
    return error_set(error, ERROR_INTERNAL, "OpenSSL refused %s: is SHA-256 disabled in its configuration?",
                     what);
}

static bool prepare_hmac(struct sigv4_signer *signer) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                     OSSL_PARAM_construct_end()};

    signer->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    signer->hmac_context = signer->hmac == NULL ? NULL : EVP_MAC_CTX_new(signer->hmac);
    return signer->hmac_context != NULL && EVP_MAC_CTX_set_params(signer->hmac_context, parameters) == 1;
}

struct sigv4_signer *sigv4_signer_create(struct error *error) {
    struct sigv4_signer *signer = memory_allocate(1, sizeof *signer);

    buffer_init(&signer->canonical, SIGV4_CANONICAL_MAX);
    signer->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    signer->hash_context = EVP_MD_CTX_new();
    if (signer->sha256 == NULL || signer->hash_context == NULL || !prepare_hmac(signer)) {
        openssl_failed("SHA-256 and HMAC", error);
        sigv4_signer_free(signer);
        return NULL;
    }
    return signer;
}

void sigv4_signer_free(struct sigv4_signer *signer) {
    if (signer == NULL) {
        return;
    }
    EVP_MAC_CTX_free(signer->hmac_context);
    EVP_MAC_free(signer->hmac);
    EVP_MD_CTX_free(signer->hash_context);
    EVP_MD_free(signer->sha256);
    buffer_free_secret(&signer->canonical);
    memory_wipe(signer, sizeof *signer);
    free(signer);
}

uint64_t sigv4_keys_derived(const struct sigv4_signer *signer) {
    return signer->keys_derived;
}

static void to_hex(const unsigned char hash[HASH_SIZE], char hex[HEX_SIZE]) {
    static const char digits[] = "0123456789abcdef";

    for (size_t index = 0; index < HASH_SIZE; index++) {
        hex[2 * index] = digits[hash[index] >> 4];
        hex[2 * index + 1] = digits[hash[index] & 15];
    }
    hex[HEX_SIZE - 1] = '\0';
}

static bool hash_hex(struct sigv4_signer *signer, const void *bytes, size_t length, char hex[HEX_SIZE],
                     struct error *error) {
    unsigned char hash[HASH_SIZE];

    if (EVP_DigestInit_ex2(signer->hash_context, signer->sha256, NULL) != 1 ||
        EVP_DigestUpdate(signer->hash_context, bytes, length) != 1 ||
        EVP_DigestFinal_ex(signer->hash_context, hash, NULL) != 1) {
        return openssl_failed("SHA-256", error);
    }
    to_hex(hash, hex);
    return true;
}

static bool hmac(struct sigv4_signer *signer, const void *key, size_t key_length, const char *text,
                 unsigned char ret[HASH_SIZE], struct error *error) {
    size_t length;

    if (EVP_MAC_init(signer->hmac_context, key, key_length, NULL) != 1 ||
        EVP_MAC_update(signer->hmac_context, (const unsigned char *)text, strlen(text)) != 1 ||
        EVP_MAC_final(signer->hmac_context, ret, &length, HASH_SIZE) != 1) {
        return openssl_failed("HMAC", error);
    }
    return true;
}

static bool derive_key(struct sigv4_signer *signer, const struct scope *scope, const char *secret,
                       struct error *error) {
    char start[sizeof KEY_PREFIX + AWS_SECRET_ACCESS_KEY_MAX];
    unsigned char *key = signer->key;
    int length = snprintf(start, sizeof start, KEY_PREFIX "%s", secret);

    bool ok = hmac(signer, start, (size_t)length, scope->day, key, error) &&
              hmac(signer, key, HASH_SIZE, scope->region, key, error) &&
              hmac(signer, key, HASH_SIZE, scope->service, key, error) &&
              hmac(signer, key, HASH_SIZE, TERMINATOR, key, error);
    memory_wipe(start, sizeof start);
    return ok;
}

// Sees to it that signer->key belongs to this scope and secret.
static bool use_key(struct sigv4_signer *signer, const struct scope *scope, const char *secret,
                    struct error *error) {
    if (memcmp(scope, &signer->scope, sizeof *scope) == 0 && strcmp(secret, signer->secret) == 0) {
        return true;
    }
    memset(&signer->scope, 0, sizeof signer->scope); // a failure below must not leave half a key in use
    if (!derive_key(signer, scope, secret, error)) {
        return false;
    }
    memory_wipe(signer->secret, sizeof signer->secret);
    memcpy(signer->secret, secret, strlen(secret) + 1);
    signer->scope = *scope;
    signer->keys_derived++;
    return true;
}

// Unused bytes are zero, so that two scopes can be compared as bytes.
static bool fill_scope(struct scope *ret, const struct sigv4_request *request, const char *date,
                       struct error *error) {
    size_t region = strlen(request->region);
    size_t service = strlen(request->service);

    if (region > SIGV4_SCOPE_NAME_MAX || service > SIGV4_SCOPE_NAME_MAX) {
        return error_set(
            error, ERROR_INTERNAL,
            "cannot sign for region \"%.100s\" and service \"%.100s\": at most %d characters are allowed",
            request->region, request->service, SIGV4_SCOPE_NAME_MAX);
    }
    memset(ret, 0, sizeof *ret);
    memcpy(ret->day, date, sizeof ret->day - 1);
    memcpy(ret->region, request->region, region);
    memcpy(ret->service, request->service, service);
    return true;
}

static size_t insert_sorted(struct sigv4_header *headers, size_t count, struct sigv4_header header) {
    size_t index = count;

    for (; index > 0 && strcmp(headers[index - 1].name, header.name) > 0; index--) {
        headers[index] = headers[index - 1];
    }
    headers[index] = header;
    return count + 1;
}

static size_t all_headers(struct sigv4_header ret[ALL_HEADERS_MAX], const struct sigv4_request *request,
                          const char *date, const char *session_token) {
    size_t count = insert_sorted(ret, 0, (struct sigv4_header){"x-amz-date", date});

    if (session_token[0] != '\0') {
        count = insert_sorted(ret, count, (struct sigv4_header){"x-amz-security-token", session_token});
    }
    for (size_t index = 0; index < request->header_count; index++) {
        count = insert_sorted(ret, count, request->headers[index]);
    }
    return count;
}

static void append_line(struct buffer *canonical, const char *text) {
    buffer_append_text(canonical, text);
    buffer_append_char(canonical, '\n');
}

static void append_headers(struct buffer *canonical, const struct sigv4_header *headers, size_t count) {
    for (size_t index = 0; index < count; index++) {
        buffer_append_text(canonical, headers[index].name);
        buffer_append_char(canonical, ':');
        canonical_append_value(canonical, headers[index].value);
        buffer_append_char(canonical, '\n');
    }
    buffer_append_char(canonical, '\n');
}

// Returns where the list of names is, from its start to the end of what is written.
static size_t append_names(struct buffer *canonical, const struct sigv4_header *headers, size_t count) {
    size_t start = canonical->length;

    for (size_t index = 0; index < count; index++) {
        buffer_append_text(canonical, index == 0 ? "" : ";");
        buffer_append_text(canonical, headers[index].name);
    }
    return start;
}

// Writes the canonical request into signer->canonical; `ret_names` is the list of signed headers in it.
static bool write_canonical(struct sigv4_signer *signer, const struct sigv4_request *request,
                            const struct sigv4_header *headers, size_t count, const char *payload_hash,
                            struct slice *ret_names, struct error *error) {
    struct buffer *canonical = &signer->canonical;

    buffer_clear(canonical);
    append_line(canonical, request->method);
    canonical_append_path(canonical, request->path);
    buffer_append_char(canonical, '\n');
    if (!canonical_append_query(canonical, request->query, error)) {
        return false;
    }
    buffer_append_char(canonical, '\n');
    append_headers(canonical, headers, count);
    size_t names = append_names(canonical, headers, count);
    size_t names_length = canonical->length - names;
    buffer_append_char(canonical, '\n');
    buffer_append_text(canonical, payload_hash);
    if (canonical->overflow) {
        return error_set(error, ERROR_INTERNAL,
                         "cannot sign a request of more than %d bytes of path, query and headers",
                         SIGV4_CANONICAL_MAX);
    }
    *ret_names = (struct slice){canonical->data + names, names_length};
    return true;
}

static bool canonical_request(struct sigv4_signer *signer, const struct aws_credentials *credentials,
                              const struct sigv4_request *request, const char *date, struct slice *ret_names,
                              struct error *error) {
    struct sigv4_header headers[ALL_HEADERS_MAX];
    char payload_hash[HEX_SIZE];

    if (request->header_count > SIGV4_HEADERS_MAX) {
        return error_set(error, ERROR_INTERNAL, "cannot sign %zu headers: at most %d are allowed",
                         request->header_count, SIGV4_HEADERS_MAX);
    }
    if (!hash_hex(signer, request->payload, request->payload_length, payload_hash, error)) {
        return false;
    }
    size_t count = all_headers(headers, request, date, credentials->session_token);
    return write_canonical(signer, request, headers, count, payload_hash, ret_names, error);
}

static bool write_authorization(struct sigv4_signature *ret, struct slice names, const char *access_key_id,
                                const char *scope, const char *signature, struct error *error) {
    int length = snprintf(ret->authorization, sizeof ret->authorization,
                          ALGORITHM " Credential=%s/%s, SignedHeaders=%.*s, Signature=%s", access_key_id,
                          scope, (int)names.length, names.data, signature);

    if (length < 0 || (size_t)length >= sizeof ret->authorization) {
        return error_set(error, ERROR_INTERNAL,
                         "cannot sign: the Authorization header has %d characters, at most %d are "
                         "allowed; sign fewer headers",
                         length, SIGV4_AUTHORIZATION_SIZE - 1);
    }
    return true;
}

bool sigv4_sign(struct sigv4_signer *signer, const struct aws_credentials *credentials,
                const struct sigv4_request *request, int64_t unix_us, struct sigv4_signature *ret,
                struct error *error) {
    struct scope scope;
    struct slice names = {0};
    char scope_text[SCOPE_SIZE];
    char to_sign[SCOPE_SIZE + HEX_SIZE + 64];
    char hex[HEX_SIZE];
    unsigned char signature[HASH_SIZE] = {0};

    clock_format_basic(unix_us, ret->date);
    if (!fill_scope(&scope, request, ret->date, error) ||
        !canonical_request(signer, credentials, request, ret->date, &names, error) ||
        !hash_hex(signer, signer->canonical.data, signer->canonical.length, hex, error) ||
        !use_key(signer, &scope, credentials->secret_access_key, error)) {
        return false;
    }
    snprintf(scope_text, sizeof scope_text, "%s/%s/%s/" TERMINATOR, scope.day, scope.region, scope.service);
    snprintf(to_sign, sizeof to_sign, ALGORITHM "\n%s\n%s\n%s", ret->date, scope_text, hex);
    if (!hmac(signer, signer->key, HASH_SIZE, to_sign, signature, error)) {
        return false;
    }
    to_hex(signature, hex);
    return write_authorization(ret, names, credentials->access_key_id, scope_text, hex, error);
}
