// SPDX-License-Identifier: Apache-2.0
// Reading a secret from a file; see secret_file.h.
#include "settings/secret_file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

// Reads until the end or until `size` bytes are there; returns how many, or -1 with errno.
static ssize_t read_fully(int file, char *bytes, size_t size) {
    size_t length = 0;
    while (length < size) {
        ssize_t count = read(file, bytes + length, size - length);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return -1;
        }
        if (count == 0) {
            break;
        }
        length += (size_t)count;
    }
    return (ssize_t)length;
}

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
    if (length > SECRET_FILE_SIZE) {
        return error_set(error, ERROR_USAGE,
                         "%s: the file %s has more than %d bytes; it must hold one secret", variable, path,
                         SECRET_FILE_SIZE);
    }
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

char *secret_file_read(const char *path, const char *variable, struct error *error) {
    // Not blocking, so that a pipe nobody writes to is no trap.
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = memory_allocate(SECRET_FILE_SIZE + 2, 1); // one to notice too much, one for the zero byte
    ssize_t length = file < 0 ? -1 : read_fully(file, text, SECRET_FILE_SIZE + 1);
    if (length < 0) {
        error_set(error, ERROR_USAGE, "%s: the file %s cannot be read: %s", variable, path, strerror(errno));
    }
    if (file >= 0) {
        close(file);
    }
    char *secret = NULL;
    if (length >= 0 && check(text, (size_t)length, path, variable, error)) {
        text[without_line_break(text, (size_t)length)] = '\0';
        secret = memory_copy_text(text);
    }
    memory_wipe(text, SECRET_FILE_SIZE + 2);
    free(text);
    return secret;
}
