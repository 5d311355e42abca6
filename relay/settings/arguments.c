// SPDX-License-Identifier: Apache-2.0
// Taking a command's arguments apart; see arguments.h.
#include "settings/arguments.h"

#include "base/memory.h"
#include "settings/suggest.h"

#include <string.h>

// An argument list that is being read.
struct reader {
    const char *command;
    int argc;
    char **argv;
    int next;
};

static const struct option *find_flag(const char *name, size_t length) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        const char *flag = options[index].flag;
        if (flag != NULL && strlen(flag) == length && memcmp(flag, name, length) == 0) {
            return &options[index];
        }
    }
    return NULL;
}

// Only the option's name is shown: what follows it may be a password.
static bool fail_unknown(const char *command, const char *name, size_t length, struct error *error) {
    size_t harmless = strcspn(name, "=:@");
    int shown = harmless > 64 ? 64 : (int)harmless;
    const char *near = suggest_flag(name, length, option_command_mask(command));
    if (near != NULL) {
        return error_set(error, ERROR_USAGE,
                         "unknown option --%.*s; did you mean --%s? See outbox-relay help %s", shown, name,
                         near, command);
    }
    return error_set(error, ERROR_USAGE, "unknown option --%.*s; see outbox-relay help %s", shown, name,
                     command);
}

static const struct option *accepted_flag(const char *command, const char *name, size_t length,
                                          struct error *error) {
    const struct option *option = find_flag(name, length);
    if (option == NULL) {
        fail_unknown(command, name, length, error);
        return NULL;
    }
    if ((option->commands & option_command_mask(command)) == 0) {
        error_set(error, ERROR_USAGE, "--%s is not an option of %s; see outbox-relay help %s", option->flag,
                  command, command);
        return NULL;
    }
    return option;
}

// Finds the value that belongs to a flag without "=". A value that looks like an option is taken for a
// forgotten one.
static char *following_value(struct reader *reader, const struct option *option, struct error *error) {
    if (reader->next >= reader->argc) {
        error_set(error, ERROR_USAGE, "--%s needs a value; see outbox-relay help %s", option->flag,
                  reader->command);
        return NULL;
    }
    char *value = reader->argv[reader->next];
    if (strncmp(value, "--", 2) == 0) {
        error_set(error, ERROR_USAGE, "--%s needs a value; for one that begins with --, write --%s=VALUE",
                  option->flag, option->flag);
        return NULL;
    }
    reader->next++;
    return value;
}

static char *join_lines(const char *first, const char *second) {
    size_t length = strlen(first);
    char *joined = memory_allocate(length + strlen(second) + 2, 1);
    memcpy(joined, first, length);
    joined[length] = '\n';
    memcpy(joined + length + 1, second, strlen(second));
    return joined;
}

static void keep(struct arguments *arguments, const struct option *option, const char *value) {
    char **place = &arguments->values[option - options];
    char *kept = option->repeats && *place != NULL ? join_lines(*place, value) : memory_copy_text(value);
    memory_free_secret(*place);
    *place = kept;
}

static void keep_and_hide(struct arguments *arguments, const struct option *option, char *value) {
    keep(arguments, option, value);
    if (option->secret) {
        memset(value, '*', strlen(value));
    }
}

static bool read_option(struct arguments *arguments, struct reader *reader, char *argument,
                        struct error *error) {
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    const struct option *option = accepted_flag(reader->command, name, length, error);
    if (option == NULL) {
        return false;
    }
    if (name[length] == '=') {
        keep_and_hide(arguments, option, argument + 2 + length + 1);
        return true;
    }
    if (option->kind == OPTION_BOOLEAN) {
        keep(arguments, option, "true");
        return true;
    }
    char *value = following_value(reader, option, error);
    if (value != NULL) {
        keep_and_hide(arguments, option, value);
    }
    return value != NULL;
}

const char *arguments_shown(const char *operand) {
    return strpbrk(operand, ":=@") == NULL ? operand : "(not shown: it could hold a password)";
}

static bool read_operand(struct arguments *arguments, const struct reader *reader, const char *operand,
                         struct error *error) {
    if (arguments->operand_count < arguments->operand_limit) {
        arguments->operands[arguments->operand_count++] = operand;
        return true;
    }
    return error_set(error, ERROR_USAGE, "unexpected argument %.64s; see outbox-relay help %s",
                     arguments_shown(operand), reader->command);
}

bool arguments_parse(struct arguments *arguments, const char *command, int argc, char **argv,
                     struct error *error) {
    memset(arguments->values, 0, sizeof arguments->values);
    arguments->operand_count = 0;
    struct reader reader = {.command = command, .argc = argc, .argv = argv};
    bool options_ended = false;
    while (reader.next < reader.argc) {
        char *argument = argv[reader.next++];
        bool dashed = !options_ended && argument[0] == '-' && argument[1] != '\0';
        if (dashed && strcmp(argument, "--") == 0) {
            options_ended = true;
        } else if (dashed && argument[1] != '-') {
            return error_set(
                error, ERROR_USAGE,
                "unknown option %.2s; options begin with two dashes, and -- goes before an argument that "
                "begins with one; see outbox-relay help %s",
                argument, command);
        } else if (!(dashed ? read_option(arguments, &reader, argument, error)
                            : read_operand(arguments, &reader, argument, error))) {
            return false;
        }
    }
    return true;
}

void arguments_free(struct arguments *arguments) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        memory_free_secret(arguments->values[index]);
        arguments->values[index] = NULL;
    }
}
