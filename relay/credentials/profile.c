// SPDX-License-Identifier: Apache-2.0
// Carries out the plan of a profile (plan.h): the first credentials, then one role after the other.
#include "aws/config.h"
#include "base/memory.h"
#include "credentials/document.h"
#include "credentials/plan.h"
#include "credentials/providers.h"
#include "credentials/region.h"
#include "credentials/sso.h"
#include "credentials/sts.h"
#include "credentials/web_identity.h"
#include "process/process.h"
#include "process/words.h"

#include <stdio.h>
#include <stdlib.h>

enum { PROCESS_TIMEOUT_US = 60000000 };

struct profile {
    struct provider_means means;
    struct profile_sources sources;
    struct web_identity *identity;
    struct sso *sso;
    struct region *where;
    struct sts *sts;
    struct process *process;
    struct aws_config *config; // while a fetch is under way
    struct plan plan;
    int roles_assumed;
    struct credentials_found found; // so far
    provider_done_fn done;
    void *context;
};

static const char *get(const struct profile *profile, const char *key) {
    const char *value = aws_config_get(profile->config, AWS_SECTION_PROFILE, profile->plan.profile, key);
    return value != NULL ? value : "";
}

static void end(struct profile *profile, enum provider_result result, const char *reason) {
    profile->done(profile->context, result, result == PROVIDER_FOUND ? &profile->found : NULL, reason);
    memory_wipe(&profile->found, sizeof profile->found);
    aws_config_free(profile->config);
    profile->config = NULL;
}

static void end_failed(struct profile *profile, const char *name, const struct error *error) {
    struct error whole = *error;
    error_prefix(&whole, "profile %.64s", name);
    end(profile, PROVIDER_FAILED, whole.text);
}

static void assume_next_role(struct profile *profile);

static void on_assumed(void *context, const struct credentials_found *found, enum sts_failure failure,
                       const char *reason) {
    struct profile *profile = context;
    const struct plan_role *role = &profile->plan.roles[profile->roles_assumed];
    struct error error;
    (void)failure;
    if (found == NULL) {
        error_set(&error, ERROR_CREDENTIALS, "%s", reason);
        end_failed(profile, role->profile, &error);
        return;
    }
    profile->found = *found;
    snprintf(profile->found.source, sizeof profile->found.source, "profile %.40s (%.200s)", role->profile,
             found->source);
    profile->roles_assumed++;
    assume_next_role(profile);
}

static void on_region(void *context, const char *region, const char *reason) {
    struct profile *profile = context;
    const struct plan_role *role = &profile->plan.roles[profile->roles_assumed];
    const struct settings *settings = profile->means.settings;
    struct error error;
    if (region == NULL) {
        error_set(&error, ERROR_CREDENTIALS, "%s", reason);
        end_failed(profile, role->profile, &error);
        return;
    }
    const struct sts_role assumed = {
        .arn = role->arn,
        .session_name = role->session_name[0] != '\0' ? role->session_name : settings->aws_role_session_name,
        .external_id = role->external_id,
        .duration_s = role->duration_s,
        .credentials = &profile->found.credentials};
    sts_assume(profile->sts, region, &assumed, on_assumed, profile);
}

// In the region of the profile in use, whoever's role it is: that is where we are.
static void assume_next_role(struct profile *profile) {
    if (profile->roles_assumed == profile->plan.role_count) {
        end(profile, PROVIDER_FOUND, NULL);
    } else {
        region_find(profile->where, profile->config, on_region, profile);
    }
}

// The first credentials, of another provider. That there are none is a failure, as they were named.
static void on_base(void *context, enum provider_result result, const struct credentials_found *found,
                    const char *reason) {
    struct profile *profile = context;
    struct error error;
    if (result == PROVIDER_FOUND) {
        profile->found = *found;
        assume_next_role(profile);
        return;
    }
    error_set(&error, ERROR_CREDENTIALS, "%s", reason);
    end_failed(profile, profile->plan.profile, &error);
}

static void use_keys(struct profile *profile) {
    static const struct aws_credential_names names = {"aws_access_key_id", "aws_secret_access_key",
                                                      "aws_session_token"};
    struct error error = {0};
    const char *id = get(profile, names.id);
    const char *secret = get(profile, names.secret);
    if (id[0] == '\0' || secret[0] == '\0') {
        error_set(&error, ERROR_CREDENTIALS, "%s is set but %s is not: set both or neither",
                  id[0] != '\0' ? names.id : names.secret, id[0] != '\0' ? names.secret : names.id);
    } else if (aws_credentials_set(&profile->found.credentials, &names, id, secret, get(profile, names.token),
                                   &error)) {
        snprintf(profile->found.source, sizeof profile->found.source, "profile %.64s (keys)",
                 profile->plan.profile);
        assume_next_role(profile);
        return;
    }
    end_failed(profile, profile->plan.profile, &error);
}

