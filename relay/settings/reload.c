// SPDX-License-Identifier: Apache-2.0
#include "settings/reload.h"

#include "base/memory.h"
#include "settings/origins.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_SIZE_MAX = 8192 };

void settings_changes_init(struct settings_changes *ret) {
    buffer_init(&ret->applied, NAMES_SIZE_MAX);
    buffer_init(&ret->waiting, NAMES_SIZE_MAX);
}

void settings_changes_free(struct settings_changes *changes) {
    buffer_free(&changes->applied);
    buffer_free(&changes->waiting);
}

bool settings_read_again(struct settings *ret, const struct settings *settings, struct error *error) {
    memset(ret, 0, sizeof *ret);
    struct settings_origins *origins = memory_allocate(1, sizeof *origins);
    const struct lookup lookup = {NULL, &origins->file, settings->origins->commands};
    origins->commands = settings->origins->commands;
    ret->origins = origins;
    bool read = (settings->config[0] == '\0' || config_file_read(&origins->file, settings->config, error)) &&
                settings_read_values(ret, &lookup, settings, error);
    if (!read) {
        settings_free(ret);
    }
    return read;
}

static bool is_same(struct settings *one, struct settings *other, const struct option *option) {
    if (option->kind == OPTION_TEXT) {
        return strcmp(*settings_text(one, option), *settings_text(other, option)) == 0;
    }
    return *settings_number(one, option) == *settings_number(other, option);
}

// The old value goes where it is wiped.
static void exchange(struct settings *one, struct settings *other, const struct option *option) {
    if (option->kind == OPTION_TEXT) {
        char *text = *settings_text(one, option);
        *settings_text(one, option) = *settings_text(other, option);
        *settings_text(other, option) = text;
    } else {
        *settings_number(one, option) = *settings_number(other, option);
    }
}

static void name(struct buffer *names, const char *variable) {
    buffer_append_text(names, names->length > 0 ? ", " : "");
    buffer_append_text(names, variable);
}

// The environment is read by threads of libcurl, so that it cannot be changed any more.
static void name_exported(struct buffer *names, const struct config_file *from,
                          const struct config_file *to) {
    for (int index = 0; index < to->count; index++) {
        const struct config_entry *entry = &to->entries[index];
        const struct config_entry *earlier = config_file_find(from, entry->name);
        const char *value = earlier != NULL ? earlier->value : "";
        if (config_file_is_for_libraries(entry->name) && strcmp(value, entry->value) != 0) {
            name(names, entry->name);
        }
    }
}

static void name_left_out(struct buffer *names, const struct config_file *from,
                          const struct config_file *to) {
    for (int index = 0; index < from->count; index++) {
        const struct config_entry *entry = &from->entries[index];
        bool is_gone = true;
        for (int other = 0; other < to->count; other++) {
            is_gone = is_gone && strcmp(to->entries[other].name, entry->name) != 0;
        }
        if (is_gone && entry->value[0] != '\0' && config_file_is_for_libraries(entry->name)) {
            name(names, entry->name);
        }
    }
}

void settings_adopt(struct settings *settings, struct settings *fresh,
                    bool (*may)(const struct option *option, const struct settings *from,
                                const struct settings *to),
                    struct settings_changes *changes) {
    bool adopted[OPTION_COUNT] = {false};
    for (int index = 0; index < OPTION_COUNT; index++) {
        const struct option *option = &options[index];
        if (!is_same(settings, fresh, option)) {
            adopted[index] = option->reloads && (may == NULL || may(option, settings, fresh));
            name(adopted[index] ? &changes->applied : &changes->waiting, option->variable);
        }
    }
    name_exported(&changes->waiting, &settings->origins->file, &fresh->origins->file);
    name_left_out(&changes->waiting, &settings->origins->file, &fresh->origins->file);
    for (int index = 0; index < OPTION_COUNT; index++) {
        if (adopted[index]) {
            exchange(settings, fresh, &options[index]);
            settings->generation++;
        }
    }
    settings_free(fresh);
}
