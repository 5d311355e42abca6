// SPDX-License-Identifier: Apache-2.0
// Any text as a command line: the words together are no longer than it, and quoted each by itself they are
// split into the same words again.
#include "base/buffer.h"
#include "process/words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void append_quoted(struct buffer *line, const char *word) {
    buffer_append_char(line, ' ');
    buffer_append_char(line, '\'');
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            buffer_append_text(line, "'\\''");
        } else {
            buffer_append_char(line, *word);
        }
    }
    buffer_append_char(line, '\'');
}

static void check(char *const *words, size_t length) {
    struct buffer line;
    size_t total = 0, count = 0;

    buffer_init(&line, 16 * length + 64);
    for (; words[count] != NULL; count++) {
        total += strlen(words[count]);
        append_quoted(&line, words[count]);
    }
    char **again = words_split(buffer_text(&line), NULL);
    if (total > length || again == NULL || line.overflow) {
        abort();
    }
    for (size_t index = 0; index <= count; index++) {
        if ((again[index] == NULL) != (words[index] == NULL) ||
            (again[index] != NULL && strcmp(again[index], words[index]) != 0)) {
            abort();
        }
    }
    free(again);
    buffer_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);
    struct error error = {.code = ERROR_NONE};
    char **words = words_split(text, &error);

    if (words != NULL) {
        check(words, strlen(text));
    } else if (error.code != ERROR_USAGE) {
        abort();
    }
    free(words);
    free(text);
    return 0;
}
