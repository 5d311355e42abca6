// SPDX-License-Identifier: Apache-2.0
#include "credentials/region.h"

#include "aws/endpoint.h"
#include "base/memory.h"
#include "credentials/metadata.h"

#include <stdlib.h>

struct region {
    const struct settings *settings;
    struct metadata *metadata; // NULL when its address is malformed, which others say
    struct error error;        // what to set
    region_done_fn done;
    void *context;
};

struct region *region_new(const struct provider_means *means) {
    struct region *region = memory_allocate(1, sizeof *region);
    region->settings = means->settings;
    region->metadata = metadata_new(means, &region->error);
    return region;
}

void region_free(struct region *region) {
    if (region != NULL) {
        metadata_free(region->metadata);
        free(region);
    }
}

static void on_region(void *context, const char *name, const char *reason) {
    struct region *region = context;
    (void)reason; // most machines are no instance
    region->done(region->context, name, name == NULL ? region->error.text : NULL);
}

void region_find(struct region *region, const struct aws_config *config, region_done_fn done, void *context) {
    const struct settings *settings = region->settings;
    const char *arn = settings->topic_arn[0] != '\0' ? settings->topic_arn : settings->topic_arn_prefix;
    char name[AWS_REGION_SIZE];
    region->done = done;
    region->context = context;
    if (aws_region_resolve(name, settings, config, arn, &region->error)) {
        done(context, name, NULL);
    } else if (region->error.code == ERROR_CREDENTIALS && region->metadata != NULL) {
        metadata_region(region->metadata, on_region, region);
    } else {
        done(context, NULL, region->error.text);
    }
}
