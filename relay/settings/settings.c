// SPDX-License-Identifier: Apache-2.0
// Reading settings: each option of the table is looked for (lookup.h), and its text read as what it is.
#include "settings/settings.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "settings/origins.h"

#include <stdlib.h>
#include <string.h>

enum { ALLOWED_SIZE = 256 };

char **settings_text(struct settings *settings, const struct option *option) {
    return (char **)(void *)((char *)settings + option->offset);
}

int64_t *settings_number(struct settings *settings, const struct option *option) {
    return (int64_t *)(void *)((char *)settings + option->offset);
}

static bool fail_value(const struct option *option, const struct found *found, struct error *error) {
    struct buffer allowed;
    buffer_init(&allowed, ALLOWED_SIZE);
    option_append_allowed(option, &allowed);
    static const char *const rules[] = {
        [OPTION_TEXT] = "must be a text: ",
        [OPTION_INTEGER] = "must be a whole number from ",
        [OPTION_DURATION] = "must be a duration such as 500ms, 10s, 5m or 2h, from ",
        [OPTION_BYTES] = "must be a size such as 262144, 256k or 1MiB, from ",
        [OPTION_BOOLEAN] = "must be one of ",
        [OPTION_CHOICE] = "must be one of ",
    };
    error_set(error, ERROR_USAGE, "%s is \"%.64s\"; it %s%s", found->name, found->text, rules[option->kind],
              buffer_text(&allowed));
    buffer_free(&allowed);
    return false;
}

static bool store(struct settings *settings, const struct option *option, struct found *found,
                  struct error *error) {
    if (option->kind == OPTION_TEXT) {
        *settings_text(settings, option) = found->text;
        return true;
    }
    bool valid = option_parse(option, found->text, settings_number(settings, option));
    if (!valid) {
        fail_value(option, found, error);
    }
    free(found->text);
    return valid;
}

// Copies a value that does not come from a file, and so cannot have changed.
static void keep(struct settings *settings, const struct option *option, const struct settings *kept) {
    const char *member = (const char *)kept + option->offset;
    if (option->kind == OPTION_TEXT) {
        *settings_text(settings, option) = memory_copy_text(*(char *const *)(const void *)member);
    } else {
        *settings_number(settings, option) = *(const int64_t *)(const void *)member;
    }
}

static bool is_fixed(enum origin origin) {
    return origin == ORIGIN_FLAG || origin == ORIGIN_ENVIRONMENT;
}

bool settings_read_values(struct settings *settings, const struct lookup *lookup, const struct settings *kept,
                          struct error *error) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        struct found found;
        enum origin *origin = &settings->origins->of[index];
        if (kept != NULL && is_fixed(kept->origins->of[index])) {
            *origin = kept->origins->of[index];
            keep(settings, &options[index], kept);
        } else if (!lookup_find(lookup, &options[index], &found, error) ||
                   !store(settings, &options[index], &found, error)) {
            return false;
        } else {
            *origin = found.origin;
        }
    }
    return true;
}

static bool read_all(struct settings *settings, const struct arguments *arguments, unsigned commands,
                     struct error *error) {
    struct settings_origins *origins = memory_allocate(1, sizeof *origins);
    const struct lookup lookup = {arguments, &origins->file, commands};
    const char *path = lookup_config(arguments);
    origins->commands = commands;
    settings->origins = origins;
    if (path != NULL && commands != 0 && !config_file_read(&origins->file, path, error)) {
        return false;
    }
    config_file_export(&origins->file);
    return settings_read_values(settings, &lookup, NULL, error);
}

bool settings_read(struct settings *settings, const char *command, int argc, char **argv,
                   const char **operands, int *operand_count, struct error *error) {
    memset(settings, 0, sizeof *settings);
    struct arguments arguments = {.operands = operands, .operand_limit = *operand_count};
    bool read = arguments_parse(&arguments, command, argc, argv, error) &&
                read_all(settings, &arguments, option_command_mask(command), error);
    *operand_count = arguments.operand_count;
    arguments_free(&arguments);
    if (!read) {
        settings_free(settings);
    }
    return read;
}

void settings_remark(const struct settings *settings) {
    if (settings->origins != NULL && settings->origins->file.exposed) {
        log_warn(
            "the config file holds secrets, and everybody on this machine may read it: chmod o-r, or put "
            "them into files of their own (DATABASE_URL_FILE, ...)",
            LOG_TEXT("file", settings->config));
    }
}

void settings_forget_environment(void) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        char *value = options[index].secret ? getenv(options[index].variable) : NULL;
        if (value != NULL) {
            memory_wipe(value, strlen(value));
        }
    }
}

void settings_free(struct settings *settings) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        if (options[index].kind == OPTION_TEXT) {
            memory_free_secret(*settings_text(settings, &options[index]));
        }
    }
    if (settings->origins != NULL) {
        config_file_free(&settings->origins->file);
        free(settings->origins);
    }
    memset(settings, 0, sizeof *settings);
}
