// SPDX-License-Identifier: Apache-2.0
// The name of an SQS queue, arn:partition:sqs:region:account:name, taken apart.
#pragma once

#include "aws/arn.h"

enum { QUEUE_NAME_SIZE = 81, QUEUE_ARN_SIZE = 192 };

struct queue_arn {
    char text[QUEUE_ARN_SIZE];
    char partition[AWS_PARTITION_SIZE];
    char region[AWS_REGION_SIZE];
    char account[AWS_ACCOUNT_SIZE];
    char name[QUEUE_NAME_SIZE];
    bool is_fifo;
};

// queue_arn_parse is true for an ARN that follows the rules: partition, region and account like a topic's, a
// name of 1 to 80 of A-Z, a-z, 0-9, _ and -, with .fifo at its end for a FIFO queue (counted in the 80).
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
bool queue_arn_parse(struct queue_arn *ret, const char *text);
