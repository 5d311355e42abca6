// SPDX-License-Identifier: Apache-2.0
#include "credentials/sso.h"

#include "aws/endpoint.h"
#include "aws/form.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "credentials/ask.h"
#include "credentials/document.h"
#include "settings/secret_file.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIMEOUT_US = 10000000,
    ATTEMPTS = 3,
    SHA1_SIZE = 20,
    PATH_SIZE = 1024,
    NAME_SIZE = 65,
    URL_MAX = 2048
};

struct sso {
    const struct settings *settings;
    struct asker *asker;
    char profile[NAME_SIZE]; // cut: for people
    provider_done_fn done;
    void *context;
};

// What the profile says.
struct access {
    const char *cache_key; // the session's name, or the start URL
    const char *region;
    const char *account_id;
    const char *role_name;
};

static void fail(struct sso *sso, const struct error *error) {
    provider_say(sso->done, sso->context, PROVIDER_FAILED, "profile %s: %s", sso->profile, error->text);
}

static const char *text_of(const char *value) {
    return value != NULL ? value : "";
}

static bool read_access(struct access *ret, const struct aws_config *config, const char *profile,
                        struct error *error) {
    const char *session = aws_config_get(config, AWS_SECTION_PROFILE, profile, "sso_session");
    enum aws_section section = session != NULL ? AWS_SECTION_SSO_SESSION : AWS_SECTION_PROFILE;
    const char *name = session != NULL ? session : profile;
    const char *url = text_of(aws_config_get(config, section, name, "sso_start_url"));
    *ret = (struct access){
        .cache_key = session != NULL ? session : url,
        .region = text_of(aws_config_get(config, section, name, "sso_region")),
        .account_id = text_of(aws_config_get(config, AWS_SECTION_PROFILE, profile, "sso_account_id")),
        .role_name = text_of(aws_config_get(config, AWS_SECTION_PROFILE, profile, "sso_role_name"))};
    if (url[0] == '\0' || ret->account_id[0] == '\0' || ret->role_name[0] == '\0') {
        return error_set(error, ERROR_CREDENTIALS,
                         "it needs sso_account_id and sso_role_name, and sso_start_url and sso_region there "
                         "or in the section that sso_session names");
    }
    return aws_region_valid(ret->region) ||
           error_set(error, ERROR_CREDENTIALS, "sso_region is \"%.40s\", which is no region", ret->region);
}

static bool cache_path(char ret[PATH_SIZE], const char *key, struct error *error) {
    unsigned char hash[SHA1_SIZE];
    const char *home = getenv("HOME");
    if (home == NULL || home[0] == '\0') {
        return error_set(error, ERROR_CREDENTIALS, "HOME is not set, so ~/.aws/sso/cache cannot be found");
    }
    if (EVP_Digest(key, strlen(key), hash, NULL, EVP_sha1(), NULL) != 1) {
        return error_set(error, ERROR_CREDENTIALS, "OpenSSL refuses SHA-1, which names the token's file");
    }
    int length = snprintf(ret, PATH_SIZE, "%s/.aws/sso/cache/", home);
    for (int index = 0; index < SHA1_SIZE && length > 0 && length < PATH_SIZE; index++) {
        length += snprintf(ret + length, (size_t)(PATH_SIZE - length), "%02x", hash[index]);
    }
    if (length > 0 && length < PATH_SIZE) {
        length += snprintf(ret + length, (size_t)(PATH_SIZE - length), ".json");
    }
    return (length > 0 && length < PATH_SIZE) ||
           error_set(error, ERROR_CREDENTIALS, "HOME is longer than %d characters", PATH_SIZE);
}

static bool check_token(const char *token, int64_t expires_at, const char *path, struct error *error) {
    char expiry[CLOCK_ISO8601_SIZE];
    clock_format_iso8601(expires_at, expiry);
    if (expires_at <= clock_unix_us()) {
        return error_set(error, ERROR_CREDENTIALS, "the token in %.300s has expired, %s: run aws sso login",
                         path, expires_at == 0 ? "as it seems" : expiry);
    }
    for (const char *byte = token; *byte != '\0'; byte++) {
        if (*byte <= ' ' || *byte > '~') {
            return error_set(error, ERROR_CREDENTIALS,
                             "the token in %.300s is not printable ASCII: run aws sso login", path);
        }
    }
    return true;
}

