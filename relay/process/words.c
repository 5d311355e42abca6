// SPDX-License-Identifier: Apache-2.0
#include "process/words.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// A position in the text, and where the words are written to: they never get longer than the text was.
struct splitting {
    const char *text;
    char *out;
    const char *problem;
};

static bool is_blank(char character) {
    return character != '\0' && strchr(" \t\r\n", character) != NULL;
}

static void copy(struct splitting *splitting) {
    *splitting->out++ = *splitting->text++;
}

// The backslash at the position is dropped, and what follows it copied.
static void copy_escaped(struct splitting *splitting) {
    splitting->text++;
    if (*splitting->text == '\0') {
        splitting->problem = "a backslash at its end escapes nothing";
    } else {
        copy(splitting);
    }
}

static void copy_quoted(struct splitting *splitting) {
    char quote = *splitting->text++;
    while (*splitting->text != '\0' && *splitting->text != quote) {
        bool escapes = quote == '"' && *splitting->text == '\\' &&
                       (splitting->text[1] == '"' || splitting->text[1] == '\\');
        if (escapes) {
            copy_escaped(splitting);
        } else {
            copy(splitting);
        }
    }
    if (*splitting->text == '\0') {
        splitting->problem = "a quote is not closed";
    } else {
        splitting->text++;
    }
}

static void copy_word(struct splitting *splitting) {
    while (*splitting->text != '\0' && !is_blank(*splitting->text) && splitting->problem == NULL) {
        if (*splitting->text == '\\') {
            copy_escaped(splitting);
        } else if (*splitting->text == '\'' || *splitting->text == '"') {
            copy_quoted(splitting);
        } else {
            copy(splitting);
        }
    }
    *splitting->out++ = '\0';
}

static void skip_blanks(struct splitting *splitting) {
    while (is_blank(*splitting->text)) {
        splitting->text++;
    }
}

char **words_split(const char *text, struct error *error) {
    size_t length = strlen(text);
    size_t most = length / 2 + 2; // words are a character and a blank at least
    char **words = memory_allocate(1, most * sizeof *words + length + 1);
    struct splitting splitting = {.text = text, .out = (char *)(words + most)};
    size_t count = 0;
    skip_blanks(&splitting);
    while (*splitting.text != '\0' && splitting.problem == NULL) {
        words[count++] = splitting.out;
        copy_word(&splitting);
        skip_blanks(&splitting);
    }
    if (count == 0) {
        splitting.problem = "it is empty";
    }
    if (splitting.problem != NULL) {
        error_set(error, ERROR_USAGE, "the command cannot be split into words: %s", splitting.problem);
        free(words);
        return NULL;
    }
    return words;
}
