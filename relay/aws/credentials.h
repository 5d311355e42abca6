// SPDX-License-Identifier: Apache-2.0
// The AWS credentials a request is signed with. Where they come from, and for how long, is the business of
// relay/credentials; what signs only sees the struct.
#pragma once

#include "base/error.h"
#include "settings/settings.h"

#include <stdbool.h>

enum {
    AWS_ACCESS_KEY_ID_MAX = 128, // IAM's own limit
    AWS_SECRET_ACCESS_KEY_MAX = 256,
    AWS_SESSION_TOKEN_MAX = 8192, // STS names no limit; a request header of AWS may hold 8 KiB
};

// Texts of printable ASCII without spaces; session_token is "" for long-term credentials.
struct aws_credentials {
    char access_key_id[AWS_ACCESS_KEY_ID_MAX + 1];
    char secret_access_key[AWS_SECRET_ACCESS_KEY_MAX + 1];
    char session_token[AWS_SESSION_TOKEN_MAX + 1];
};

// What the three texts are called where they come from, for errors: "AWS_ACCESS_KEY_ID", "AccessKeyId".
struct aws_credential_names {
    const char *id, *secret, *token;
};

// aws_credentials_set copies and checks the three texts; `token` is "" when there is none. Fails
// (ERROR_CREDENTIALS) when one is too long or holds a byte that no credential has: a line break at the end of
// a secret file is the usual one. No error shows a value. On failure `ret` is left as it was.
bool aws_credentials_set(struct aws_credentials *ret, const struct aws_credential_names *names,
                         const char *id, const char *secret, const char *token, struct error *error);

// aws_credentials_from_settings does so with those of the settings. It fails as well when there are none, and
// when only half of the pair is set.
bool aws_credentials_from_settings(struct aws_credentials *ret, const struct settings *settings,
                                   struct error *error);

// aws_credentials_wipe overwrites the credentials; nothing else has to be released.
void aws_credentials_wipe(struct aws_credentials *credentials);
