// SPDX-License-Identifier: Apache-2.0
// Where an AWS service is found: a configured endpoint (an emulator, a VPC endpoint) or the service's own
// address in a region, in the three forms a signed request needs: the URL to connect to, the Host header and
// the path.
#pragma once

#include "aws/arn.h"
#include "aws/config.h"
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

// aws_endpoint_resolve finds the endpoint of a service ("sns", "sqs", "sts") by the rules of the AWS SDKs.
// The first URL that is configured counts: the variable of the service (AWS_ENDPOINT_URL_SNS),
// AWS_ENDPOINT_URL, the section that the profile's `services` names, the profile's endpoint_url; none of them
// with AWS_IGNORE_CONFIGURED_ENDPOINT_URLS. Else it is the service's own address in the region:
// https://SERVICE.REGION.SUFFIX, the suffix that of the region's partition, for FIPS (AWS_USE_FIPS_ENDPOINT)
// and dual stack (AWS_USE_DUALSTACK_ENDPOINT) in their own forms; neither goes with a configured URL.
// `config` may be NULL. Fails (ERROR_USAGE) naming the setting, the value (unless it may hold a password) and
// the rule; `ret` is then left as it was. Sources:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
bool aws_endpoint_resolve(struct aws_endpoint *ret, const struct settings *settings,
                          const struct aws_config *config, const char *service, const char *region,
                          struct error *error);

// aws_endpoint_from_url reads a configured URL, which `name` names in errors. It must be http or https,
// without credentials, query or fragment, its path only of A-Z a-z 0-9 - _ . ~ and /, with no empty, "." or
// ".." segments. Fails like the above.
bool aws_endpoint_from_url(struct aws_endpoint *ret, const char *name, const char *url, struct error *error);

// aws_region_resolve gives the region to sign for: that of the settings, else of the profile, else of `arn`
// (a topic's ARN or a prefix of one; NULL or "" when there is none), else it fails (ERROR_CREDENTIALS) and
// says to set AWS_REGION. What goes to a topic goes to the region of its ARN, whatever this says.
bool aws_region_resolve(char ret[AWS_REGION_SIZE], const struct settings *settings,
                        const struct aws_config *config, const char *arn, struct error *error);
