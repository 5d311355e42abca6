// SPDX-License-Identifier: Apache-2.0
#include "credentials/sts_answer.h"

#include "credentials/expiry.h"

#include <string.h>

static bool is_named(const struct xml_element *element, const char *action, const char *ending) {
    size_t length = strlen(action);
    return strncmp(element->name, action, length) == 0 && strcmp(element->name + length, ending) == 0;
}

// The element ACTIONResponse / ACTIONResult / Credentials; NULL when something else is there.
static const struct xml_element *credentials_of(const struct xml_element *root, const char *action) {
    if (root == NULL || !is_named(root, action, "Response")) {
        return NULL;
    }
    const struct xml_element *result = root->first;
    while (result != NULL && !is_named(result, action, "Result")) {
        result = result->next;
    }
    const struct xml_element *credentials = xml_child(result, "Credentials");
    return xml_next(credentials) == NULL ? credentials : NULL;
}

static bool read_field(const struct xml_element *credentials, const char *name, const char **ret,
                       struct error *error) {
    const struct xml_element *field = xml_child(credentials, name);
    if (field == NULL || field->text[0] == '\0') {
        return error_set(error, ERROR_CREDENTIALS, "STS's answer cannot be used: %s is missing", name);
    }
    *ret = field->text;
    return xml_next(field) == NULL ||
           error_set(error, ERROR_CREDENTIALS, "STS's answer cannot be used: %s comes twice", name);
}

bool sts_answer_read(struct credentials_found *ret, const char *action, const struct xml_element *root,
                     struct error *error) {
    static const struct aws_credential_names names = {"AccessKeyId", "SecretAccessKey", "SessionToken"};
    const struct xml_element *credentials = credentials_of(root, action);
    const char *id, *secret, *token, *expiration;
    if (credentials == NULL) {
        return error_set(error, ERROR_CREDENTIALS,
                         "STS's answer cannot be used: it is not one set of credentials in %sResponse",
                         action);
    }
    if (!read_field(credentials, names.id, &id, error) ||
        !read_field(credentials, names.secret, &secret, error) ||
        !read_field(credentials, names.token, &token, error) ||
        !read_field(credentials, "Expiration", &expiration, error)) {
        return false;
    }
    if (!expiry_parse(expiration, &ret->expires_at) || ret->expires_at <= 0) {
        return error_set(error, ERROR_CREDENTIALS,
                         "STS's answer cannot be used: Expiration is \"%.40s\": it must be a time such as "
                         "2026-01-31T12:34:56Z",
                         expiration);
    }
    return aws_credentials_set(&ret->credentials, &names, id, secret, token, error) ||
           error_prefix(error, "STS's answer cannot be used");
}
