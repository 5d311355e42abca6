// SPDX-License-Identifier: Apache-2.0
// Where an AWS service is found: a configured endpoint (an emulator, a VPC endpoint) or the service's own
// address in a region, in the three forms a signed request needs: the URL to connect to, the Host header and
// the path.
#pragma once

#include "aws/arn.h"
#include "base/error.h"
#include "settings/settings.h"

#include <stdbool.h>

enum {
    AWS_ENDPOINT_HOST_SIZE = 264, // 253 of a name, colon, port, and the zero byte, with room to spare
    AWS_ENDPOINT_PATH_SIZE = 512,
    AWS_ENDPOINT_URL_SIZE = sizeof "https://" + AWS_ENDPOINT_HOST_SIZE + AWS_ENDPOINT_PATH_SIZE,
};

struct aws_endpoint {
    char url[AWS_ENDPOINT_URL_SIZE];   // scheme://host[:port]/path, in lower case up to the path
    char host[AWS_ENDPOINT_HOST_SIZE]; // the value of the Host header: no port where it is the scheme's own
    char
        path[AWS_ENDPOINT_PATH_SIZE]; // at least "/"; needs no percent-encoding, so it is canonical for SigV4
};

// aws_endpoint_resolve finds the endpoint of a service ("sns"): the variable of the service
// (AWS_ENDPOINT_URL_SNS), else AWS_ENDPOINT_URL, else https://SERVICE.REGION.amazonaws.com (with .cn behind
// it in China's regions). A configured URL must be http or https, without credentials, query or fragment, its
// path only of A-Z a-z 0-9 - _ . ~ and /, with no empty, "." or ".." segments. Fails (ERROR_USAGE) naming the
// variable, the value (unless it may hold a password) and the rule; `ret` is then left as it was. Sources:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
//          https://docs.aws.amazon.com/general/latest/gr/sns.html
bool aws_endpoint_resolve(struct aws_endpoint *ret, const struct settings *settings, const char *service,
                          const char *region, struct error *error);

// aws_region_resolve gives the region to sign for: that of the settings, else that of `arn` (a topic's ARN or
// a prefix of one; NULL or "" when there is none), else it fails (ERROR_CREDENTIALS) and says to set
// AWS_REGION.
bool aws_region_resolve(char ret[AWS_REGION_SIZE], const struct settings *settings, const char *arn,
                        struct error *error);
