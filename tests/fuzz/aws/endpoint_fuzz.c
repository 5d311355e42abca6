// SPDX-License-Identifier: Apache-2.0
// Any text as AWS_ENDPOINT_URL: an accepted one is printable, and resolving its normal form changes nothing.
#include "aws/endpoint.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct settings settings_of(char *url) {
    static char empty[] = "";
    return (struct settings){.aws_endpoint_url = url,
                             .aws_endpoint_url_sns = empty,
                             .aws_endpoint_url_sqs = empty,
                             .aws_endpoint_url_sts = empty,
                             .aws_region = empty};
}

static bool resolve(char *url, struct aws_endpoint *endpoint) {
    const struct settings settings = settings_of(url);
    struct error error;

    return aws_endpoint_resolve(endpoint, &settings, NULL, "sns", "eu-west-1", &error);
}

static void check(char *url) {
    struct aws_endpoint endpoint, again;

    if (url[0] == '\0' || !resolve(url, &endpoint)) {
        return;
    }
    for (const char *byte = endpoint.url; *byte != '\0'; byte++) {
        if (*byte <= ' ' || *byte > '~') {
            abort();
        }
    }
    if (!resolve(endpoint.url, &again) || strcmp(endpoint.url, again.url) != 0 ||
        strcmp(endpoint.host, again.host) != 0 || strcmp(endpoint.path, again.path) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char empty[] = "";
    char *text = strndup((const char *)data, size);
    const struct settings settings = settings_of(empty);
    char region[AWS_REGION_SIZE];
    struct error error;

    check(text);
    if (aws_region_resolve(region, &settings, NULL, text, &error) && !aws_region_valid(region)) {
        abort();
    }
    free(text);
    return 0;
}
