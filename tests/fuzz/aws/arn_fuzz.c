// SPDX-License-Identifier: Apache-2.0
// Any text as a topic's ARN: a parsed one, put together again, is the text it came from.
#include "aws/arn.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_parsed(const char *text) {
    struct aws_topic_arn arn;
    struct error error;
    char again[AWS_TOPIC_ARN_SIZE];

    if (!aws_topic_arn_parse(&arn, text, &error)) {
        return;
    }
    snprintf(again, sizeof again, "arn:%s:sns:%s:%s:%s", arn.partition, arn.region, arn.account, arn.name);
    if (strcmp(text, again) != 0 || !aws_region_valid(arn.region)) {
        abort();
    }
}

static void check_made(const char *type) {
    struct error error;
    char arn[64];

    if (aws_topic_arn_from_prefix("arn:aws:sns:eu-west-1:123456789012", type, arn, sizeof arn, &error) &&
        strchr(arn, '.') != NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);

    check_parsed(text);
    check_made(text);
    free(text);
    return 0;
}
