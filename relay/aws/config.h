// SPDX-License-Identifier: Apache-2.0
// The shared files of the AWS SDKs and tools, ~/.aws/config and ~/.aws/credentials: sections of `name =
// value`. Where both have a profile, a value of the credentials file goes first. Source:
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once

#include "base/error.h"
#include "settings/settings.h"

#include <stdbool.h>

struct aws_config;

enum aws_section { AWS_SECTION_PROFILE, AWS_SECTION_SSO_SESSION, AWS_SECTION_SERVICES };

// aws_config_load reads both files, where there are any (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, else
// in the home folder). Fails (ERROR_USAGE) when one that is named, or is there, cannot be read, or is
// malformed: file, line and rule are named, never a value. The caller frees it.
struct aws_config *aws_config_load(const struct settings *settings, struct error *error);
void aws_config_free(struct aws_config *config); // wipes it; NULL is fine

// aws_config_profile is the name of the profile in use: AWS_PROFILE, else "default".
const char *aws_config_profile(const struct aws_config *config);

// aws_config_has tells whether there is a section of that kind and name; aws_config_get returns the value of
// a key in it, or NULL. Texts live as long as the config. A nested value (`sns =` and below it, indented,
// `endpoint_url = ...`) has the key "sns.endpoint_url".
bool aws_config_has(const struct aws_config *config, enum aws_section section, const char *name);
const char *aws_config_get(const struct aws_config *config, enum aws_section section, const char *name,
                           const char *key);
