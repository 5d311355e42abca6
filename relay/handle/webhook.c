// SPDX-License-Identifier: Apache-2.0
#include "handle/webhook.h"

#include "base/memory.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define PREFIX "whsec_"
#define BLANKS " \t\r\n"
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

enum {
    KEY_LEAST = 24,
    KEY_MOST = 64,
    KEY_SIZE = 66, // whole groups of three bytes, as base64 is decoded
    CODED_MOST = KEY_SIZE / 3 * 4,
    HASH_SIZE = 32,
    CODED_HASH_SIZE = 45,
};

struct key {
    unsigned char bytes[KEY_SIZE];
    size_t length;
};

struct webhook {
    struct key keys[WEBHOOK_SECRETS_MAX];
    int count;
    EVP_MAC *hmac;
    EVP_MAC_CTX *context;
};

// Whole groups of four characters, the last of which may end in one or two "=".
static bool is_base64(const char *text, size_t length) {
    size_t digits = strspn(text, BASE64);
    size_t padding = digits < length ? length - digits : 0;
    return length % 4 == 0 && padding <= 2 && memcmp(text + length - padding, "==", padding) == 0;
}

static const char *read_key(struct key *key, const char *text, size_t length) {
    size_t prefix = sizeof PREFIX - 1;
    if (length < prefix || memcmp(text, PREFIX, prefix) != 0) {
        return "it does not begin with " PREFIX;
    }
    text += prefix;
    length -= prefix;
    if (length == 0 || !is_base64(text, length)) {
        return "what follows " PREFIX " is not base64, with its padding";
    }
    size_t padding = text[length - 2] == '=' ? 2 : text[length - 1] == '=' ? 1 : 0;
    size_t bytes = length / 4 * 3 - padding;
    if (length > CODED_MOST || bytes < KEY_LEAST || bytes > KEY_MOST ||
        EVP_DecodeBlock(key->bytes, (const unsigned char *)text, (int)length) < 0) {
        return "it has not 24 to 64 bytes";
    }
    key->length = bytes;
    return NULL;
}

static bool refuse(int number, const char *problem, struct error *error) {
    return error_set(error, ERROR_USAGE,
                     "OUTBOX_WEBHOOK_SECRET: secret %d: %s; each must be whsec_ and the base64 of 24 to 64 "
                     "random bytes, blanks between them: echo whsec_$(openssl rand -base64 32)",
                     number, problem);
}

static bool read_keys(struct webhook *webhook, const char *secrets, struct error *error) {
    for (secrets += strspn(secrets, BLANKS); *secrets != '\0'; secrets += strspn(secrets, BLANKS)) {
        size_t length = strcspn(secrets, BLANKS);
        if (webhook->count == WEBHOOK_SECRETS_MAX) {
            return error_set(error, ERROR_USAGE,
                             "OUTBOX_WEBHOOK_SECRET holds more than %d secrets: leave out "
                             "those that nobody uses any more",
                             WEBHOOK_SECRETS_MAX);
        }
        const char *problem = read_key(&webhook->keys[webhook->count++], secrets, length);
        if (problem != NULL) {
            return refuse(webhook->count, problem, error);
        }
        secrets += length;
    }
    return webhook->count > 0 || refuse(1, "it is blank", error);
}

static bool prepare(struct webhook *webhook, struct error *error) {
    static char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    webhook->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    webhook->context = webhook->hmac == NULL ? NULL : EVP_MAC_CTX_new(webhook->hmac);
    if (webhook->context == NULL || EVP_MAC_CTX_set_params(webhook->context, parameters) != 1) {
        return error_set(error, ERROR_INTERNAL, "OpenSSL has no HMAC with SHA-256");
    }
    return true;
}

struct webhook *webhook_new(const char *secrets, struct error *error) {
    struct webhook *webhook = memory_allocate(1, sizeof *webhook);
    if (!read_keys(webhook, secrets, error) || !prepare(webhook, error)) {
        webhook_free(webhook);
        return NULL;
    }
    return webhook;
}

void webhook_free(struct webhook *webhook) {
    if (webhook != NULL) {
        EVP_MAC_CTX_free(webhook->context);
        EVP_MAC_free(webhook->hmac);
        memory_wipe(webhook, sizeof *webhook);
        free(webhook);
    }
}

static bool hash(const struct webhook *webhook, const struct key *key, struct slice head, struct slice body,
                 unsigned char ret[HASH_SIZE]) {
    size_t length = 0;
    return EVP_MAC_init(webhook->context, key->bytes, key->length, NULL) == 1 &&
           EVP_MAC_update(webhook->context, (const unsigned char *)head.data, head.length) == 1 &&
           EVP_MAC_update(webhook->context, (const unsigned char *)body.data, body.length) == 1 &&
           EVP_MAC_final(webhook->context, ret, &length, HASH_SIZE) == 1;
}

bool webhook_sign(const struct webhook *webhook, const char *id, int64_t timestamp_s, struct slice body,
                  char ret[WEBHOOK_SIGNATURE_SIZE]) {
    unsigned char bytes[HASH_SIZE];
    unsigned char coded[CODED_HASH_SIZE];
    char head[128];
    int length = snprintf(head, sizeof head, "%.64s.%lld.", id, (long long)timestamp_s);
    size_t place = 0;
    for (int index = 0; index < webhook->count; index++) {
        if (!hash(webhook, &webhook->keys[index], (struct slice){head, (size_t)length}, body, bytes)) {
            return false;
        }
        EVP_EncodeBlock(coded, bytes, HASH_SIZE);
        place += (size_t)snprintf(ret + place, WEBHOOK_SIGNATURE_SIZE - place, "%sv1,%s",
                                  index > 0 ? " " : "", (const char *)coded);
    }
    return true;
}
