// SPDX-License-Identifier: Apache-2.0
// The URL of an SQS queue, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, taken apart. AWS does not want its
// parts to be relied on, but the region that requests are signed for is told nowhere else. Source:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
#pragma once

#include "aws/arn.h"
#include "aws/endpoint.h"

#include <stdbool.h>

enum {
    QUEUE_NAME_SIZE_MAX = 81,
    QUEUE_URL_SIZE = AWS_ENDPOINT_URL_SIZE,
};

struct queue_url {
    char text[QUEUE_URL_SIZE]; // as SQS is to be given it
    char host[AWS_ENDPOINT_HOST_SIZE];
    char account[AWS_ACCOUNT_SIZE];
    char name[QUEUE_NAME_SIZE_MAX];
    char region[AWS_REGION_SIZE]; // of the host; "" where that does not tell
    bool is_public;               // the host is SQS's public endpoint
    bool is_fifo;
};

// queue_url_parse takes a URL apart. The rules: http or https, a host, and a path of an account of 12 digits
// and a name of 1 to 80 of A-Z, a-z, 0-9, _ and -, with .fifo at its end for a FIFO queue (counted in the
// 80). Else ERROR_USAGE with the value and the rule it breaks; `ret` is then not to be used.
bool queue_url_parse(struct queue_url *ret, const char *text, struct error *error);

// queue_url_region reads the region from the name of a host of SQS: sqs.REGION.amazonaws.com, with -fips
// behind sqs, with the suffixes of other partitions and of dual stack; the older REGION.queue.amazonaws.com
// and queue.amazonaws.com (us-east-1); and VPC endpoints, ID.sqs.REGION.vpce.amazonaws.com. Returns false for
// any other. `is_public` tells whether it is no VPC endpoint. Source:
// https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
bool queue_url_region(char ret[AWS_REGION_SIZE], bool *is_public, const char *host);
