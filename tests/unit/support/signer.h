// SPDX-License-Identifier: Apache-2.0
// Keys and certificates as SNS signs with, made anew for each test, and signatures of them.
#pragma once

#include <openssl/types.h>

enum { SIGNER_DAY = 86400 };

// signer_certificate returns a certificate of `key` in PEM form, valid between two times that are so many
// seconds from now. The caller frees it.
char *signer_certificate(EVP_PKEY *key, long begin_s, long end_s);

// signer_sign signs a text with SHA-256 and returns the signature in base64. The caller frees it.
char *signer_sign(EVP_PKEY *key, const char *text);
