// SPDX-License-Identifier: Apache-2.0
// Source: https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html
#include "credentials/web_identity.h"

#include "aws/arn.h"
#include "base/backoff.h"
#include "base/memory.h"
#include "credentials/region.h"
#include "credentials/sts.h"
#include "settings/secret_file.h"

#include <stdio.h>
#include <stdlib.h>

enum { ATTEMPTS = 3, PAUSE_BASE_US = 200000, PAUSE_MAX_US = 2000000 };

struct web_identity {
    const struct settings *settings;
    const struct aws_config *config;
    struct region *where;
    struct sts *sts;
    struct event *timer; // before the next attempt
    char *arn, *token_file, *session_name;
    const char *name;
    char region[AWS_REGION_SIZE];
    int attempts;
    provider_done_fn done;
    void *context;
};

static void on_done(void *context, const struct credentials_found *found, enum sts_failure failure,
                    const char *reason) {
    struct web_identity *identity = context;
    if (found != NULL) {
        struct credentials_found named = *found;
        snprintf(named.source, sizeof named.source, "web identity (%.200s)", found->source);
        identity->done(identity->context, PROVIDER_FOUND, &named, NULL);
        memory_wipe(&named, sizeof named);
    } else if (failure == STS_TOKEN_REFUSED && identity->attempts < ATTEMPTS) {
        int64_t pause = backoff_us(identity->attempts, PAUSE_BASE_US, PAUSE_MAX_US);
        const struct timeval wait = {.tv_sec = pause / 1000000, .tv_usec = pause % 1000000};
        evtimer_add(identity->timer, &wait);
    } else {
        identity->done(identity->context, PROVIDER_FAILED, NULL, reason);
    }
}

static void try(struct web_identity *identity) {
    struct error error = {0};
    char *token = secret_file_read(identity->token_file, identity->name, &error);
    identity->attempts++;
    if (token == NULL) {
        identity->done(identity->context, PROVIDER_FAILED, NULL, error.text);
        return;
    }
    const struct sts_role role = {.arn = identity->arn,
                                  .session_name = identity->session_name,
                                  .external_id = "",
                                  .web_identity_token = token};
    sts_assume(identity->sts, identity->region, &role, on_done, identity);
    memory_free_secret(token);
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    (void)socket;
    (void)kinds;
    try(context);
}

static void forget(struct web_identity *identity) {
    free(identity->arn);
    free(identity->token_file);
    free(identity->session_name);
}

struct web_identity *web_identity_new(const struct provider_means *means) {
    struct web_identity *identity = memory_allocate(1, sizeof *identity);
    identity->settings = means->settings;
    identity->config = means->config;
    identity->sts = sts_new(means->caller);
    identity->where = region_new(means);
    identity->timer = evtimer_new(means->base, on_timer, identity);
    return identity;
}

void web_identity_free(struct web_identity *identity) {
    sts_free(identity->sts);
    region_free(identity->where);
    event_free(identity->timer);
    forget(identity);
    free(identity);
}

static void on_region(void *context, const char *name, const char *reason) {
    struct web_identity *identity = context;
    if (name == NULL) {
        identity->done(identity->context, PROVIDER_FAILED, NULL, reason);
        return;
    }
    snprintf(identity->region, sizeof identity->region, "%s", name);
    try(identity);
}

void web_identity_fetch(struct web_identity *identity, const struct web_identity_role *role,
                        provider_done_fn done, void *context) {
    forget(identity);
    identity->arn = memory_copy_text(role->arn);
    identity->token_file = memory_copy_text(role->token_file);
    identity->session_name = memory_copy_text(role->session_name);
    identity->name = role->name;
    identity->attempts = 0;
    identity->done = done;
    identity->context = context;
    region_find(identity->where, role->config, on_region, identity);
}

static void fetch(void *self, provider_done_fn done, void *context) {
    struct web_identity *identity = self;
    const struct settings *settings = identity->settings;
    const struct web_identity_role role = {.arn = settings->aws_role_arn,
                                           .token_file = settings->aws_web_identity_token_file,
                                           .session_name = settings->aws_role_session_name,
                                           .config = identity->config,
                                           .name = "AWS_WEB_IDENTITY_TOKEN_FILE"};
    if (role.token_file[0] == '\0') {
        provider_say(done, context, PROVIDER_ABSENT, "%s is not set", role.name);
    } else if (role.arn[0] == '\0') {
        provider_say(done, context, PROVIDER_FAILED, "%s is set but AWS_ROLE_ARN is not: set both or neither",
                     role.name);
    } else {
        web_identity_fetch(identity, &role, done, context);
    }
}

static void free_provider(void *self) {
    web_identity_free(self);
}

struct provider web_identity_provider(const struct provider_means *means) {
    return (struct provider){
        .name = "web identity", .self = web_identity_new(means), .fetch = fetch, .free = free_provider};
}
