// SPDX-License-Identifier: Apache-2.0
// The rules by which the AWS SDKs find an endpoint and a region. Configured URLs are read in endpoint_url.c.
#include "aws/endpoint.h"

#include "aws/partition.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 192 };

// A URL that is configured, and where, as an error names it.
struct configured {
    const char *url; // NULL: none is
    char name[NAME_SIZE];
};

struct kinds {
    bool fips;
    bool dual_stack;
};

// The setting that is for one service alone.
static const char *url_of_service(const struct settings *settings, const char *service,
                                  const char **variable) {
    const struct {
        const char *service, *variable, *url;
    } services[] = {
        {"sns", "AWS_ENDPOINT_URL_SNS", settings->aws_endpoint_url_sns},
        {"sqs", "AWS_ENDPOINT_URL_SQS", settings->aws_endpoint_url_sqs},
        {"sts", "AWS_ENDPOINT_URL_STS", settings->aws_endpoint_url_sts},
    };

    for (size_t index = 0; index < sizeof services / sizeof services[0]; index++) {
        if (strcmp(service, services[index].service) == 0) {
            *variable = services[index].variable;
            return services[index].url;
        }
    }
    return "";
}

static bool find_in_settings(struct configured *ret, const struct settings *settings, const char *service) {
    const char *variable = "";
    const char *url = url_of_service(settings, service, &variable);

    if (*url == '\0') {
        variable = "AWS_ENDPOINT_URL";
        url = settings->aws_endpoint_url;
    }
    ret->url = *url == '\0' ? NULL : url;
    (void)snprintf(ret->name, sizeof ret->name, "%s", variable);
    return ret->url != NULL;
}

// The profile names a section with the endpoints of services: services = NAME.
static bool find_in_services(struct configured *ret, const struct aws_config *config, const char *service,
                             struct error *error) {
    const char *section = aws_config_text(config, "", "services");
    char key[64];

    if (*section == '\0') {
        return true;
    }
    if (!aws_config_has(config, AWS_SECTION_SERVICES, section)) {
        return error_set(
            error, ERROR_USAGE,
            "the AWS profile \"%.100s\" says services = %.100s, but there is no [services %.100s] "
            "in %s: add it",
            aws_config_profile(config), section, section, aws_config_files(config));
    }
    (void)snprintf(key, sizeof key, "%s.endpoint_url", service);
    ret->url = aws_config_get(config, AWS_SECTION_SERVICES, section, key);
    (void)snprintf(ret->name, sizeof ret->name, "endpoint_url of %s in the AWS section [services %.100s]",
                   service, section);
    return true;
}

static bool find_in_config(struct configured *ret, const struct aws_config *config, const char *service,
                           struct error *error) {
    if (!find_in_services(ret, config, service, error)) {
        return false;
    }
    if (ret->url == NULL) {
        const char *url = aws_config_text(config, "", "endpoint_url");
        ret->url = *url == '\0' ? NULL : url;
        (void)snprintf(ret->name, sizeof ret->name, "endpoint_url of the AWS profile \"%.100s\"",
                       aws_config_profile(config));
    }
    return true;
}

static bool find_configured(struct configured *ret, const struct settings *settings,
                            const struct aws_config *config, const char *service, struct error *error) {
    bool ignored;

    ret->url = NULL;
    return aws_config_boolean(&ignored, config, settings->aws_ignore_configured_endpoint_urls,
                              "ignore_configured_endpoint_urls", error) &&
           (ignored || find_in_settings(ret, settings, service) ||
            find_in_config(ret, config, service, error));
}

static bool find_kinds(struct kinds *ret, const struct settings *settings, const struct aws_config *config,
                       struct error *error) {
    return aws_config_boolean(&ret->fips, config, settings->aws_use_fips_endpoint, "use_fips_endpoint",
                              error) &&
           aws_config_boolean(&ret->dual_stack, config, settings->aws_use_dualstack_endpoint,
                              "use_dualstack_endpoint", error);
}

