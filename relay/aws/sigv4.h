// SPDX-License-Identifier: Apache-2.0
// AWS Signature Version 4: from a request and credentials to the headers that prove who sent it. A pure
// computation over OpenSSL; it reads no clock and sends nothing. Not here: S3 and its ways (paths that are
// not normalized, chunked uploads, x-amz-content-sha256), presigned URLs. Source:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#pragma once

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIGV4_HEADERS_MAX = 8,           // headers a caller may give
    SIGV4_SCOPE_NAME_MAX = 32,       // characters of a region's and of a service's name
    SIGV4_CANONICAL_MAX = 32 * 1024, // bytes of the canonical request
    SIGV4_AUTHORIZATION_SIZE = 768,  // the Authorization value and its zero byte
};

struct sigv4_header {
    const char *name;  // in lower case, each once
    const char *value; // as it is sent
};

// The order of the headers does not matter; "host" must be among them. x-amz-date is added by the signer, and
// x-amz-security-token where the credentials have one: a caller gives neither, but sends both.
struct sigv4_request {
    const char *method;
    const char *path;  // as it is sent, percent-encoded; see canonical.h for both
    const char *query; // as it is sent, without the ?; "" when there is none
    const char *region;
    const char *service;
    const struct sigv4_header *headers;
    size_t header_count;
    const void *payload; // the exact bytes of the body
    size_t payload_length;
};

struct sigv4_signature {
    char date[CLOCK_BASIC_SIZE];                  // the value of x-amz-date
    char authorization[SIGV4_AUTHORIZATION_SIZE]; // the value of Authorization
};

// A signer keeps what stays the same from one request to the next: OpenSSL's contexts, and the signing key,
// which is derived anew when the date, region, service or secret changes. One thread at a time.
struct sigv4_signer;

// sigv4_signer_create returns a signer, or NULL (ERROR_INTERNAL) when OpenSSL does not offer HMAC with
// SHA-256.
struct sigv4_signer *sigv4_signer_create(struct error *error);
void sigv4_signer_free(struct sigv4_signer *signer); // wipes the keys; NULL is fine

// sigv4_sign signs `request` as sent at `unix_us`. It fails (ERROR_INTERNAL) when the request passes one of
// the limits above or OpenSSL refuses; `ret` then holds nothing of use.
bool sigv4_sign(struct sigv4_signer *signer, const struct aws_credentials *credentials,
                const struct sigv4_request *request, int64_t unix_us, struct sigv4_signature *ret,
                struct error *error);

// sigv4_keys_derived counts the derivations of a signing key, so that a test can see that keys are reused.
uint64_t sigv4_keys_derived(const struct sigv4_signer *signer);
