// SPDX-License-Identifier: Apache-2.0
// The nearest flag by edit distance (Levenshtein); see suggest.h.
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

const char *suggest_flag(const char *name, size_t length, unsigned commands) {
    const char *nearest = NULL;
    size_t least = MOST_EDITS + 1;
    for (int index = 0; index < OPTION_COUNT; index++) {
        const struct option *option = &options[index];
        if (option->flag == NULL || (option->commands & commands) == 0 || length > LONGEST_NAME ||
            strlen(option->flag) > LONGEST_NAME) {
            continue;
        }
        size_t edits = distance(name, length, option->flag);
        if (edits < least && edits * 3 <= length) {
            nearest = option->flag;
            least = edits;
        }
    }
    return nearest;
}
