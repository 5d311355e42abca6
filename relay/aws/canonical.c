// SPDX-License-Identifier: Apache-2.0
#include "aws/canonical.h"

#include "base/slice.h"

#include <stdlib.h>

#define BLANKS " \t"

// A pair of a query, its name and its value encoded in `encoded`.
struct pair {
    size_t name;
    size_t value; // behind the name
    size_t end;
};

static bool is_unreserved(unsigned char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

static void append_encoded(struct buffer *buffer, unsigned char byte) {
    static const char digits[] = "0123456789ABCDEF";
    if (is_unreserved(byte)) {
        buffer_append_char(buffer, (char)byte);
    } else {
        const char escape[] = {'%', digits[byte >> 4], digits[byte & 15]};
        buffer_append(buffer, escape, sizeof escape);
    }
}

static bool is_segment(struct slice segment, const char *text) {
    return segment.length == strlen(text) && memcmp(segment.data, text, segment.length) == 0;
}

static void drop_last_segment(struct buffer *buffer, size_t start) {
    size_t length = buffer->length;
    while (length > start && buffer->data[--length] != '/') {
    }
    buffer_truncate(buffer, length);
}

static void append_segment(struct buffer *buffer, struct slice segment) {
    buffer_append_char(buffer, '/');
    for (size_t index = 0; index < segment.length; index++) {
        append_encoded(buffer, (unsigned char)segment.data[index]);
    }
}

void canonical_append_path(struct buffer *buffer, const char *path) {
    size_t start = buffer->length;
    const char *place = path + strspn(path, "/");
    while (*place != '\0') {
        struct slice segment = {place, strcspn(place, "/")};
        if (is_segment(segment, "..")) {
            drop_last_segment(buffer, start);
        } else if (!is_segment(segment, ".")) {
            append_segment(buffer, segment);
        }
        place += segment.length;
        place += strspn(place, "/");
    }
    bool ends_with_slash = path[0] != '\0' && place[-1] == '/';
    if (ends_with_slash || buffer->length == start) {
        buffer_append_char(buffer, '/');
    }
}

static int digit_value(char digit) {
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *found = digit != '\0' ? strchr(digits, digit) : NULL;
    int value = found != NULL ? (int)(found - digits) : -1;
    return value < 16 ? value : value - 6;
}

// Encodes anew what is encoded in some way. Returns false at a broken escape.
static bool append_reencoded(struct buffer *encoded, struct slice text) {
    for (size_t index = 0; index < text.length; index++) {
        unsigned char byte = (unsigned char)text.data[index];
        if (byte == '%') {
            int high = index + 1 < text.length ? digit_value(text.data[index + 1]) : -1;
            int low = index + 2 < text.length ? digit_value(text.data[index + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            byte = (unsigned char)(high << 4 | low);
            index += 2;
        }
        append_encoded(encoded, byte);
    }
    return true;
}

static bool read_pair(struct buffer *encoded, struct slice text, struct pair *ret) {
    const char *equals = memchr(text.data, '=', text.length);
    size_t name_length = equals != NULL ? (size_t)(equals - text.data) : text.length;
    size_t value_start = equals != NULL ? name_length + 1 : name_length;
    ret->name = encoded->length;
    bool good = append_reencoded(encoded, (struct slice){text.data, name_length});
    ret->value = encoded->length;
    good =
        good && append_reencoded(encoded, (struct slice){text.data + value_start, text.length - value_start});
    ret->end = encoded->length;
    return good;
}

static int compare(const char *one, size_t one_length, const char *other, size_t other_length) {
    size_t common = one_length < other_length ? one_length : other_length;
    int order = memcmp(one, other, common);
    return order != 0 ? order : (one_length > other_length) - (one_length < other_length);
}

static bool comes_after(const char *data, const struct pair *one, const struct pair *other) {
    int order =
        compare(data + one->name, one->value - one->name, data + other->name, other->value - other->name);
    if (order == 0) {
        order =
            compare(data + one->value, one->end - one->value, data + other->value, other->end - other->value);
    }
    return order > 0;
}

static void insert_sorted(const char *data, struct pair *pairs, size_t count, struct pair pair) {
    size_t index = count;
    for (; index > 0 && comes_after(data, &pairs[index - 1], &pair); index--) {
        pairs[index] = pairs[index - 1];
    }
    pairs[index] = pair;
}

// Fills `pairs` in their order; `encoded` gets the texts.
static bool read_pairs(const char *query, struct buffer *encoded, struct pair pairs[CANONICAL_PAIRS_MAX],
                       size_t *ret_count, struct error *error) {
    size_t count = 0;
    for (const char *place = query; *place != '\0'; place += *place == '&') {
        struct slice text = {place, strcspn(place, "&")};
        struct pair pair;
        place += text.length;
        if (text.length == 0) {
            continue;
        }
        if (count == CANONICAL_PAIRS_MAX) {
            return error_set(error, ERROR_INTERNAL, "cannot sign a query of more than %d parameters",
                             CANONICAL_PAIRS_MAX);
        }
        if (!read_pair(encoded, text, &pair)) {
            return error_set(error, ERROR_INTERNAL,
                             "cannot sign a query in which %% is not followed by two digits: \"%.100s\"",
                             query);
        }
        if (!encoded->overflow) {
            insert_sorted(encoded->data, pairs, count++, pair);
        }
    }
    *ret_count = count;
    return true;
}

bool canonical_append_query(struct buffer *buffer, const char *query, struct error *error) {
    struct pair pairs[CANONICAL_PAIRS_MAX];
    struct buffer encoded;
    size_t count = 0;
    buffer_init(&encoded, buffer->limit);
    (void)buffer_reserve(&encoded, 1); // even an empty text has its place
    bool good = read_pairs(query, &encoded, pairs, &count, error);
    for (size_t index = 0; good && index < count; index++) {
        const struct pair *pair = &pairs[index];
        buffer_append_text(buffer, index == 0 ? "" : "&");
        buffer_append(buffer, encoded.data + pair->name, pair->value - pair->name);
        buffer_append_char(buffer, '=');
        buffer_append(buffer, encoded.data + pair->value, pair->end - pair->value);
    }
    buffer->overflow = buffer->overflow || encoded.overflow;
    buffer_free_secret(&encoded);
    return good;
}

void canonical_append_value(struct buffer *buffer, const char *value) {
    for (const char *separator = "";; separator = " ") {
        value += strspn(value, BLANKS);
        size_t length = strcspn(value, BLANKS);
        if (length == 0) {
            return;
        }
        buffer_append_text(buffer, separator);
        buffer_append(buffer, value, length);
        value += length;
    }
}
