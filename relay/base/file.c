// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

enum { CHUNK = 4096 };

// Reads once; returns how many bytes, or -1 with errno.
static ssize_t read_some(int file, void *bytes, size_t size) {
    ssize_t count;
    do {
        count = read(file, bytes, size);
    } while (count < 0 && errno == EINTR);
    return count;
}

// A buffer that is full is the whole file only if nothing more comes.
static ssize_t read_chunk(struct buffer *ret, int file) {
    size_t left = ret->limit - ret->length;
    if (left == 0) {
        char more;
        ssize_t count = read_some(file, &more, 1);
        errno = count > 0 ? EFBIG : errno;
        return count > 0 ? -1 : count;
    }
    size_t size = left < CHUNK ? left : CHUNK;
    ssize_t count = read_some(file, buffer_reserve(ret, size), size);
    if (count > 0) {
        buffer_advance(ret, (size_t)count);
    }
    return count;
}

bool file_read(struct buffer *ret, const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return false;
    }
    ssize_t count;
    do {
        count = read_chunk(ret, file);
    } while (count > 0);
    int problem = errno;
    close(file);
    errno = problem;
    return count == 0;
}
