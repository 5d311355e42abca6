// SPDX-License-Identifier: Apache-2.0
// The environment does not change while we run, but a file that it names may: the settings are looked at
// again when they have been reloaded. Source:
// https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
#include "base/memory.h"
#include "credentials/credentials.h"
#include "credentials/expiry.h"
#include "credentials/providers.h"

#include <stdio.h>
#include <stdlib.h>

struct environment {
    const struct settings *settings;
    uint64_t generation; // of the settings that were read
    bool is_set;
    struct credentials_found found;
};

static bool read_expiration(struct credentials_found *found, const struct settings *settings,
                            struct error *error) {
    const char *text = settings->aws_credential_expiration;
    found->expires_at = 0;
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

static bool is_set_in(const struct settings *settings) {
    return settings->aws_access_key_id[0] != '\0' || settings->aws_secret_access_key[0] != '\0';
}

static bool read_settings(struct credentials_found *found, const struct settings *settings,
                          struct error *error) {
    return !is_set_in(settings) || (aws_credentials_from_settings(&found->credentials, settings, error) &&
                                    read_expiration(found, settings, error));
}

bool credentials_check_environment(const struct settings *settings, struct error *error) {
    struct credentials_found found = {0};
    bool good = read_settings(&found, settings, error);
    memory_wipe(&found, sizeof found);
    return good;
}

static void fetch(void *self, provider_done_fn done, void *context) {
    struct environment *environment = self;
    struct error error = {0};
    if (environment->is_set && environment->generation != environment->settings->generation &&
        !read_settings(&environment->found, environment->settings, &error)) {
        provider_say(done, context, PROVIDER_FAILED, "%s", error.text);
        return;
    }
    environment->generation = environment->settings->generation;
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

bool environment_provider(struct provider *ret, const struct provider_means *means, struct error *error) {
    struct environment *environment = memory_allocate(1, sizeof *environment);
    environment->settings = means->settings;
    environment->generation = means->settings->generation;
    environment->is_set = is_set_in(means->settings);
    snprintf(environment->found.source, sizeof environment->found.source, "environment (AWS_ACCESS_KEY_ID)");
    if (!read_settings(&environment->found, means->settings, error)) {
        free_environment(environment);
        return false;
    }
    *ret = (struct provider){
        .name = "environment", .self = environment, .fetch = fetch, .free = free_environment};
    return true;
}