// The token; the caller frees it with memory_free_secret.
static char *read_token(const char *key, struct error *error) {
    char path[PATH_SIZE];
    int64_t expires_at = 0;
    if (!cache_path(path, key, error)) {
        return NULL;
    }
    char *text = secret_file_read(path, "the cached token", error);
    if (text == NULL) {
        error_set(error, ERROR_CREDENTIALS, "there is no token in %.300s: run aws sso login", path);
        return NULL;
    }
    char *token = document_token(slice_of_text(text), &expires_at, error);
    memory_free_secret(text);
    if (token == NULL) {
        error_prefix(error, "%.300s cannot be used, run aws sso login", path);
    } else if (!check_token(token, expires_at, path, error)) {
        memory_free_secret(token);
        token = NULL;
    }
    return token;
}

static void on_answer(void *context, const struct http_answer *answer) {
    struct sso *sso = context;
    struct credentials_found found = {0};
    struct error error = {0};
    char said[DOCUMENT_ERROR_SIZE];
    if (answer->status == 0) {
        error_set(&error, ERROR_CREDENTIALS, "IAM Identity Center gives no answer: %s", answer->failure);
    } else if (answer->status != 200) {
        document_error(answer->body, said);
        error_set(&error, ERROR_CREDENTIALS, "IAM Identity Center answers HTTP %d%s%s%s", answer->status,
                  said[0] != '\0' ? ": " : "", said, answer->status == 401 ? ": run aws sso login" : "");
    } else if (document_parse(&found, DOCUMENT_SSO, answer->body, &error)) {
        snprintf(found.source, sizeof found.source, "profile %s (IAM Identity Center)", sso->profile);
        sso->done(sso->context, PROVIDER_FOUND, &found, NULL);
    } else {
        error_prefix(&error, "what IAM Identity Center answers cannot be used");
    }
    if (error.code != ERROR_NONE) {
        fail(sso, &error);
    }
    memory_wipe(&found, sizeof found);
}

// The portal is no service of the SDKs' endpoint rules, but a configured endpoint counts for it.
static bool portal_url(struct buffer *url, const struct settings *settings, const struct aws_config *config,
                       const struct access *access, struct error *error) {
    struct aws_endpoint endpoint;
    bool ignored;
    if (!aws_config_boolean(&ignored, config, settings->aws_ignore_configured_endpoint_urls,
                            "ignore_configured_endpoint_urls", error)) {
        return false;
    }
    if (settings->aws_endpoint_url[0] != '\0' && !ignored) {
        if (!aws_endpoint_from_url(&endpoint, "AWS_ENDPOINT_URL", settings->aws_endpoint_url, error)) {
            return false;
        }
        size_t length = strlen(endpoint.url);
        buffer_append(url, endpoint.url, endpoint.url[length - 1] == '/' ? length - 1 : length);
    } else {
        buffer_append_format(url, "https://portal.sso.%s.amazonaws.com%s", access->region,
                             strncmp(access->region, "cn-", 3) == 0 ? ".cn" : "");
    }
    buffer_append_text(url, "/federation/credentials?role_name=");
    aws_form_encode(url, slice_of_text(access->role_name));
    buffer_append_text(url, "&account_id=");
    aws_form_encode(url, slice_of_text(access->account_id));
    return !url->overflow ||
           error_set(error, ERROR_CREDENTIALS, "sso_account_id or sso_role_name is too long");
}

static void ask(struct sso *sso, const char *url, const char *token) {
    static const char name[] = "x-amz-sso_bearer_token: ";
    size_t size = sizeof name + strlen(token);
    char *header = memory_allocate(size, 1);
    snprintf(header, size, "%s%s", name, token);
    const struct question question = {
        .method = HTTP_GET, .url = url, .headers = {header}, .timeout_us = TIMEOUT_US, .attempts = ATTEMPTS};
    asker_ask(sso->asker, &question, on_answer, sso);
    memory_free_secret(header);
}

void sso_fetch(struct sso *sso, const struct aws_config *config, const char *profile, provider_done_fn done,
               void *context) {
    struct access access;
    struct error error = {0};
    struct buffer url;
    char *token = NULL;
    sso->done = done;
    sso->context = context;
    snprintf(sso->profile, sizeof sso->profile, "%s", profile);
    buffer_init(&url, URL_MAX);
    if (read_access(&access, config, profile, &error) &&
        portal_url(&url, sso->settings, config, &access, &error) &&
        (token = read_token(access.cache_key, &error)) != NULL) {
        ask(sso, buffer_text(&url), token);
    } else {
        fail(sso, &error);
    }
    memory_free_secret(token);
    buffer_free(&url);
}

struct sso *sso_new(const struct provider_means *means) {
    struct sso *sso = memory_allocate(1, sizeof *sso);
    sso->settings = means->settings;
    sso->asker = asker_new(means->base, means->http);
    return sso;
}

void sso_free(struct sso *sso) {
    if (sso != NULL) {
        asker_free(sso->asker);
        free(sso);
    }
}
