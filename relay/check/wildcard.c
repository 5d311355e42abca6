// SPDX-License-Identifier: Apache-2.0
#include "check/wildcard.h"

#include "base/slice.h"

#include <ctype.h>

enum { ARN_COLONS = 5 };

static bool same(char one, char other, bool ignore_case) {
    return one == other || (ignore_case && tolower((unsigned char)one) == tolower((unsigned char)other));
}

// When what follows the last * does not match, that * takes one character more.
static bool matches(struct slice pattern, struct slice text, bool ignore_case) {
    size_t at = 0, place = 0;
    size_t star = pattern.length, star_place = 0;
    while (place < text.length) {
        if (at < pattern.length && pattern.data[at] == '*') {
            star = at++;
            star_place = place;
        } else if (at < pattern.length &&
                   (pattern.data[at] == '?' || same(pattern.data[at], text.data[place], ignore_case))) {
            at++;
            place++;
        } else if (star < pattern.length) {
            at = star + 1;
            place = ++star_place;
        } else {
            return false;
        }
    }
    while (at < pattern.length && pattern.data[at] == '*') {
        at++;
    }
    return at == pattern.length;
}

bool wildcard_matches(const char *pattern, const char *text, bool ignore_case) {
    return matches(slice_of_text(pattern), slice_of_text(text), ignore_case);
}

// Takes what stands before the next colon, or the rest, off the text.
static struct slice next_part(const char **text, bool is_last) {
    size_t length = is_last ? strlen(*text) : strcspn(*text, ":");
    struct slice part = {*text, length};
    *text += length + ((*text)[length] == ':' ? 1 : 0);
    return part;
}

bool wildcard_matches_arn(const char *pattern, const char *text) {
    if (strcmp(pattern, "*") == 0) {
        return true;
    }
    bool good = true;
    for (int part = 0; good && part <= ARN_COLONS; part++) {
        struct slice of_pattern = next_part(&pattern, part == ARN_COLONS);
        struct slice of_text = next_part(&text, part == ARN_COLONS);
        good = matches(of_pattern, of_text, false);
    }
    return good;
}
