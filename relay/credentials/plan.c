// SPDX-License-Identifier: Apache-2.0
// Precedence within a profile is that of the AWS CLI: a role to assume, web identity, SSO, keys, process. But
// of a profile that is another's source its own keys go before its role.
#include "credentials/plan.h"

#include "settings/value.h"

#include <string.h>
#include <strings.h>

enum { DURATION_LEAST = 900, DURATION_MOST = 43200 };

struct planning {
    const struct aws_config *config;
    struct plan *plan;
    struct error *error;
};

// The value of a key; "" when it is not set.
static const char *get(const struct planning *planning, const char *profile, const char *key) {
    const char *value = aws_config_get(planning->config, AWS_SECTION_PROFILE, profile, key);
    return value != NULL ? value : "";
}

static bool has(const struct planning *planning, const char *profile, const char *key) {
    return get(planning, profile, key)[0] != '\0';
}

static bool has_keys(const struct planning *planning, const char *profile) {
    return has(planning, profile, "aws_access_key_id") || has(planning, profile, "aws_secret_access_key");
}

static bool has_role(const struct planning *planning, const char *profile) {
    return has(planning, profile, "role_arn") && !has(planning, profile, "web_identity_token_file");
}

static bool read_duration(const struct planning *planning, const char *profile, int64_t *ret) {
    const char *text = get(planning, profile, "duration_seconds");
    *ret = 0;
    if (text[0] == '\0' ||
        (value_parse_integer(text, ret) && *ret >= DURATION_LEAST && *ret <= DURATION_MOST)) {
        return true;
    }
    return error_set(planning->error, ERROR_CREDENTIALS,
                     "profile %.64s: duration_seconds is \"%.32s\"; it must be a whole number from %d to %d",
                     profile, text, DURATION_LEAST, DURATION_MOST);
}

// Roles are met from the last to the first.
static bool add_role(const struct planning *planning, const char *profile) {
    struct plan *plan = planning->plan;
    struct plan_role role = {.profile = profile,
                             .arn = get(planning, profile, "role_arn"),
                             .external_id = get(planning, profile, "external_id"),
                             .session_name = get(planning, profile, "role_session_name")};
    if (has(planning, profile, "mfa_serial")) {
        return error_set(planning->error, ERROR_CREDENTIALS,
                         "profile %.64s has mfa_serial, but nobody is here to type a code: use a role that "
                         "does not ask for one",
                         profile);
    }
    if (plan->role_count == PLAN_ROLES_MAX) {
        return error_set(planning->error, ERROR_CREDENTIALS,
                         "profile %.64s: more than %d roles lead to each other by source_profile", profile,
                         PLAN_ROLES_MAX);
    }
    if (!read_duration(planning, profile, &role.duration_s)) {
        return false;
    }
    memmove(plan->roles + 1, plan->roles, (size_t)plan->role_count * sizeof plan->roles[0]);
    plan->roles[0] = role;
    plan->role_count++;
    return true;
}

static bool set_source(const struct planning *planning, const char *profile, const char *source) {
    static const struct {
        const char *name;
        enum plan_base base;
    } sources[] = {{"Environment", PLAN_ENVIRONMENT},
                   {"EcsContainer", PLAN_CONTAINER},
                   {"Ec2InstanceMetadata", PLAN_METADATA}};
    for (size_t index = 0; index < sizeof sources / sizeof sources[0]; index++) {
        if (strcasecmp(source, sources[index].name) == 0) {
            planning->plan->base = sources[index].base;
            planning->plan->profile = profile;
            return true;
        }
    }
    return error_set(planning->error, ERROR_CREDENTIALS,
                     "profile %.64s: credential_source is \"%.64s\"; it must be Environment, EcsContainer or "
                     "Ec2InstanceMetadata",
                     profile, source);
}

