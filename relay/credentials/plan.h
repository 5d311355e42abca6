// SPDX-License-Identifier: Apache-2.0
// What a profile of the shared files says of credentials, as a plan: where the first ones come from, and
// which roles are then assumed with them, one after the other. Nothing is done here. Sources:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
// https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html
#pragma once

#include "aws/config.h"
#include "base/error.h"
#include "credentials/provider.h"

#include <stdint.h>

enum { PLAN_ROLES_MAX = 8 };

enum plan_base {
    PLAN_KEYS,
    PLAN_PROCESS,
    PLAN_WEB_IDENTITY,
    PLAN_SSO,
    PLAN_ENVIRONMENT, // credential_source names it, as the next two
    PLAN_CONTAINER,
    PLAN_METADATA,
};

// Texts are the config's; "" for what is not set.
struct plan_role {
    const char *profile;
    const char *arn;
    const char *external_id;
    const char *session_name;
    int64_t duration_s; // 0: not set
};

struct plan {
    enum plan_base base;
    const char *profile;                    // that has the base
    struct plan_role roles[PLAN_ROLES_MAX]; // in the order in which they are assumed
    int role_count;
};

// plan_make plans for the profile in use. PROVIDER_ABSENT, with the reason as an error: there is nothing of
// credentials in it, or no profile. PROVIDER_FAILED: they are wrong, or one that is named is missing. The
// plan is good as long as the config.
enum provider_result plan_make(struct plan *ret, const struct aws_config *config, struct error *error);
