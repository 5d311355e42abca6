// SPDX-License-Identifier: Apache-2.0
// The name of an SNS topic, arn:partition:sns:region:account:name, taken apart, and made from a prefix and an
// event type. Also the syntax of a region's name, which endpoints need too. Nothing here asks AWS whether a
// topic exists.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    AWS_PARTITION_SIZE = 33,
    AWS_REGION_SIZE = 33, // 32 characters and the zero byte
    AWS_ACCOUNT_SIZE = 13,
    AWS_TOPIC_NAME_SIZE = 257,
    AWS_TOPIC_ARN_SIZE = 352, // the longest ARN the rules below allow, and the zero byte
};

struct aws_topic_arn {
    char partition[AWS_PARTITION_SIZE]; // aws, aws-cn, aws-us-gov
    char region[AWS_REGION_SIZE];
    char account[AWS_ACCOUNT_SIZE];
    char name[AWS_TOPIC_NAME_SIZE]; // with the suffix .fifo, where there is one
    bool is_fifo;
};

// aws_region_valid: 1 to 32 of a-z, 0-9 and hyphen. Stricter than a host name, since the region becomes part
// of one.
bool aws_region_valid(const char *region);

// aws_topic_arn_parse takes an ARN apart. The rules: partition "aws" or "aws-...", the region's own (see
// partition.h), service "sns", a valid region, an account of 12 digits, a name of 1 to 256 of A-Z, a-z, 0-9,
// _ and -, with .fifo at its end for a FIFO topic (counted in the 256). Else ERROR_USAGE with the value and
// the rule it breaks; `ret` is then left as it was. Source:
// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
bool aws_topic_arn_parse(struct aws_topic_arn *ret, const char *text, struct error *error);

// aws_topic_arn_from_prefix writes prefix + ':' + the event type with its dots as hyphens, since a topic's
// name has no dots: arn:aws:sns:eu-west-1:123456789012 and order.created give ...:order-created. The result
// is checked with aws_topic_arn_parse. Fails (ERROR_USAGE) when it does not fit in `size` or is no topic ARN.
bool aws_topic_arn_from_prefix(const char *prefix, const char *event_type, char *arn, size_t size,
                               struct error *error);
