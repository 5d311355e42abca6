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

static bool take_some(struct slice *rest, char from, char to) {
    size_t length = 0;
    while (length < rest->length && rest->data[length] >= from && rest->data[length] <= to) {
        length++;
    }
    *rest = (struct slice){rest->data + length, rest->length - length};
    return length > 0;
}

// Words, two at least, and a number: us-east-1, us-gov-west-1, eusc-de-east-1. Other hosts of that domain are
// not SNS's, and one may be anybody's: sns.s3-us-west-2 would be the bucket "sns" of S3.
static bool take_region(struct slice *rest) {
    int words = 0;
    while (take_some(rest, 'a', 'z')) {
        if (!take(rest, "-")) {
            return false;
        }
        words++;
    }
    return words >= 2 && take_some(rest, '0', '9');
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
