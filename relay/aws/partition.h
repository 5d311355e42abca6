// SPDX-License-Identifier: Apache-2.0
// The partitions of AWS: worlds apart, each with regions, accounts and domain names of its own. Source: the
// partitions file that the AWS SDKs share.
#pragma once

#include <stdbool.h>

struct aws_partition {
    const char *name;              // as in an ARN: aws, aws-cn
    const char *suffix;            // of host names: amazonaws.com
    const char *dual_stack_suffix; // of those with IPv4 and IPv6 addresses: api.aws
};

// aws_partition_of_region returns the partition of a region, by the beginning of its name; for a region of no
// kind that is known, aws, as the SDKs do.
const struct aws_partition *aws_partition_of_region(const char *region);

// aws_partition_fits tells whether a region can be of the partition of that name. Where the kind of region is
// not known (a new one, an emulator's), it can.
bool aws_partition_fits(const char *name, const char *region);
