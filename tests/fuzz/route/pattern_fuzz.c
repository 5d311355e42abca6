// SPDX-License-Identifier: Apache-2.0
// Two lines: a pattern and an event type. A pattern that is accepted is matched, and must agree with a table
// that is filled from the definition; comparing is antisymmetric.
#include "route/pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = PATTERN_MAX + 1 };

struct words {
    const char *start[WORDS_MAX];
    size_t length[WORDS_MAX];
    size_t count;
};

static void split(const char *text, struct words *words) {
    for (words->count = 0; words->count < WORDS_MAX;) {
        size_t length = strcspn(text, ".");
        words->start[words->count] = text;
        words->length[words->count++] = length;
        if (text[length] == '\0') {
            return;
        }
        text += length + 1;
    }
}

static bool is_word(const struct words *words, size_t index, const char *text, size_t length) {
    return words->length[index] == length && memcmp(words->start[index], text, length) == 0;
}

// reachable[t]: the pattern's words so far can stand for the first t words of the type.
static bool matches(const struct words *pattern, const struct words *type) {
    bool reachable[WORDS_MAX + 1] = {true};

    for (size_t p = 0; p < pattern->count; p++) {
        if (is_word(pattern, p, "**", 2)) {
            for (size_t t = 1; t <= type->count; t++) {
                reachable[t] = reachable[t] || reachable[t - 1];
            }
            continue;
        }
        for (size_t t = type->count; t > 0; t--) {
            bool fits =
                is_word(pattern, p, "*", 1) || is_word(pattern, p, type->start[t - 1], type->length[t - 1]);
            reachable[t] = fits && reachable[t - 1];
        }
        reachable[0] = false;
    }
    return reachable[type->count];
}

static void check(const char *pattern, const char *type) {
    struct words pattern_words, type_words;
    struct error error;

    if (!pattern_valid(pattern, &error) || type[0] == '\0' || strlen(type) > PATTERN_MAX) {
        return;
    }
    split(pattern, &pattern_words);
    split(type, &type_words);
    if (pattern_matches(pattern, type) != matches(&pattern_words, &type_words)) {
        abort();
    }
    int forth = pattern_compare_specificity(pattern, type);
    int back = pattern_compare_specificity(type, pattern);
    if ((forth > 0) != (back < 0) || (forth == 0) != (strcmp(pattern, type) == 0)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);
    char *line_end = strchr(text, '\n');

    if (line_end != NULL) {
        *line_end = '\0';
        check(text, line_end + 1);
    }
    free(text);
    return 0;
}
