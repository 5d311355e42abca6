// SPDX-License-Identifier: Apache-2.0
// The environment does not change while we run, so it is read once. Source:
// https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
#include "base/memory.h"
#include "credentials/expiry.h"
#include "credentials/providers.h"

#include <stdio.h>
#include <stdlib.h>

struct environment {
    bool is_set;
    struct credentials_found found;
};

static void fetch(void *self, provider_done_fn done, void *context) {
    const struct environment *environment = self;
    if (environment->is_set) {
        done(context, PROVIDER_FOUND, &environment->found, NULL);
    } else {
        provider_say(done, context, PROVIDER_ABSENT,
                     "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
    }
}

static void free_environment(void *self) {
    struct environment *environment = self;
    memory_wipe(environment, sizeof *environment);
    free(environment);
}

static bool read_expiration(struct credentials_found *found, const struct settings *settings,
                            struct error *error) {
    const char *text = settings->aws_credential_expiration;
    if (text[0] == '\0') {
        return true;
    }
    if (!expiry_parse(text, &found->expires_at) || found->expires_at <= 0) {
        return error_set(error, ERROR_CREDENTIALS,
                         "AWS_CREDENTIAL_EXPIRATION is \"%.64s\": it must be a time such as "
                         "2026-01-31T12:34:56Z",
                         text);
    }
    return true;
}

bool environment_provider(struct provider *ret, const struct provider_means *means, struct error *error) {
    const struct settings *settings = means->settings;
    struct environment *environment = memory_allocate(1, sizeof *environment);
    environment->is_set =
        settings->aws_access_key_id[0] != '\0' || settings->aws_secret_access_key[0] != '\0';
    snprintf(environment->found.source, sizeof environment->found.source, "environment (AWS_ACCESS_KEY_ID)");
    if (environment->is_set &&
        (!aws_credentials_from_settings(&environment->found.credentials, settings, error) ||
         !read_expiration(&environment->found, settings, error))) {
        free_environment(environment);
        return false;
    }
    *ret = (struct provider){
        .name = "environment", .self = environment, .fetch = fetch, .free = free_environment};
    return true;
}
