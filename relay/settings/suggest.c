// SPDX-License-Identifier: Apache-2.0
// The nearest name by edit distance (Levenshtein); see suggest.h.
#include "settings/suggest.h"

#include "settings/options.h"

#include <string.h>

enum { LONGEST_NAME = 48, MOST_EDITS = 2 };

static size_t smallest(size_t first, size_t second, size_t third) {
    size_t least = first < second ? first : second;
    return least < third ? least : third;
}

// One row of the usual table is enough: row[j] is the distance of what was read of `name` from flag[0..j).
static size_t distance(const char *name, size_t length, const char *flag) {
    size_t row[LONGEST_NAME + 1];
    size_t flag_length = strlen(flag);
    for (size_t column = 0; column <= flag_length; column++) {
        row[column] = column;
    }
    for (size_t line = 1; line <= length; line++) {
        size_t diagonal = row[0];
        row[0] = line;
        for (size_t column = 1; column <= flag_length; column++) {
            size_t replaced = diagonal + (name[line - 1] == flag[column - 1] ? 0 : 1);
            diagonal = row[column];
            row[column] = smallest(row[column] + 1, row[column - 1] + 1, replaced);
        }
    }
    return row[flag_length];
}

// Takes `candidate` when it is nearer to the name than what was found before.
static void consider(const char **nearest, size_t *least, const char *name, size_t length,
                     const char *candidate) {
    if (length > LONGEST_NAME || strlen(candidate) > LONGEST_NAME) {
        return;
    }
    size_t edits = distance(name, length, candidate);
    if (edits < *least && edits * 3 <= length) {
        *nearest = candidate;
        *least = edits;
    }
}

const char *suggest_flag(const char *name, size_t length, unsigned commands) {
    const char *nearest = NULL;
    size_t least = MOST_EDITS + 1;
    for (int index = 0; index < OPTION_COUNT; index++) {
        const struct option *option = &options[index];
        if (option->flag != NULL && (option->commands & commands) != 0) {
            consider(&nearest, &least, name, length, option->flag);
        }
    }
    return nearest;
}

const char *suggest_variable(const char *name) {
    const char *nearest = NULL;
    size_t least = MOST_EDITS + 1;
    for (int index = 0; index < OPTION_COUNT; index++) {
        if (options[index].variable != NULL) {
            consider(&nearest, &least, name, strlen(name), options[index].variable);
        }
    }
    return nearest;
}
