// SPDX-License-Identifier: Apache-2.0
// The files are kept as they were parsed, and searched from top to bottom when something is asked for: that
// is seldom, and leaves nothing to merge.
#include "aws/config.h"

#include "aws/ini.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "settings/value.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_TEXT_SIZE = 512, PASSWD_SIZE = 4096 };

#define DEFAULT_PROFILE "default"

static const char *const section_words[] = {
    [AWS_SECTION_PROFILE] = "profile",
    [AWS_SECTION_SSO_SESSION] = "sso-session",
    [AWS_SECTION_SERVICES] = "services",
};

struct file {
    char *path;
    bool is_there;
    bool is_credentials;
    bool default_is_out; // there is a [profile default]
    struct buffer text;  // what `ini` points into
    struct aws_ini ini;
};

struct aws_config {
    char *profile;
    struct file credentials;
    struct file config;
    char files[FILES_TEXT_SIZE];
};

// A name in quotes may have blanks in it.
static bool name_is(const char *written, const char *name) {
    size_t length = strlen(written);
    bool quoted = length >= 2 && (*written == '"' || *written == '\'') && written[length - 1] == *written;
    if (quoted) {
        written++;
        length -= 2;
    }
    return (quoted || strpbrk(written, " \t") == NULL) && length == strlen(name) &&
           memcmp(written, name, length) == 0;
}

// What follows the word that a section begins with, and blanks; NULL when it begins with another.
static const char *after_word(const char *section, const char *word) {
    size_t length = strlen(word);
    size_t blanks = strncmp(section, word, length) == 0 ? strspn(section + length, " \t") : 0;
    return blanks == 0 ? NULL : section + length + blanks;
}

static bool section_is(const struct file *file, const char *section, enum aws_section kind,
                       const char *name) {
    if (file->is_credentials) {
        return kind == AWS_SECTION_PROFILE && name_is(section, name);
    }
    const char *rest = after_word(section, section_words[kind]);
    if (rest != NULL) {
        return name_is(rest, name);
    }
    return kind == AWS_SECTION_PROFILE && !file->default_is_out && strcmp(section, DEFAULT_PROFILE) == 0 &&
           strcmp(name, DEFAULT_PROFILE) == 0;
}

static bool has(const struct file *file, enum aws_section kind, const char *name) {
    for (size_t index = 0; index < file->ini.count; index++) {
        const char *section = file->ini.entries[index].section;
        if (section != NULL && section_is(file, section, kind, name)) {
            return true;
        }
    }
    return false;
}

// "outer.name" is a setting below another.
static bool key_is(const struct aws_ini_entry *entry, const char *key) {
    const char *dot = strchr(key, '.');
    size_t outer = dot == NULL ? 0 : (size_t)(dot - key);
    return strlen(entry->outer) == outer && memcmp(entry->outer, key, outer) == 0 &&
           strcmp(entry->name, dot == NULL ? key : dot + 1) == 0;
}

static const char *find(const struct file *file, enum aws_section kind, const char *name, const char *key) {
    const char *value = "";
    bool inside = false;
    for (size_t index = 0; index < file->ini.count; index++) {
        const struct aws_ini_entry *entry = &file->ini.entries[index];
        if (entry->section != NULL) {
            inside = section_is(file, entry->section, kind, name);
        } else if (inside && key_is(entry, key)) {
            value = entry->value;
        }
    }
    return *value == '\0' ? NULL : value;
}

// A user that nobody knows lives at the root, as in containers.
static char *in_home_folder(const char *rest) {
    char bytes[PASSWD_SIZE];
    struct passwd user, *found = NULL;
    const char *home = getenv("HOME");
    if (home == NULL || *home == '\0') {
        (void)getpwuid_r(getuid(), &user, bytes, sizeof bytes, &found);
        home = found == NULL ? "" : found->pw_dir;
    }
    size_t size = strlen(home) + strlen(rest) + 1;
    char *path = memory_allocate(size, 1);
    (void)snprintf(path, size, "%s%s", home, rest);
    return path;
}

static char *path_of(const char *setting, const char *standard) {
    const char *path = *setting == '\0' ? standard : setting;
    return strncmp(path, "~/", 2) == 0 ? in_home_folder(path + 1) : memory_copy_text(path);
}

// True when the file is not there. Nor is one that cannot be seen, in a folder that may not be entered: a
// service often inherits the HOME of somebody else.
static bool check_absent(const struct file *file, int problem, struct error *error) {
    if (problem == EFBIG) {
        return error_set(error, ERROR_USAGE, "the AWS file %s has more than %d bytes: make it smaller",
                         file->path, AWS_CONFIG_FILE_SIZE);
    }
    return access(file->path, F_OK) != 0 ||
           error_set(error, ERROR_USAGE, "the AWS file %s cannot be read: %s", file->path, strerror(problem));
}

