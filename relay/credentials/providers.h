// SPDX-License-Identifier: Apache-2.0
// The providers. Each takes what it needs of `means`, which must outlive it; but what is under way on
// `means->http` and `means->caller` has to be dropped (by freeing those) before a provider is. Those that can
// fail do so (ERROR_CREDENTIALS, ERROR_USAGE) for a setting that is malformed, as waiting would not mend it.
#pragma once

#include "aws/call.h"
#include "credentials/provider.h"
#include "http/client.h"
#include "settings/settings.h"

#include <event2/event.h>

struct provider_means {
    struct event_base *base;
    const struct settings *settings;
    const struct aws_config *config; // as it was at the start; may be NULL
    struct http_client *http;
    struct aws_caller *caller;
};

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION.
bool environment_provider(struct provider *ret, const struct provider_means *means, struct error *error);

// AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN: the token is exchanged by STS, and read again for each fetch.
struct provider web_identity_provider(const struct provider_means *means);

// The profile in use, of the shared files, which are read again for each fetch. `sources` is what its
// credential_source may name.
struct profile_sources {
    struct provider environment, container, metadata; // the caller's
};
struct provider profile_provider(const struct provider_means *means, const struct profile_sources *sources);

// The credentials endpoint of a container: ECS (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI), EKS Pod Identity and
// others (AWS_CONTAINER_CREDENTIALS_FULL_URI).
bool container_provider(struct provider *ret, const struct provider_means *means, struct error *error);

// The role of the EC2 instance, by its metadata service (IMDSv2 only).
bool metadata_provider(struct provider *ret, const struct provider_means *means, struct error *error);

// provider_say ends a fetch with PROVIDER_ABSENT or PROVIDER_FAILED and a formatted reason.
void provider_say(provider_done_fn done, void *context, enum provider_result result, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
