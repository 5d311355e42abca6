// SPDX-License-Identifier: Apache-2.0
// The credentials of this process, kept fresh: fetched through the chain of providers, again well before they
// expire (with jitter, one fetch at a time), and kept until they truly expire when that fails. Source of
// order and precedence: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
#pragma once

#include "aws/credentials.h"
#include "base/error.h"
#include "credentials/provider.h"
#include "settings/settings.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct credentials;

// `changed`: there are new ones, or the first attempt has failed; look again. Called from the loop, so not
// before credentials_new has returned.
struct credentials_listener {
    void *context;
    void (*changed)(void *context);
};

// credentials_new makes the chain and starts the first fetch. Static ones (environment, profile) are there
// when it returns; those of the environment are read again within a minute when a reload has changed them.
// Fails (ERROR_CREDENTIALS, ERROR_USAGE) when a setting is malformed.
struct credentials *credentials_new(struct event_base *base, const struct settings *settings,
                                    const struct credentials_listener *listener, struct error *error);

// credentials_check_environment: AWS_ACCESS_KEY_ID and what belongs to it are well-formed, or not set.
bool credentials_check_environment(const struct settings *settings, struct error *error);

// credentials_over is the same for one provider, which it takes over.
struct credentials *credentials_over(struct event_base *base, const struct provider *provider,
                                     const struct credentials_listener *listener);
void credentials_free(struct credentials *credentials); // wipes them; NULL is fine

// credentials_now returns what requests are to be signed with, or NULL when there is nothing that has not
// expired: credentials_problem then says why, and what was tried; "" while the first fetch is under way.
const struct aws_credentials *credentials_now(const struct credentials *credentials);
const char *credentials_problem(const struct credentials *credentials);

// credentials_absent: nothing is configured that could have any, so waiting is in vain.
bool credentials_absent(const struct credentials *credentials);

// credentials_refused: a service has refused them as expired or unknown. They are fetched anew, once for each
// set of them.
void credentials_refused(struct credentials *credentials);

// credentials_accepted: a service has taken those that are in use, so a refusal before was not for good.
void credentials_accepted(struct credentials *credentials);

// credentials_version changes whenever others take their place, so that a late refusal can be told from one
// of those that are in use.
uint64_t credentials_version(const struct credentials *credentials);

// For people: where they are from, and until when they live (Unix microseconds; 0: no end is known).
const char *credentials_source(const struct credentials *credentials);
int64_t credentials_expire_at(const struct credentials *credentials);
