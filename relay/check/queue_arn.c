// SPDX-License-Identifier: Apache-2.0
// A queue's ARN differs from a topic's in the service and in the length of the name; so it is read as one.
#include "check/queue_arn.h"

#include <stdio.h>
#include <string.h>

bool queue_arn_parse(struct queue_arn *ret, const char *text) {
    char as_topic[QUEUE_ARN_SIZE];
    struct aws_topic_arn parts;
    const char *service = strstr(text, ":sqs:");
    if (service == NULL || strlen(text) >= sizeof as_topic) {
        return false;
    }
    snprintf(as_topic, sizeof as_topic, "%.*s:sns:%s", (int)(service - text), text,
             service + strlen(":sqs:"));
    if (!aws_topic_arn_parse(&parts, as_topic, NULL) || strlen(parts.name) >= sizeof ret->name) {
        return false;
    }
    memcpy(ret->text, text, strlen(text) + 1);
    memcpy(ret->partition, parts.partition, sizeof ret->partition);
    memcpy(ret->region, parts.region, sizeof ret->region);
    memcpy(ret->account, parts.account, sizeof ret->account);
    memcpy(ret->name, parts.name, strlen(parts.name) + 1);
    ret->is_fifo = parts.is_fifo;
    return true;
}
