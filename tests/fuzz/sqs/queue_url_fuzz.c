// SPDX-License-Identifier: Apache-2.0
// Any text as a queue's URL: what is accepted has all its parts, and is accepted again as it was written.
#include "sqs/queue_url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);
    struct queue_url url, again;
    struct error error = {0};
    char region[AWS_REGION_SIZE] = "";
    bool is_public;

    if (queue_url_region(region, &is_public, text) != aws_region_valid(region)) {
        abort();
    }
    if (queue_url_parse(&url, text, &error)) {
        if (strlen(url.account) != AWS_ACCOUNT_SIZE - 1 || url.name[0] == '\0' ||
            (url.is_public && url.region[0] == '\0') || !queue_url_parse(&again, url.text, &error) ||
            strcmp(again.text, url.text) != 0 || strcmp(again.name, url.name) != 0) {
            abort();
        }
    } else if (error.code != ERROR_USAGE || error.text[0] == '\0') {
        abort();
    }
    free(text);
    return 0;
}
