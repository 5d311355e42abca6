// SPDX-License-Identifier: Apache-2.0
// cJSON reads the whole document; then the fields that count are taken out of it. It allocates through
// wiping.h for the time of a call: everything runs on one thread.
#include "credentials/document.h"

#include "base/memory.h"
#include "credentials/expiry.h"
#include "credentials/wiping.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { TIME_SHOWN = 40, SECOND_MS = 1000 };

// How the fields of one kind are called.
struct names {
    const char *id, *secret, *token, *expiration;
};

static const struct names names_of[] = {
    [DOCUMENT_SERVICE] = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"},
    [DOCUMENT_PROCESS] = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"},
    [DOCUMENT_SSO] = {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"},
};

static cJSON *open_document(struct slice text, struct error *error) {
    static const char space[] = " \t\r\n";
    const char *end = NULL;
    if (text.length > DOCUMENT_MAX) {
        error_set(error, ERROR_CREDENTIALS, "the document has %zu bytes, but at most %d are allowed",
                  text.length, DOCUMENT_MAX);
        return NULL;
    }
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = wiping_allocate, .free_fn = wiping_free});
    cJSON *root = cJSON_ParseWithLengthOpts(text.data, text.length, &end, false);
    while (root != NULL && end < text.data + text.length && memchr(space, *end, sizeof space - 1) != NULL) {
        end++;
    }
    // An escaped zero byte would cut a text short.
    bool whole = cJSON_IsObject(root) && end == text.data + text.length &&
                 memmem(text.data, text.length, "\\u0000", 6) == NULL;
    if (!whole) {
        error_set(error, ERROR_CREDENTIALS, "the document of %zu bytes is not one JSON object", text.length);
        cJSON_Delete(root);
        root = NULL;
    }
    return root;
}

static void close_document(cJSON *root) {
    cJSON_Delete(root);
    cJSON_InitHooks(NULL);
}

// The text of a field; "" when there is none, or null.
static bool read_text(const cJSON *object, const char *name, const char **ret, struct error *error) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    *ret = cJSON_IsString(item) ? item->valuestring : "";
    if (item != NULL && !cJSON_IsString(item) && !cJSON_IsNull(item)) {
        return error_set(error, ERROR_CREDENTIALS, "%s is not a text", name);
    }
    return true;
}

static bool read_needed(const cJSON *object, const char *name, const char **ret, struct error *error) {
    if (!read_text(object, name, ret, error)) {
        return false;
    }
    return **ret != '\0' || error_set(error, ERROR_CREDENTIALS, "%s is missing", name);
}

static bool read_expiration_text(const cJSON *object, const char *name, int64_t *ret, struct error *error) {
    const char *text;
    *ret = 0;
    if (!read_text(object, name, &text, error) || *text == '\0') {
        return error->code == ERROR_NONE;
    }
    if (!expiry_parse(text, ret)) {
        return error_set(error, ERROR_CREDENTIALS,
                         "%s is \"%.*s\": it must be a time such as 2026-01-31T12:34:56Z", name, TIME_SHOWN,
                         text);
    }
    *ret = *ret > 0 ? *ret : 1; // 0 would mean that it is not known
    return true;
}

static bool read_expiration(const cJSON *object, enum document_kind kind, int64_t *ret, struct error *error) {
    static const double last_ms = 253402300799999; // of the year 9999
    const char *name = names_of[kind].expiration;
    if (kind == DOCUMENT_SSO) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
        bool valid = cJSON_IsNumber(item) && item->valuedouble >= 1 && item->valuedouble <= last_ms;
        *ret = valid ? (int64_t)item->valuedouble * SECOND_MS : 0;
        return valid || error_set(error, ERROR_CREDENTIALS, "%s is no number of milliseconds", name);
    }
    if (!read_expiration_text(object, name, ret, error)) {
        return false;
    }
    return *ret != 0 || kind == DOCUMENT_PROCESS ||
           error_set(error, ERROR_CREDENTIALS, "%s is missing", name);
}

