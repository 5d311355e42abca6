// SPDX-License-Identifier: Apache-2.0
// The signature of SNS on an envelope. Source: "Verifying the signatures of Amazon SNS messages" in the
// Amazon SNS Developer Guide. It says that SNS has sent the message, from the topic that is named in it. It
// does not say that this topic is one's own: that is for the queue's policy to ensure.
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#include <openssl/types.h>
#include <stdbool.h>

enum { SIGNING_KEY_BITS_MIN = 2048, SIGNING_KEY_BITS_MAX = 8192, SIGNING_URL_MAX = 256 };

// The members of an envelope that are signed, and those that the signature is in. Absent: data is NULL.
struct signed_message {
    struct slice type, message_id, topic_arn, subject, message, timestamp;
    struct slice version, signature, certificate_url;
};

// signature_prepare looks whether all is there that a signature needs, in a form that can only be read in one
// way, and the certificate where SNS keeps its own; else ERROR_USAGE. Nothing may be fetched before.
bool signature_prepare(const struct signed_message *message, struct error *error);

// signature_verify checks the signature of a message that has been prepared. Version 1 is SHA-1, 2 is
// SHA-256, both RSA with PKCS #1 v1.5. `key` is one that signature_key_usable has accepted.
bool signature_verify(const struct signed_message *message, EVP_PKEY *key, struct error *error);

// signature_key_usable: RSA, of 2048 to 8192 bits.
bool signature_key_usable(const EVP_PKEY *key);

// signature_text appends what is signed: names and values, a line each.
void signature_text(const struct signed_message *message, struct buffer *ret);

// signing_url_valid: https, a host sns.REGION.amazonaws.com or .amazonaws.com.cn, where REGION has the form
// of one (words and a number, as us-gov-west-1), no port, no user, a path of plain characters that ends in
// .pem, no query, no fragment; at most SIGNING_URL_MAX bytes.
bool signing_url_valid(struct slice url);
