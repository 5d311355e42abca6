// SPDX-License-Identifier: Apache-2.0
// The region to ask STS in: that of the settings, else of the profile in use, else of the topic's ARN or of
// the ARN's prefix, else the one this instance is in.
#pragma once

#include "aws/config.h"
#include "credentials/providers.h"

struct region;

struct region *region_new(const struct provider_means *means);
void region_free(struct region *region); // once nothing is under way on `means->http`; NULL is fine

// region_find finds it; one at a time. `done` is called exactly once, later or at once; `name` NULL: there is
// none, and `reason` says what to set.
typedef void (*region_done_fn)(void *context, const char *name, const char *reason);
void region_find(struct region *region, const struct aws_config *config, region_done_fn done, void *context);