static bool read_credentials(struct credentials_found *ret, const cJSON *object, enum document_kind kind,
                             struct error *error) {
    const struct names *names = &names_of[kind];
    const struct aws_credential_names shown = {names->id, names->secret, names->token};
    const char *id, *secret, *token;
    return read_needed(object, names->id, &id, error) && read_needed(object, names->secret, &secret, error) &&
           (kind == DOCUMENT_PROCESS ? read_text(object, names->token, &token, error)
                                     : read_needed(object, names->token, &token, error)) &&
           read_expiration(object, kind, &ret->expires_at, error) &&
           aws_credentials_set(&ret->credentials, &shown, id, secret, token, error);
}

static void append_printable(char *ret, size_t size, const char *text) {
    size_t used = strlen(ret);
    for (; *text != '\0' && used < size - 1; text++) {
        ret[used++] = (char)(*text < ' ' || *text > '~' ? ' ' : *text);
    }
    ret[used] = '\0';
}

static void describe(const cJSON *object, char ret[DOCUMENT_ERROR_SIZE]) {
    const char *parts[2] = {cJSON_GetStringValue(cJSON_GetObjectItem(object, "code")),
                            cJSON_GetStringValue(cJSON_GetObjectItem(object, "message"))};
    ret[0] = '\0';
    for (int index = 0; index < 2; index++) {
        if (parts[index] != NULL && parts[index][0] != '\0') {
            append_printable(ret, DOCUMENT_ERROR_SIZE, ret[0] != '\0' ? ": " : "");
            append_printable(ret, DOCUMENT_ERROR_SIZE, parts[index]);
        }
    }
}

static bool check_code(const cJSON *root, struct error *error) {
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "Code"));
    char text[DOCUMENT_ERROR_SIZE];
    if (code == NULL || strcmp(code, "Success") == 0) {
        return true;
    }
    describe(root, text);
    return error_set(error, ERROR_CREDENTIALS, "the service answers %s", text);
}

static bool check_version(const cJSON *root, struct error *error) {
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(root, "Version");
    if (cJSON_IsNumber(version) && version->valuedouble == 1) {
        return true;
    }
    return error_set(error, ERROR_CREDENTIALS, "Version must be the number 1");
}

static bool read_document(struct credentials_found *ret, const cJSON *root, enum document_kind kind,
                          struct error *error) {
    switch (kind) {
    case DOCUMENT_SERVICE:
        return check_code(root, error) && read_credentials(ret, root, kind, error);
    case DOCUMENT_PROCESS:
        return check_version(root, error) && read_credentials(ret, root, kind, error);
    case DOCUMENT_SSO:
        break;
    }
    const cJSON *credentials = cJSON_GetObjectItemCaseSensitive(root, "roleCredentials");
    return cJSON_IsObject(credentials) ? read_credentials(ret, credentials, kind, error)
                                       : error_set(error, ERROR_CREDENTIALS, "roleCredentials is missing");
}

bool document_parse(struct credentials_found *ret, enum document_kind kind, struct slice text,
                    struct error *error) {
    struct error own = {.code = ERROR_NONE};
    cJSON *root = open_document(text, &own);
    bool read = root != NULL && read_document(ret, root, kind, &own);
    close_document(root);
    if (!read && error != NULL) {
        *error = own;
    }
    return read;
}

char *document_token(struct slice text, int64_t *ret_expires_at, struct error *error) {
    struct error own = {.code = ERROR_NONE};
    const char *token;
    cJSON *root = open_document(text, &own);
    bool read = root != NULL && read_needed(root, "accessToken", &token, &own) &&
                read_expiration_text(root, "expiresAt", ret_expires_at, &own);
    char *copy = read ? memory_copy_text(token) : NULL;
    close_document(root);
    if (!read && error != NULL) {
        *error = own;
    }
    return copy;
}

void document_error(struct slice text, char ret[DOCUMENT_ERROR_SIZE]) {
    cJSON *root = open_document(text, NULL);
    ret[0] = '\0';
    if (root != NULL) {
        describe(root, ret);
    }
    close_document(root);
}
