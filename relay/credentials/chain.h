// SPDX-License-Identifier: Apache-2.0
// The chain: a provider that asks others one after the other, until one has credentials or has failed.
#pragma once

#include "credentials/provider.h"

#include <stddef.h>

enum { CHAIN_MAX = 5 };

// chain_provider asks `count` (at most CHAIN_MAX) providers, which are the caller's. When all are absent, its
// reason has one part for each: "environment: AWS_ACCESS_KEY_ID is not set; profile: ...".
struct provider chain_provider(const struct provider *providers, size_t count);
