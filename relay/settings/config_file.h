// SPDX-License-Identifier: Apache-2.0
// The file of --config: a line NAME=VALUE for each environment variable that it stands for, in the syntax
// that systemd's EnvironmentFile (systemd.exec(5)) and, without quotes, `docker run --env-file` read in the
// same way. What these read differently is refused, by line, with what to write instead.
//
//     # a comment has a line of its own
//     OUTBOX_TOPIC_ARN=arn:aws:sns:eu-central-1:123456789012:orders
//     OUTBOX_ON='order.*=exec:mail "new order"'
//
// A value without quotes is taken as it is; it has no backslash and no blanks around it. In '...' everything
// is taken as it is, in "..." a backslash comes before " \ $ ` only; quoted values may go over several lines.
// Names of other programs are passed over, so that a file can be shared; names that begin with OUTBOX_ must
// be known.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { CONFIG_FILE_SIZE_MAX = 256 << 10, CONFIG_FILE_NAME_MAX = 128 };

struct config_entry {
    char *name;
    char *value;
    int line;
};

struct config_file {
    char *path;
    struct config_entry *entries; // in the order of the file; names differ
    int count;
    bool exposed; // it holds a secret and everybody may read it
};

// config_file_parse reads `length` bytes; `path` is for errors. A variable that may be repeated (OUTBOX_ON)
// has all its lines as one value, any other name comes once. On failure (ERROR_USAGE) `ret` holds nothing;
// the error names file, line and variable, never a value.
bool config_file_parse(struct config_file *ret, const char *path, const char *bytes, size_t length,
                       struct error *error);

// config_file_read reads a file of at most CONFIG_FILE_SIZE_MAX bytes.
bool config_file_read(struct config_file *ret, const char *path, struct error *error);

// config_file_find returns the entry of a name, or NULL when there is none or its value is empty, which
// counts as not set.
const struct config_entry *config_file_find(const struct config_file *file, const char *name);

// config_file_is_for_libraries: libpq (PGHOST, ...), libcurl (https_proxy, ...) or OpenSSL read the variable
// from the environment themselves.
bool config_file_is_for_libraries(const char *name);

// config_file_export puts the variables of libraries into the environment, where they are not set yet. Not
// while there are threads.
void config_file_export(const struct config_file *file);

// config_file_free wipes and releases everything; an empty one is fine.
void config_file_free(struct config_file *file);
