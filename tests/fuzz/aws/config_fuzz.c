// SPDX-License-Identifier: Apache-2.0
// Any bytes as both shared files: what is found is in a section that is there, and an endpoint that comes of
// it is an address.
#include "aws/config.h"
#include "aws/endpoint.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char path[64];

// The bytes as a file in memory, which `path` leads to.
static int make_file(const uint8_t *data, size_t size) {
    int file = memfd_create("config", MFD_CLOEXEC);
    if (file < 0 || write(file, data, size) != (ssize_t)size) {
        abort();
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return file;
}

static void check_section(const struct aws_config *config, enum aws_section section, const char *name) {
    static const char *const keys[] = {"region", "aws_secret_access_key", "sns.endpoint_url", "s3.", "", "."};
    for (size_t index = 0; index < sizeof keys / sizeof keys[0]; index++) {
        const char *value = aws_config_get(config, section, name, keys[index]);
        if (value != NULL && (value[0] == '\0' || !aws_config_has(config, section, name))) {
            abort();
        }
    }
}

static void check(const struct aws_config *config, const struct settings *settings) {
    struct aws_endpoint endpoint;
    struct error error;
    char region[AWS_REGION_SIZE];
    for (enum aws_section section = AWS_SECTION_PROFILE; section <= AWS_SECTION_SERVICES; section++) {
        check_section(config, section, "default");
        check_section(config, section, "a b");
        check_section(config, section, "");
    }
    if (aws_region_resolve(region, settings, config, NULL, &error) && !aws_region_valid(region)) {
        abort();
    }
    if (aws_endpoint_resolve(&endpoint, settings, config, "sns", "eu-west-1", &error) &&
        strncmp(endpoint.url, "http", 4) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char empty[] = "";
    int file = make_file(data, size);
    const struct settings settings = {.aws_region = empty,
                                      .aws_endpoint_url = empty,
                                      .aws_endpoint_url_sns = empty,
                                      .aws_endpoint_url_sqs = empty,
                                      .aws_endpoint_url_sts = empty,
                                      .aws_ignore_configured_endpoint_urls = SETTING_UNSET,
                                      .aws_use_fips_endpoint = SETTING_UNSET,
                                      .aws_use_dualstack_endpoint = SETTING_UNSET,
                                      .aws_profile = empty,
                                      .aws_config_file = path,
                                      .aws_shared_credentials_file = path};
    struct error error;
    struct aws_config *config = aws_config_load(&settings, &error);
    if (config != NULL) {
        check(config, &settings);
    }
    aws_config_free(config);
    close(file);
    return 0;
}
