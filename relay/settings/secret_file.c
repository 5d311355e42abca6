// SPDX-License-Identifier: Apache-2.0
// Reading a secret from a file; see secret_file.h.
#include "settings/secret_file.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>

static size_t without_line_break(const char *text, size_t length) {
    if (length > 0 && text[length - 1] == '\n') {
        length--;
        if (length > 0 && text[length - 1] == '\r') {
            length--;
        }
    }
    return length;
}

static bool check(const char *text, size_t length, const char *path, const char *variable,
                  struct error *error) {
    if (memchr(text, '\0', length) != NULL) {
        return error_set(error, ERROR_USAGE, "%s: the file %s holds a zero byte; it must be a text", variable,
                         path);
    }
    if (without_line_break(text, length) == 0) {
        return error_set(error, ERROR_USAGE, "%s: the file %s is empty; write the secret into it or unset %s",
                         variable, path, variable);
    }
    return true;
}

static bool read_bytes(struct buffer *bytes, const char *path, const char *variable, struct error *error) {
    if (file_read(bytes, path)) {
        return true;
    }
    if (errno == EFBIG) {
        return error_set(error, ERROR_USAGE,
                         "%s: the file %s has more than %d bytes; it must hold one secret", variable, path,
                         SECRET_FILE_SIZE);
    }
    return error_set(error, ERROR_USAGE, "%s: the file %s cannot be read: %s", variable, path,
                     strerror(errno));
}

char *secret_file_read(const char *path, const char *variable, struct error *error) {
    char *secret = NULL;
    struct buffer bytes;
    buffer_init(&bytes, SECRET_FILE_SIZE);
    if (read_bytes(&bytes, path, variable, error)) {
        const char *text = buffer_text(&bytes);
        if (check(text, bytes.length, path, variable, error)) {
            buffer_truncate(&bytes, without_line_break(text, bytes.length));
            secret = memory_copy_text(buffer_text(&bytes));
        }
    }
    buffer_free_secret(&bytes);
    return secret;
}
