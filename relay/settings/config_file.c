// SPDX-License-Identifier: Apache-2.0
#include "settings/config_file.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "settings/config_parser.h"
#include "settings/options.h"
#include "settings/suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_own(const char *name) {
    return strncmp(name, "OUTBOX_", strlen("OUTBOX_")) == 0;
}

// Two files would have to say which of them goes first.
static bool check_known(const struct config_file *file, const char *name, int line, struct error *error) {
    if (strcmp(name, "OUTBOX_CONFIG") == 0) {
        return config_parser_fail(file->path, line, error,
                                  "OUTBOX_CONFIG names this file and cannot be set in it; leave it out");
    }
    if (!is_own(name) || option_of_variable(name) != NULL) {
        return true;
    }
    const char *near = suggest_variable(name);
    return config_parser_fail(file->path, line, error,
                              "%.64s is no setting%s%s; outbox-relay help settings lists them", name,
                              near != NULL ? "; did you mean " : "", near != NULL ? near : "");
}

static struct config_entry *find(const struct config_file *file, const char *name) {
    for (int index = 0; index < file->count; index++) {
        if (strcmp(file->entries[index].name, name) == 0) {
            return &file->entries[index];
        }
    }
    return NULL;
}

static void join(struct config_entry *entry, struct buffer *value) {
    size_t length = strlen(entry->value);
    char *joined = memory_allocate(length + value->length + 2, 1);
    memcpy(joined, entry->value, length);
    joined[length] = '\n';
    memcpy(joined + length + 1, buffer_text(value), value->length);
    memory_free_secret(entry->value);
    entry->value = joined;
}

static bool keep(struct config_file *file, struct buffer *name, struct buffer *value, int line,
                 struct error *error) {
    const char *text = buffer_text(name);
    if (!check_known(file, text, line, error)) {
        return false;
    }
    struct config_entry *earlier = find(file, text);
    if (earlier != NULL) {
        const struct option *option = option_of_variable(text);
        if (option == NULL || !option->repeats) {
            return config_parser_fail(file->path, line, error, "%.64s is set in line %d already; remove one",
                                      text, earlier->line);
        }
        join(earlier, value);
        return true;
    }
    file->entries = memory_resize(file->entries, (size_t)file->count + 1, sizeof *file->entries);
    file->entries[file->count++] = (struct config_entry){
        .name = memory_copy_text(text), .value = memory_copy_text(buffer_text(value)), .line = line};
    return true;
}

bool config_file_parse(struct config_file *ret, const char *path, const char *bytes, size_t length,
                       struct error *error) {
    *ret = (struct config_file){.path = memory_copy_text(path)};
    struct config_parser parser;
    enum config_step step = CONFIG_BAD;
    int line = 0;
    struct buffer name, value;
    buffer_init(&name, CONFIG_FILE_NAME_MAX);
    buffer_init(&value, CONFIG_FILE_SIZE_MAX);
    if (config_parser_begin(&parser, path, bytes, length, error)) {
        do {
            step = config_parser_next(&parser, &name, &value, &line, error);
            if (step == CONFIG_ASSIGNMENT && !keep(ret, &name, &value, line, error)) {
                step = CONFIG_BAD;
            }
        } while (step == CONFIG_ASSIGNMENT);
    }
    buffer_free(&name);
    buffer_free_secret(&value);
    if (step == CONFIG_BAD) {
        config_file_free(ret);
    }
    return step == CONFIG_END;
}

static bool holds_secret(const struct config_file *file) {
    for (int index = 0; index < file->count; index++) {
        const char *name = file->entries[index].name;
        const struct option *option = option_of_variable(name);
        bool is_secret = option != NULL && option->secret && strcmp(option->variable, name) == 0;
        if (file->entries[index].value[0] != '\0' && (is_secret || strcmp(name, "PGPASSWORD") == 0)) {
            return true;
        }
    }
    return false;
}

static bool is_open_to_all(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && (status.st_mode & S_IROTH) != 0;
}

bool config_file_read(struct config_file *ret, const char *path, struct error *error) {
    struct buffer bytes;
    *ret = (struct config_file){0};
    buffer_init(&bytes, CONFIG_FILE_SIZE_MAX);
    bool good = file_read(&bytes, path);
    if (!good && errno == EFBIG) {
        error_set(error, ERROR_USAGE, "the config file %s has more than %d bytes", path,
                  CONFIG_FILE_SIZE_MAX);
    } else if (!good) {
        error_set(error, ERROR_USAGE, "the config file %s cannot be read: %s; see --config and OUTBOX_CONFIG",
                  path, strerror(errno));
    } else {
        good = config_file_parse(ret, path, buffer_text(&bytes), bytes.length, error);
    }
    ret->exposed = good && holds_secret(ret) && is_open_to_all(path);
    buffer_free_secret(&bytes);
    return good;
}

const struct config_entry *config_file_find(const struct config_file *file, const char *name) {
    const struct config_entry *entry = find(file, name);
    return entry != NULL && entry->value[0] != '\0' ? entry : NULL;
}

// Those of libpq are PG and capital letters: https://www.postgresql.org/docs/current/libpq-envars.html
static bool is_of_libpq(const char *name) {
    return strncmp(name, "PG", 2) == 0 && name[2] != '\0' &&
           strspn(name + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(name + 2);
}

bool config_file_is_for_libraries(const char *name) {
    static const char *const others[] = {"http_proxy", "https_proxy",   "all_proxy",
                                         "no_proxy",   "HTTPS_PROXY",   "ALL_PROXY",
                                         "NO_PROXY",   "SSL_CERT_FILE", "SSL_CERT_DIR"};
    for (size_t index = 0; index < sizeof others / sizeof others[0]; index++) {
        if (strcmp(name, others[index]) == 0) {
            return true;
        }
    }
    return is_of_libpq(name);
}

void config_file_export(const struct config_file *file) {
    for (int index = 0; index < file->count; index++) {
        const struct config_entry *entry = &file->entries[index];
        if (config_file_is_for_libraries(entry->name) && entry->value[0] != '\0') {
            (void)setenv(entry->name, entry->value, 0);
        }
    }
}

void config_file_free(struct config_file *file) {
    for (int index = 0; index < file->count; index++) {
        free(file->entries[index].name);
        memory_free_secret(file->entries[index].value);
    }
    free(file->entries);
    free(file->path);
    *file = (struct config_file){0};
}
