// SPDX-License-Identifier: Apache-2.0
#include "settings/lookup.h"

#include "base/memory.h"
#include "settings/secret_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VARIABLE_SIZE = 64 };

// A place that has variables: the environment, or (not NULL) the config file.
struct place {
    const struct config_file *file;
};

// An empty variable counts as not set: that is how a container's environment leaves one out.
static const char *value_in(const struct place *place, const char *name) {
    if (name == NULL) {
        return NULL;
    }
    if (place->file != NULL) {
        const struct config_entry *entry = config_file_find(place->file, name);
        return entry != NULL ? entry->value : NULL;
    }
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

static void name_found(struct found *ret, const struct place *place, const char *name) {
    const struct config_entry *entry = place->file != NULL ? config_file_find(place->file, name) : NULL;
    if (entry != NULL) {
        (void)snprintf(ret->name, sizeof ret->name, "%s (line %d of %s)", name, entry->line,
                       place->file->path);
    } else {
        (void)snprintf(ret->name, sizeof ret->name, "%s", name);
    }
}

static void take(struct found *ret, const struct place *place, const char *name, const char *text) {
    name_found(ret, place, name);
    ret->origin = place->file != NULL ? ORIGIN_FILE : ORIGIN_ENVIRONMENT;
    ret->text = memory_copy_text(text);
}

static bool find_in(const struct place *place, const struct option *option, struct found *ret,
                    struct error *error) {
    char file_variable[VARIABLE_SIZE];
    const char *value = value_in(place, option->variable);
    const char *path = NULL;
    if (option->from_file) {
        (void)snprintf(file_variable, sizeof file_variable, "%s_FILE", option->variable);
        path = value_in(place, file_variable);
    }
    if (value != NULL && path != NULL) {
        return error_set(error, ERROR_USAGE, "%s and %s are both set%s%s; unset one of them",
                         option->variable, file_variable, place->file != NULL ? " in " : "",
                         place->file != NULL ? place->file->path : "");
    }
    if (path != NULL) {
        name_found(ret, place, file_variable);
        ret->origin = ORIGIN_FILE;
        ret->text = secret_file_read(path, ret->name, error);
        return ret->text != NULL;
    }
    if (value != NULL) {
        take(ret, place, option->variable, value);
    } else if ((value = value_in(place, option->alternative)) != NULL) {
        take(ret, place, option->alternative, value);
    }
    return true;
}

static void take_flag(struct found *ret, const struct option *option, const char *given) {
    (void)snprintf(ret->name, sizeof ret->name, "--%s", option->flag);
    ret->origin = ORIGIN_FLAG;
    ret->text = memory_copy_text(given);
}

static void take_fallback(struct found *ret, const struct option *option) {
    (void)snprintf(ret->name, sizeof ret->name, "%s",
                   option->variable == NULL ? option->flag : option->variable);
    ret->origin = ORIGIN_DEFAULT;
    ret->text = memory_copy_text(option->fallback);
}

bool lookup_find(const struct lookup *lookup, const struct option *option, struct found *ret,
                 struct error *error) {
    const char *given = lookup->arguments != NULL ? lookup->arguments->values[option - options] : NULL;
    const struct place environment = {NULL}, file = {lookup->file};
    *ret = (struct found){0};
    if ((option->commands & lookup->commands) == 0) {
        take_fallback(ret, option); // what another command is told is not looked at
        return true;
    }
    if (given != NULL) {
        take_flag(ret, option, given);
        return true;
    }
    if (!find_in(&environment, option, ret, error) ||
        (ret->text == NULL && lookup->file != NULL && !find_in(&file, option, ret, error))) {
        return false;
    }
    if (ret->text == NULL) {
        take_fallback(ret, option);
    }
    return true;
}

const char *lookup_config(const struct arguments *arguments) {
    const struct option *option = option_of_variable("OUTBOX_CONFIG");
    const char *given = arguments->values[option - options];
    const char *path = given != NULL ? given : getenv(option->variable);
    return path != NULL && *path != '\0' ? path : NULL;
}