static bool load(struct file *file, struct error *error) {
    if (!file_read(&file->text, file->path)) {
        return check_absent(file, errno, error);
    }
    file->is_there = true;
    (void)buffer_text(&file->text); // puts the zero byte behind it
    if (memchr(file->text.data, '\0', file->text.length) != NULL) {
        return error_set(error, ERROR_USAGE, "the AWS file %s holds a zero byte: it must be a text",
                         file->path);
    }
    return aws_ini_parse(&file->ini, file->text.data, file->path, error);
}

// [profile default] puts [default] out of force, wherever they stand.
static void note_default(struct file *file) {
    for (size_t index = 0; index < file->ini.count; index++) {
        const char *section = file->ini.entries[index].section;
        const char *name = section == NULL ? NULL : after_word(section, section_words[AWS_SECTION_PROFILE]);
        file->default_is_out = file->default_is_out || (name != NULL && name_is(name, DEFAULT_PROFILE));
    }
}

static const char *presence(const struct file *file) {
    return file->is_there ? "" : " (not there)";
}

static bool load_both(struct aws_config *config, const struct settings *settings, struct error *error) {
    struct file *credentials = &config->credentials, *configuration = &config->config;
    credentials->is_credentials = true;
    credentials->path = path_of(settings->aws_shared_credentials_file, "~/.aws/credentials");
    configuration->path = path_of(settings->aws_config_file, "~/.aws/config");
    if (!load(credentials, error) || !load(configuration, error)) {
        return false;
    }
    note_default(configuration);
    (void)snprintf(config->files, sizeof config->files, "%s%s and %s%s", credentials->path,
                   presence(credentials), configuration->path, presence(configuration));
    return true;
}

static bool check_profile(const struct aws_config *config, const struct settings *settings,
                          struct error *error) {
    return *settings->aws_profile == '\0' || aws_config_has(config, AWS_SECTION_PROFILE, config->profile) ||
           error_set(error, ERROR_USAGE,
                     "AWS_PROFILE is \"%.100s\", but there is no such profile in %s: add it, or unset "
                     "AWS_PROFILE",
                     config->profile, config->files);
}

struct aws_config *aws_config_load(const struct settings *settings, struct error *error) {
    struct aws_config *config = memory_allocate(1, sizeof *config);
    const char *profile = *settings->aws_profile == '\0' ? DEFAULT_PROFILE : settings->aws_profile;
    config->profile = memory_copy_text(profile);
    buffer_init(&config->credentials.text, AWS_CONFIG_FILE_SIZE);
    buffer_init(&config->config.text, AWS_CONFIG_FILE_SIZE);
    if (!load_both(config, settings, error) || !check_profile(config, settings, error)) {
        aws_config_free(config);
        return NULL;
    }
    return config;
}

static void release(struct file *file) {
    free(file->path);
    aws_ini_free(&file->ini);
    buffer_free_secret(&file->text);
}

void aws_config_free(struct aws_config *config) {
    if (config != NULL) {
        release(&config->credentials);
        release(&config->config);
        free(config->profile);
        free(config);
    }
}

const char *aws_config_profile(const struct aws_config *config) {
    return config == NULL ? DEFAULT_PROFILE : config->profile;
}

const char *aws_config_files(const struct aws_config *config) {
    return config == NULL ? "no files" : config->files;
}

bool aws_config_has(const struct aws_config *config, enum aws_section section, const char *name) {
    return config != NULL &&
           (has(&config->credentials, section, name) || has(&config->config, section, name));
}

const char *aws_config_get(const struct aws_config *config, enum aws_section section, const char *name,
                           const char *key) {
    const char *value = config == NULL ? NULL : find(&config->credentials, section, name, key);
    return value != NULL || config == NULL ? value : find(&config->config, section, name, key);
}

static const char *get_of_profile(const struct aws_config *config, const char *key) {
    return aws_config_get(config, AWS_SECTION_PROFILE, aws_config_profile(config), key);
}

const char *aws_config_text(const struct aws_config *config, const char *setting, const char *key) {
    const char *value = *setting == '\0' ? get_of_profile(config, key) : setting;
    return value == NULL ? "" : value;
}

bool aws_config_boolean(bool *ret, const struct aws_config *config, int64_t setting, const char *key,
                        struct error *error) {
    const char *value = setting == SETTING_UNSET ? get_of_profile(config, key) : NULL;
    int64_t number = setting == SETTING_UNSET ? false : setting;
    if (value != NULL && !value_parse_boolean(value, &number)) {
        return error_set(error, ERROR_USAGE,
                         "%s of the AWS profile \"%.100s\" is \"%.20s\"; it must be true or false", key,
                         aws_config_profile(config), value);
    }
    *ret = number != 0;
    return true;
}
