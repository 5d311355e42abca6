// SPDX-License-Identifier: Apache-2.0
// Where the services of AWS are found.
#include "aws/endpoint.h"
#include "check/state.h"
#include "http/host.h"

#include <stdio.h>

static bool is_loopback(const struct aws_endpoint *endpoint) {
    char host[AWS_ENDPOINT_HOST_SIZE];
    snprintf(host, sizeof host, "%s", endpoint->host);
    char *end = host[0] == '[' ? strchr(host, ']') : host + strcspn(host, ":");
    if (end != NULL) {
        end[host[0] == '[' ? 1 : 0] = '\0';
    }
    return host_is_loopback(host);
}

static void describe(struct check *check, const char *service, const char *region) {
    struct aws_endpoint endpoint;
    struct error error = {0};
    if (!aws_endpoint_resolve(&endpoint, check->settings, check->config, service, region, &error)) {
        finding_add(check->endpoints, FINDING_ERROR, "endpoint", "%s in %s: %s", service, region, error.text);
        return;
    }
    finding_add(check->endpoints, FINDING_OK, "endpoint", "%s in %s at %s", service, region, endpoint.url);
    if (strncmp(endpoint.url, "http://", strlen("http://")) == 0 && !is_loopback(&endpoint)) {
        finding_remedy(
            finding_add(check->endpoints, FINDING_WARNING, "endpoint.plain",
                        "%s is spoken to without TLS: events, and session tokens, can be read on the "
                        "way",
                        service),
            "write https:// in AWS_ENDPOINT_URL or whatever setting names %s", endpoint.url);
    }
}

static bool is_first_of_region(const struct check *check, const struct target *target) {
    const struct target *other = check->targets;
    while (other != target && strcmp(other->parts.region, target->parts.region) != 0) {
        other = other->next;
    }
    return other == target;
}

void endpoints_check(struct check *check) {
    for (const struct target *target = check->targets; target != NULL; target = target->next) {
        if (is_first_of_region(check, target)) {
            describe(check, "sns", target->parts.region);
            describe(check, "sqs", target->parts.region);
        }
    }
}

void endpoints_check_sts(struct check *check, const char *region) {
    describe(check, "sts", region);
}