// The SDKs refuse this as well: nobody knows whether that address is of the kind.
static bool check_kinds(const struct kinds *kinds, const char *name, struct error *error) {
    if (!kinds->fips && !kinds->dual_stack) {
        return true;
    }
    return error_set(error, ERROR_USAGE,
                     "%s cannot be used together with AWS_USE_%s_ENDPOINT (in a profile, use_%s_endpoint): "
                     "unset one of them",
                     name, kinds->fips ? "FIPS" : "DUALSTACK", kinds->fips ? "fips" : "dualstack");
}

// GovCloud's plain endpoints are FIPS endpoints.
static void from_region(struct aws_endpoint *ret, const struct kinds *kinds, const char *service,
                        const char *region) {
    const struct aws_partition *partition = aws_partition_of_region(region);
    bool plain = !kinds->fips || (!kinds->dual_stack && strcmp(partition->name, "aws-us-gov") == 0);

    (void)snprintf(ret->host, sizeof ret->host, "%s%s.%s.%s", service, plain ? "" : "-fips", region,
                   kinds->dual_stack ? partition->dual_stack_suffix : partition->suffix);
    (void)snprintf(ret->path, sizeof ret->path, "/");
    (void)snprintf(ret->url, sizeof ret->url, "https://%s/", ret->host);
}

static bool check_region(const char *source, const char *region, struct error *error) {
    if (aws_region_valid(region)) {
        return true;
    }
    return error_set(error, ERROR_USAGE,
                     "%s is \"%.100s\": a region is 1 to 32 of a-z, 0-9 and hyphen, as in eu-west-1", source,
                     region);
}

bool aws_endpoint_resolve(struct aws_endpoint *ret, const struct settings *settings,
                          const struct aws_config *config, const char *service, const char *region,
                          struct error *error) {
    struct configured configured;
    struct kinds kinds;

    if (!find_configured(&configured, settings, config, service, error) ||
        !find_kinds(&kinds, settings, config, error)) {
        return false;
    }
    if (configured.url != NULL) {
        return check_kinds(&kinds, configured.name, error) &&
               aws_endpoint_from_url(ret, configured.name, configured.url, error);
    }
    if (!check_region("the AWS region", region, error)) {
        return false;
    }
    from_region(ret, &kinds, service, region);
    return true;
}

// The region is the fourth part of an ARN.
static bool region_of_arn(char ret[AWS_REGION_SIZE], const char *arn, struct error *error) {
    char region[AWS_REGION_SIZE];
    const char *start = arn;

    for (int colons = 0; colons < 3 && start != NULL; colons++) {
        start = strchr(start, ':');
        start = start == NULL ? NULL : start + 1;
    }
    size_t length = start == NULL ? 0 : strcspn(start, ":");
    if (length < sizeof region) {
        snprintf(region, sizeof region, "%.*s", (int)length, length == 0 ? "" : start);
        if (aws_region_valid(region)) {
            memcpy(ret, region, length + 1);
            return true;
        }
    }
    return error_set(
        error, ERROR_USAGE,
        "\"%.400s\" names no AWS region: its fourth part must be 1 to 32 of a-z, 0-9 and hyphen, as in "
        "arn:aws:sns:eu-west-1:123456789012:orders",
        arn);
}

bool aws_region_resolve(char ret[AWS_REGION_SIZE], const struct settings *settings,
                        const struct aws_config *config, const char *arn, struct error *error) {
    const char *region = aws_config_text(config, settings->aws_region, "region");
    char source[NAME_SIZE] = "AWS_REGION";

    if (settings->aws_region[0] == '\0') {
        (void)snprintf(source, sizeof source, "region of the AWS profile \"%.100s\"",
                       aws_config_profile(config));
    }
    if (*region != '\0') {
        if (!check_region(source, region, error)) {
            return false;
        }
        memcpy(ret, region, strlen(region) + 1);
        return true;
    }
    if (arn != NULL && arn[0] != '\0') {
        return region_of_arn(ret, arn, error);
    }
    return error_set(
        error, ERROR_CREDENTIALS,
        "no AWS region: set AWS_REGION, for example AWS_REGION=eu-west-1, or region in the AWS profile");
}
