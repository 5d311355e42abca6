// SPDX-License-Identifier: Apache-2.0
// What else the metadata service of an EC2 instance can tell. Source:
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
#pragma once

#include "credentials/providers.h"

struct metadata;

// metadata_new fails (ERROR_USAGE) for a malformed address of the service. metadata_free: once nothing is
// under way on `means->http`; NULL is fine.
struct metadata *metadata_new(const struct provider_means *means, struct error *error);
void metadata_free(struct metadata *metadata);

// metadata_region asks where the instance is; nothing else may be under way. `done` is called once, later or
// at once; `region` NULL: `reason` says why it is not known.
typedef void (*metadata_region_fn)(void *context, const char *region, const char *reason);
void metadata_region(struct metadata *metadata, metadata_region_fn done, void *context);
