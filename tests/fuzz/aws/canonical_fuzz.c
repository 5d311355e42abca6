// SPDX-License-Identifier: Apache-2.0
// Any text as query and as path: the canonical form is printable, and that of a query is its own canonical
// form; a path has no segment that is to be normalized.
#include "aws/canonical.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 1 << 16 };

static void check_printable(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            abort();
        }
    }
}

static void check_query(const char *query) {
    struct buffer once, twice;
    struct error error;

    buffer_init(&once, LIMIT);
    buffer_init(&twice, LIMIT);
    if (canonical_append_query(&once, query, &error) && !once.overflow) {
        check_printable(buffer_text(&once));
        if (!canonical_append_query(&twice, buffer_text(&once), &error) ||
            strcmp(buffer_text(&once), buffer_text(&twice)) != 0) {
            abort();
        }
    }
    buffer_free(&once);
    buffer_free(&twice);
}

static void check_path(const char *path) {
    struct buffer buffer;

    buffer_init(&buffer, LIMIT);
    canonical_append_path(&buffer, path);
    const char *text = buffer_text(&buffer);
    if (!buffer.overflow) {
        check_printable(text);
        size_t length = strlen(text);
        if (text[0] != '/' || strstr(text, "//") != NULL || strstr(text, "/./") != NULL ||
            strstr(text, "/../") != NULL || (length >= 2 && strcmp(text + length - 2, "/.") == 0) ||
            (length >= 3 && strcmp(text + length - 3, "/..") == 0)) {
            abort();
        }
    }
    buffer_free(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);

    check_query(text);
    check_path(text);
    free(text);
    return 0;
}