// What there is of credentials in the profile itself.
static bool set_base(const struct planning *planning, const char *profile) {
    static const struct {
        const char *key;
        enum plan_base base;
    } bases[] = {{"web_identity_token_file", PLAN_WEB_IDENTITY},
                 {"sso_account_id", PLAN_SSO},
                 {"aws_access_key_id", PLAN_KEYS},
                 {"aws_secret_access_key", PLAN_KEYS},
                 {"credential_process", PLAN_PROCESS}};
    for (size_t index = 0; index < sizeof bases / sizeof bases[0]; index++) {
        if (has(planning, profile, bases[index].key)) {
            planning->plan->base = bases[index].base;
            planning->plan->profile = profile;
            return true;
        }
    }
    return false;
}

static bool was_visited(const struct plan *plan, const char *profile) {
    bool visited = false;
    for (int index = 0; !visited && index < plan->role_count; index++) {
        visited = strcmp(plan->roles[index].profile, profile) == 0;
    }
    return visited;
}

// The profile that source_profile names, or NULL. One may name itself: its role is assumed with its own keys.
static const char *find_source(const struct planning *planning, const char *profile) {
    const char *source = get(planning, profile, "source_profile");
    if (!aws_config_has(planning->config, AWS_SECTION_PROFILE, source)) {
        error_set(planning->error, ERROR_CREDENTIALS,
                  "profile %.64s: its source_profile %.64s is in neither file", profile, source);
        return NULL;
    }
    bool own_keys = strcmp(source, profile) == 0 && has_keys(planning, profile);
    if (was_visited(planning->plan, source) && !own_keys) {
        error_set(planning->error, ERROR_CREDENTIALS,
                  "profile %.64s: its source_profile %.64s leads back to itself", profile, source);
        return NULL;
    }
    return source;
}

// Follows the role of a profile to what it is assumed with; the next profile, or NULL when there is none.
static const char *follow(const struct planning *planning, const char *profile, bool *ret_good) {
    const char *source = get(planning, profile, "credential_source");
    bool by_profile = has(planning, profile, "source_profile");
    *ret_good = add_role(planning, profile);
    if (!*ret_good) {
        return NULL;
    }
    if (by_profile == (source[0] != '\0')) {
        *ret_good = error_set(planning->error, ERROR_CREDENTIALS,
                              "profile %.64s has role_arn and %s source_profile %s credential_source: it "
                              "needs one of the two",
                              profile, by_profile ? "both" : "neither", by_profile ? "and" : "nor");
        return NULL;
    }
    if (!by_profile) {
        *ret_good = set_source(planning, profile, source);
        return NULL;
    }
    const char *next = find_source(planning, profile);
    *ret_good = next != NULL;
    return next;
}

static enum provider_result plan_of(const struct planning *planning, const char *profile) {
    const char *next = profile;
    bool good = true;
    while (next != NULL && has_role(planning, next) &&
           (planning->plan->role_count == 0 || !has_keys(planning, next))) {
        next = follow(planning, next, &good);
    }
    if (!good || next == NULL) {
        return good ? PROVIDER_FOUND : PROVIDER_FAILED;
    }
    if (set_base(planning, next)) {
        return PROVIDER_FOUND;
    }
    error_set(planning->error, ERROR_CREDENTIALS,
              "profile %.64s has neither keys nor a role, SSO or a credential_process", next);
    return planning->plan->role_count == 0 ? PROVIDER_ABSENT : PROVIDER_FAILED;
}

enum provider_result plan_make(struct plan *ret, const struct aws_config *config, struct error *error) {
    const struct planning planning = {config, ret, error};
    const char *profile = aws_config_profile(config);
    *ret = (struct plan){.profile = profile};
    if (!aws_config_has(config, AWS_SECTION_PROFILE, profile)) {
        error_set(error, ERROR_CREDENTIALS, "no profile %.64s in %.300s", profile, aws_config_files(config));
        return PROVIDER_ABSENT;
    }
    return plan_of(&planning, profile);
}