static void on_process(void *context, const struct process_end *ended) {
    struct profile *profile = context;
    struct error error = {0};
    if (ended->failure != NULL) {
        error_set(&error, ERROR_CREDENTIALS, "credential_process failed: %s%s%s", ended->failure,
                  ended->error_line[0] != '\0' ? "; it says: " : "", ended->error_line);
    } else if (document_parse(&profile->found, DOCUMENT_PROCESS, ended->output, &error)) {
        snprintf(profile->found.source, sizeof profile->found.source, "profile %.64s (credential_process)",
                 profile->plan.profile);
        assume_next_role(profile);
        return;
    } else {
        error_prefix(&error, "what credential_process writes cannot be used");
    }
    end_failed(profile, profile->plan.profile, &error);
}

static void run_process(struct profile *profile) {
    static const struct process_limits limits = {.timeout_us = PROCESS_TIMEOUT_US,
                                                 .output_limit = DOCUMENT_MAX};
    struct error error = {0};
    char **words = words_split(get(profile, "credential_process"), &error);
    const struct process_program program = {.words = words};
    process_free(profile->process);
    profile->process =
        words == NULL ? NULL
                      : process_start(profile->means.base, &program, &limits, on_process, profile, &error);
    free(words);
    if (profile->process == NULL) {
        error_prefix(&error, "credential_process");
        end_failed(profile, profile->plan.profile, &error);
    }
}

static void use_web_identity(struct profile *profile) {
    struct error error = {0};
    const struct web_identity_role role = {.arn = get(profile, "role_arn"),
                                           .token_file = get(profile, "web_identity_token_file"),
                                           .session_name = get(profile, "role_session_name"),
                                           .config = profile->config,
                                           .name = "web_identity_token_file"};
    if (role.arn[0] == '\0') {
        error_set(&error, ERROR_CREDENTIALS, "web_identity_token_file is set but role_arn is not");
        end_failed(profile, profile->plan.profile, &error);
        return;
    }
    web_identity_fetch(profile->identity, &role, on_base, profile);
}

static void ask_source(struct profile *profile, const struct provider *provider) {
    provider->fetch(provider->self, on_base, profile);
}

static void begin(struct profile *profile) {
    switch (profile->plan.base) {
    case PLAN_KEYS:
        use_keys(profile);
        break;
    case PLAN_PROCESS:
        run_process(profile);
        break;
    case PLAN_WEB_IDENTITY:
        use_web_identity(profile);
        break;
    case PLAN_SSO:
        sso_fetch(profile->sso, profile->config, profile->plan.profile, on_base, profile);
        break;
    case PLAN_ENVIRONMENT:
        ask_source(profile, &profile->sources.environment);
        break;
    case PLAN_CONTAINER:
        ask_source(profile, &profile->sources.container);
        break;
    case PLAN_METADATA:
        ask_source(profile, &profile->sources.metadata);
        break;
    }
}

static void fetch(void *self, provider_done_fn done, void *context) {
    struct profile *profile = self;
    const struct settings *settings = profile->means.settings;
    struct error error = {0};
    profile->done = done;
    profile->context = context;
    profile->roles_assumed = 0;
    profile->config = aws_config_load(settings, &error);
    enum provider_result result =
        profile->config != NULL ? plan_make(&profile->plan, profile->config, &error) : PROVIDER_FAILED;
    if (result == PROVIDER_FOUND) {
        begin(profile);
    } else {
        end(profile, result, error.text);
    }
}

static void free_profile(void *self) {
    struct profile *profile = self;
    process_free(profile->process);
    web_identity_free(profile->identity);
    sso_free(profile->sso);
    sts_free(profile->sts);
    region_free(profile->where);
    aws_config_free(profile->config);
    memory_wipe(&profile->found, sizeof profile->found);
    free(profile);
}

struct provider profile_provider(const struct provider_means *means, const struct profile_sources *sources) {
    struct profile *profile = memory_allocate(1, sizeof *profile);
    profile->means = *means;
    profile->sources = *sources;
    profile->identity = web_identity_new(means);
    profile->sso = sso_new(means);
    profile->sts = sts_new(means->caller);
    profile->where = region_new(means);
    return (struct provider){.name = "profile", .self = profile, .fetch = fetch, .free = free_profile};
}
