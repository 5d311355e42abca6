// SPDX-License-Identifier: Apache-2.0
// Reading settings: each option of the table is looked for among the flags, then in the environment, then as
// a file that the environment names (some secrets), and else takes its default.
#include "settings/settings.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "settings/arguments.h"
#include "settings/options.h"
#include "settings/secret_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 64, ALLOWED_SIZE = 256 };

// A value, and where it came from, as an error names it: "--sink", "OUTBOX_SINK", "DATABASE_URL_FILE".
struct found {
    char *text; // owned
    char name[NAME_SIZE];
};

static char **text_member(struct settings *settings, const struct option *option) {
    return (char **)(void *)((char *)settings + option->offset);
}

static int64_t *number_member(struct settings *settings, const struct option *option) {
    return (int64_t *)(void *)((char *)settings + option->offset);
}

// An empty variable counts as not set: that is how a container's environment leaves one out.
static const char *environment(const char *name) {
    const char *value = name == NULL ? NULL : getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

static bool take(struct found *found, const char *name, const char *text) {
    (void)snprintf(found->name, sizeof found->name, "%s", name);
    found->text = memory_copy_text(text);
    return true;
}

static bool take_fallback(struct found *found, const struct option *option) {
    return take(found, option->variable == NULL ? option->flag : option->variable, option->fallback);
}

static bool find_in_environment(const struct option *option, struct found *found, struct error *error) {
    const char *value = environment(option->variable);
    const char *path = NULL;
    if (option->from_file) {
        (void)snprintf(found->name, sizeof found->name, "%s_FILE", option->variable);
        path = environment(found->name);
    }
    if (value != NULL && path != NULL) {
        return error_set(error, ERROR_USAGE, "%s and %s are both set; unset one of them", option->variable,
                         found->name);
    }
    if (path != NULL) {
        found->text = secret_file_read(path, found->name, error);
        return found->text != NULL;
    }
    if (value != NULL) {
        return take(found, option->variable, value);
    }
    value = environment(option->alternative);
    if (value != NULL) {
        return take(found, option->alternative, value);
    }
    return take_fallback(found, option);
}

static bool find_value(const struct option *option, const struct arguments *arguments, unsigned commands,
                       struct found *found, struct error *error) {
    if ((option->commands & commands) == 0) {
        return take_fallback(found, option); // what another command is told is not looked at
    }
    const char *given = arguments->values[option - options];
    if (given == NULL) {
        return find_in_environment(option, found, error);
    }
    char name[NAME_SIZE];
    (void)snprintf(name, sizeof name, "--%s", option->flag);
    return take(found, name, given);
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
        *text_member(settings, option) = found->text;
        return true;
    }
    bool valid = option_parse(option, found->text, number_member(settings, option));
    if (!valid) {
        fail_value(option, found, error);
    }
    free(found->text);
    return valid;
}

static bool read_all(struct settings *settings, const struct arguments *arguments, unsigned commands,
                     struct error *error) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        struct found found = {.text = NULL};
        if (!find_value(&options[index], arguments, commands, &found, error) ||
            !store(settings, &options[index], &found, error)) {
            return false;
        }
    }
    return true;
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
            memory_free_secret(*text_member(settings, &options[index]));
        }
    }
    memset(settings, 0, sizeof *settings);
}
