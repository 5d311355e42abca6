// SPDX-License-Identifier: Apache-2.0
// A role's credentials from IAM Identity Center, with the token that `aws sso login` has left in
// ~/.aws/sso/cache. The token is not renewed here. Sources:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
#pragma once

#include "aws/config.h"
#include "credentials/providers.h"

struct sso;

struct sso *sso_new(const struct provider_means *means);
void sso_free(struct sso *sso); // as a provider; NULL is fine

// sso_fetch is as `fetch` of a provider, for what `profile` says, but never PROVIDER_ABSENT. Nothing of the
// config is needed after it.
void sso_fetch(struct sso *sso, const struct aws_config *config, const char *profile, provider_done_fn done,
               void *context);
