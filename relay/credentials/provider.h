// SPDX-License-Identifier: Apache-2.0
// A place that AWS credentials can come from: the environment, a file, a process, a service beside us. Each
// provider is a file of this folder; chain.c asks them one after the other. A fetch never blocks the loop.
#pragma once

#include "aws/credentials.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { CREDENTIALS_SOURCE_SIZE = 256 };

// What a provider has found. `source` says where, for people, and never holds a secret: "the environment
// (AWS_ACCESS_KEY_ID)", "web identity arn:aws:iam::123456789012:role/relay".
struct credentials_found {
    struct aws_credentials credentials;
    int64_t expires_at; // Unix microseconds, perhaps of the past; 0: never, or not known
    char source[CREDENTIALS_SOURCE_SIZE];
};

enum provider_result {
    PROVIDER_FOUND,
    PROVIDER_ABSENT, // nothing here that could have credentials: the next one is asked
    PROVIDER_FAILED, // it is there, and gave none: nobody else is asked, lest we act as somebody else
};

// Called exactly once for each fetch, later or at once; `found` (only with PROVIDER_FOUND) and `reason`
// (else; one line, without secrets, that names what was tried and what to do) live until it returns.
typedef void (*provider_done_fn)(void *context, enum provider_result result,
                                 const struct credentials_found *found, const char *reason);

struct provider {
    const char *name; // "environment", "web identity", "profile", "container", "instance metadata"
    void *self;
    void (*fetch)(void *self, provider_done_fn done, void *context); // one at a time
    void (*free)(void *self);                                        // also while a fetch is under way
};
