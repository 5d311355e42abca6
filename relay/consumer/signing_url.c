// SPDX-License-Identifier: Apache-2.0
// Whoever chooses the certificate chooses whose signature counts, so nothing passes here that two readers of
// URLs could take for different hosts.
#include "consumer/signature.h"

static bool take(struct slice *rest, const char *text) {
    size_t length = strlen(text);
    if (rest->length < length || memcmp(rest->data, text, length) != 0) {
        return false;
    }
    *rest = (struct slice){rest->data + length, rest->length - length};
    return true;
}

static bool is_alphanumeric(char character) {
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
}

static bool take_region(struct slice *rest) {
    enum { SHORTEST = 3 };
    size_t length = 0;
    while (length < rest->length && (is_alphanumeric(rest->data[length]) || rest->data[length] == '-')) {
        length++;
    }
    *rest = (struct slice){rest->data + length, rest->length - length};
    return length >= SHORTEST;
}

static bool path_valid(struct slice path) {
    static const char ending[] = ".pem";
    size_t length = sizeof ending - 1;
    for (size_t index = 0; index < path.length; index++) {
        char character = path.data[index];
        bool letter = is_alphanumeric(character) || (character >= 'A' && character <= 'Z');
        bool dots = character == '.' && index > 0 && path.data[index - 1] == '.';
        if (dots || (!letter && memchr("/-_.", character, 4) == NULL)) {
            return false;
        }
    }
    return path.length > length && memcmp(path.data + path.length - length, ending, length) == 0;
}

bool signing_url_valid(struct slice url) {
    struct slice rest = url;
    if (url.length > SIGNING_URL_MAX || !take(&rest, "https://sns.") || !take_region(&rest) ||
        !take(&rest, ".amazonaws.com")) {
        return false;
    }
    (void)take(&rest, ".cn");
    return take(&rest, "/") && path_valid(rest);
}
