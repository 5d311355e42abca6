// SPDX-License-Identifier: Apache-2.0
#include "aws/partition.h"

#include <stddef.h>
#include <string.h>

static const struct aws_partition aws = {"aws", "amazonaws.com", "api.aws"};

// The first prefix that fits counts: us-gov- stands before us-.
static const struct {
    const char *prefix;
    struct aws_partition partition;
} kinds[] = {
    {"cn-", {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"}},
    {"us-gov-", {"aws-us-gov", "amazonaws.com", "api.aws"}},
    {"us-iso-", {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov"}},
    {"us-isob-", {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"}},
    {"eu-isoe-", {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"}},
    {"us-isof-", {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"}},
    {"eusc-", {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"}},
};

static const char *const aws_prefixes[] = {"us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"};

static bool begins_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// NULL when the kind of region is not known.
static const struct aws_partition *find(const char *region) {
    for (size_t index = 0; index < sizeof kinds / sizeof kinds[0]; index++) {
        if (begins_with(region, kinds[index].prefix)) {
            return &kinds[index].partition;
        }
    }
    for (size_t index = 0; index < sizeof aws_prefixes / sizeof aws_prefixes[0]; index++) {
        if (begins_with(region, aws_prefixes[index])) {
            return &aws;
        }
    }
    return NULL;
}

const struct aws_partition *aws_partition_of_region(const char *region) {
    const struct aws_partition *partition = find(region);
    return partition == NULL ? &aws : partition;
}

bool aws_partition_fits(const char *name, const char *region) {
    const struct aws_partition *partition = find(region);
    return partition == NULL || strcmp(partition->name, name) == 0;
}
