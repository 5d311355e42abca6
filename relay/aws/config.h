// SPDX-License-Identifier: Apache-2.0
// The shared files of the AWS SDKs and tools, ~/.aws/config and ~/.aws/credentials: sections of `name =
// value` (syntax: ini.h). Profiles are [default] and [profile NAME] in the config file, where [profile
// default] puts [default] out of force, and [NAME] in the credentials file; where both have a profile, a
// value of the credentials file goes first. A name may stand in quotes, and must when it has blanks in it. Of
// what is there twice the last counts; a section of another kind is passed over. Source:
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once

#include "base/error.h"
#include "settings/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AWS_CONFIG_FILE_SIZE = 1 << 20 }; // each of the two

struct aws_config;

enum aws_section { AWS_SECTION_PROFILE, AWS_SECTION_SSO_SESSION, AWS_SECTION_SERVICES };

// aws_config_load reads both files (AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else in the home folder;
// "~/" at the beginning is the home folder too). A file that is not there is as good as empty, named or not:
// so it is with the SDKs, and a name that leads nowhere is how they are told to read none. Fails
// (ERROR_USAGE) when one that is there cannot be read, is too large or malformed (file, line and rule are
// named, never a value), and when AWS_PROFILE names a profile that is in neither. The caller frees it.
struct aws_config *aws_config_load(const struct settings *settings, struct error *error);
void aws_config_free(struct aws_config *config); // wipes it; NULL is fine

// For the functions below a config of NULL is one without files.

// aws_config_profile is the name of the profile in use: AWS_PROFILE, else "default".
const char *aws_config_profile(const struct aws_config *config);

// aws_config_files tells people what was looked at: "/home/relay/.aws/credentials and
// /home/relay/.aws/config (not there)".
const char *aws_config_files(const struct aws_config *config);

// aws_config_has tells whether there is a section of that kind and name; aws_config_get returns the value of
// a key in it, or NULL when there is none or it is empty. Texts live as long as the config. A nested value
// (`sns =` and below it, indented, `endpoint_url = ...`) has the key "sns.endpoint_url". Keys are in lower
// case.
bool aws_config_has(const struct aws_config *config, enum aws_section section, const char *name);
const char *aws_config_get(const struct aws_config *config, enum aws_section section, const char *name,
                           const char *key);

// aws_config_text is what a setting says, else what the profile in use says under `key`, else "".
const char *aws_config_text(const struct aws_config *config, const char *setting, const char *key);

// aws_config_boolean is the same for true and false; a `setting` of SETTING_UNSET says nothing, and if the
// profile says nothing either, it is false. Fails (ERROR_USAGE) when the profile says anything else.
bool aws_config_boolean(bool *ret, const struct aws_config *config, int64_t setting, const char *key,
                        struct error *error);
