// SPDX-License-Identifier: Apache-2.0
// The values are checked here, once, because they end up in request headers: a line break in one of them
// would be a header of its own, and a stray blank a signature that AWS refuses without saying why.
#include "aws/credentials.h"

#include "base/memory.h"

#include <string.h>

static bool check(const char *variable, const char *value, size_t limit, struct error *error) {
    size_t length = strlen(value);

    if (length > limit) {
        return error_set(error, ERROR_CREDENTIALS,
                         "%s is %zu characters long, but at most %zu are allowed: set it again", variable,
                         length, limit);
    }
    for (size_t position = 0; position < length; position++) {
        unsigned char byte = (unsigned char)value[position];
        if (byte <= ' ' || byte > '~') {
            return error_set(
                error, ERROR_CREDENTIALS,
                "%s holds byte 0x%02x at position %zu, but only printable ASCII without spaces is allowed: "
                "look for a line break or a blank copied with it",
                variable, byte, position + 1);
        }
    }
    return true;
}

static bool check_pair(const struct settings *settings, struct error *error) {
    bool has_id = settings->aws_access_key_id[0] != '\0';
    bool has_secret = settings->aws_secret_access_key[0] != '\0';

    if (has_id && has_secret) {
        return true;
    }
    if (has_id || has_secret) {
        return error_set(error, ERROR_CREDENTIALS, "%s is set but %s is not: set both or neither",
                         has_id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                         has_id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    }
    return error_set(error, ERROR_CREDENTIALS,
                     "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
                     "(and AWS_SESSION_TOKEN for temporary ones)");
}

bool aws_credentials_set(struct aws_credentials *ret, const struct aws_credential_names *names,
                         const char *id, const char *secret, const char *token, struct error *error) {
    if (!check(names->id, id, AWS_ACCESS_KEY_ID_MAX, error) ||
        !check(names->secret, secret, AWS_SECRET_ACCESS_KEY_MAX, error) ||
        !check(names->token, token, AWS_SESSION_TOKEN_MAX, error)) {
        return false;
    }
    memcpy(ret->access_key_id, id, strlen(id) + 1);
    memcpy(ret->secret_access_key, secret, strlen(secret) + 1);
    memcpy(ret->session_token, token, strlen(token) + 1);
    return true;
}

bool aws_credentials_from_settings(struct aws_credentials *ret, const struct settings *settings,
                                   struct error *error) {
    static const struct aws_credential_names names = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                                      "AWS_SESSION_TOKEN"};
    return check_pair(settings, error) &&
           aws_credentials_set(ret, &names, settings->aws_access_key_id, settings->aws_secret_access_key,
                               settings->aws_session_token, error);
}

void aws_credentials_wipe(struct aws_credentials *credentials) {
    memory_wipe(credentials, sizeof *credentials);
}
