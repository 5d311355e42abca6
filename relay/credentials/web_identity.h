// SPDX-License-Identifier: Apache-2.0
// Exchanging the token in a file for a role's credentials, for the environment's web identity and for a
// profile's. The token is read at each attempt, as it is renewed in place.
#pragma once

#include "credentials/providers.h"

struct web_identity;

struct web_identity_role {
    const char *arn;
    const char *token_file;
    const char *session_name;        // "": one is made up
    const struct aws_config *config; // for the region
    const char *name;                // of the setting that names the file, for errors
};

struct web_identity *web_identity_new(const struct provider_means *means);
void web_identity_free(struct web_identity *identity); // as a provider

// web_identity_fetch is as `fetch` of a provider, but never PROVIDER_ABSENT. The role's texts are copied.
void web_identity_fetch(struct web_identity *identity, const struct web_identity_role *role,
                        provider_done_fn done, void *context);
