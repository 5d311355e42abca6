// SPDX-License-Identifier: Apache-2.0
// Matching goes word by word and, like the usual matcher of file names, only ever goes back to the last "**":
// giving an earlier one more words cannot help, since the last one can take as many. That keeps it free of
// exponential cases.
#include "route/pattern.h"

#include <stddef.h>
#include <string.h>

#define WORD_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-_"

// A cursor is the start of a word, or NULL behind the last one.
static size_t word_length(const char *word) {
    return strcspn(word, ".");
}

static const char *next_word(const char *word) {
    const char *end = word + word_length(word);
    return *end == '.' ? end + 1 : NULL;
}

static bool is_one(const char *word) {
    return word_length(word) == 1 && word[0] == '*';
}

static bool is_any(const char *word) {
    return word_length(word) == 2 && word[0] == '*' && word[1] == '*';
}

static bool refuse(const char *pattern, const char *rule, struct error *error) {
    return error_set(error, ERROR_USAGE, "pattern \"%.300s\": %s, as in order.created, order.* or **",
                     pattern, rule);
}

bool pattern_valid(const char *pattern, struct error *error) {
    if (pattern[0] == '\0' || strlen(pattern) > PATTERN_MAX) {
        return refuse(pattern, "it must have 1 to 256 bytes", error);
    }
    for (const char *word = pattern; word != NULL; word = next_word(word)) {
        size_t length = word_length(word);
        if (length == 0) {
            return refuse(pattern, "between, before and behind its dots must be a word", error);
        }
        if (!is_one(word) && !is_any(word) && strspn(word, WORD_CHARACTERS) != length) {
            return refuse(pattern, "each word must be *, ** or made of a-z, 0-9, hyphen and underscore",
                          error);
        }
    }
    return true;
}

static bool word_matches(const char *pattern_word, const char *type_word) {
    size_t length = word_length(pattern_word);

    return is_one(pattern_word) ||
           (length == word_length(type_word) && memcmp(pattern_word, type_word, length) == 0);
}

bool pattern_matches(const char *pattern, const char *event_type) {
    const char *type = event_type[0] == '\0' ? NULL : event_type;
    const char *after_any = NULL;  // what follows the last "**" met
    const char *retry_type = NULL; // where in the type that was last tried
    bool met_any = false;

    if (type == NULL) {
        return false;
    }
    while (type != NULL || pattern != NULL) {
        if (pattern != NULL && is_any(pattern)) {
            met_any = true;
            after_any = pattern = next_word(pattern);
            retry_type = type;
        } else if (pattern != NULL && type != NULL && word_matches(pattern, type)) {
            pattern = next_word(pattern);
            type = next_word(type);
        } else if (met_any && retry_type != NULL) {
            pattern = after_any;
            type = retry_type = next_word(retry_type);
        } else {
            return false;
        }
    }
    return true;
}

struct word_counts {
    int literal, one, any;
};

static struct word_counts count_words(const char *pattern) {
    struct word_counts counts = {0};

    for (const char *word = pattern; word != NULL; word = next_word(word)) {
        if (is_any(word)) {
            counts.any++;
        } else if (is_one(word)) {
            counts.one++;
        } else {
            counts.literal++;
        }
    }
    return counts;
}

int pattern_compare_specificity(const char *a, const char *b) {
    struct word_counts in_a = count_words(a);
    struct word_counts in_b = count_words(b);

    if (in_a.literal != in_b.literal) {
        return in_a.literal - in_b.literal;
    }
    if (in_a.any != in_b.any) {
        return in_b.any - in_a.any;
    }
    if (in_a.one != in_b.one) {
        return in_b.one - in_a.one;
    }
    return strcmp(a, b);
}
