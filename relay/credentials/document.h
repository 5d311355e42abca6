// SPDX-License-Identifier: Apache-2.0
// The JSON documents in which credentials come: from the container and the instance metadata service, from a
// credential_process, from IAM Identity Center. Sources:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "credentials/provider.h"

#include <stdbool.h>

enum { DOCUMENT_MAX = 65536 };

enum document_kind {
    DOCUMENT_SERVICE, // AccessKeyId, SecretAccessKey, Token, Expiration; `Code`, if any, is Success
    DOCUMENT_PROCESS, // Version 1; SessionToken for Token; Token and Expiration may be missing
    DOCUMENT_SSO,     // roleCredentials: accessKeyId, ..., expiration in milliseconds since 1970
};

// document_parse reads credentials and expiry; `source` is left as it was. An Expiration of the past is read
// like any other. Fails (ERROR_CREDENTIALS) naming the field and the rule, or the service's own Code and
// Message, never a value; `ret` holds nothing of use then. What was copied on the way is wiped.
bool document_parse(struct credentials_found *ret, enum document_kind kind, struct slice text,
                    struct error *error);

// document_token reads the cached token that `aws sso login` has written: accessToken and expiresAt. The
// caller frees it with memory_free_secret; NULL (ERROR_CREDENTIALS) when it is malformed.
char *document_token(struct slice text, int64_t *ret_expires_at, struct error *error);

// document_error copies, as one printable line, what a service's JSON says of its failure (code and message,
// in either case), or "" when it says nothing.
enum { DOCUMENT_ERROR_SIZE = 256 };
void document_error(struct slice text, char ret[DOCUMENT_ERROR_SIZE]);
