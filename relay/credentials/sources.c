// SPDX-License-Identifier: Apache-2.0
#include "credentials/sources.h"

#include "base/memory.h"
#include "credentials/chain.h"
#include "credentials/providers.h"

#include <stdlib.h>

enum { ENVIRONMENT, WEB_IDENTITY, PROFILE, CONTAINER, METADATA, PROVIDERS };

enum { TIMEOUT_US = 10000000, CONNECTIONS = 2 };

struct sources {
    struct aws_config *config;
    struct provider_means means;
    struct provider providers[PROVIDERS];
    struct provider chain;
};

static void fetch(void *self, provider_done_fn done, void *context) {
    struct sources *sources = self;
    sources->chain.fetch(sources->chain.self, done, context);
}

static void free_provider(struct provider *provider) {
    if (provider->self != NULL) {
        provider->free(provider->self);
    }
}

// The client first: it drops what is under way without a word, so that nobody is called who is gone.
static void free_sources(void *self) {
    struct sources *sources = self;
    http_client_free(sources->means.http);
    aws_caller_free(sources->means.caller);
    aws_config_free(sources->config);
    free_provider(&sources->chain);
    for (int index = 0; index < PROVIDERS; index++) {
        free_provider(&sources->providers[index]);
    }
    free(sources);
}

static bool make_means(struct provider_means *means, struct error *error) {
    const struct http_options options = {
        .ca_bundle = aws_config_text(means->config, means->settings->aws_ca_bundle, "ca_bundle"),
        .timeout_us = TIMEOUT_US,
        .connections = CONNECTIONS};
    means->http = http_client_new(means->base, &options, error);
    if (means->http == NULL) {
        return false;
    }
    means->caller = aws_caller_new(means->base, means->settings, means->config, means->http, error);
    return means->caller != NULL;
}

static bool make_providers(struct provider providers[PROVIDERS], const struct provider_means *means,
                           struct error *error) {
    if (!environment_provider(&providers[ENVIRONMENT], means, error) ||
        !container_provider(&providers[CONTAINER], means, error) ||
        !metadata_provider(&providers[METADATA], means, error)) {
        return false;
    }
    const struct profile_sources sources = {providers[ENVIRONMENT], providers[CONTAINER],
                                            providers[METADATA]};
    providers[WEB_IDENTITY] = web_identity_provider(means);
    providers[PROFILE] = profile_provider(means, &sources);
    return true;
}

bool sources_provider(struct provider *ret, struct event_base *base, const struct settings *settings,
                      struct error *error) {
    struct sources *sources = memory_allocate(1, sizeof *sources);
    sources->config = aws_config_load(settings, error);
    sources->means = (struct provider_means){.base = base, .settings = settings, .config = sources->config};
    if (sources->config == NULL || !make_means(&sources->means, error) ||
        !make_providers(sources->providers, &sources->means, error)) {
        free_sources(sources);
        return false;
    }
    sources->chain = chain_provider(sources->providers, PROVIDERS);
    *ret = (struct provider){.name = "sources", .self = sources, .fetch = fetch, .free = free_sources};
    return true;
}
