// SPDX-License-Identifier: Apache-2.0
// The signature of a request, so that who gets it can tell that it is ours and not an old one. Source:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
#pragma once

#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

enum {
    WEBHOOK_SECRETS_MAX = 8,
    WEBHOOK_SIGNATURE_SIZE = WEBHOOK_SECRETS_MAX * 48, // of "v1," and 44 characters of base64 each
};

struct webhook;

// webhook_new reads secrets with blanks between them, each "whsec_" and the base64 of 24 to 64 bytes. Fails
// (ERROR_USAGE), without showing any, when one has another form or there are too many.
struct webhook *webhook_new(const char *secrets, struct error *error);
void webhook_free(struct webhook *webhook); // wipes them; NULL is fine

// webhook_sign writes the value of webhook-signature: a signature with each secret, so that a receiver may
// know any of them while they are changed. False when OpenSSL has no memory.
bool webhook_sign(const struct webhook *webhook, const char *id, int64_t timestamp_s, struct slice body,
                  char ret[WEBHOOK_SIGNATURE_SIZE]);
