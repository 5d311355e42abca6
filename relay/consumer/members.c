// SPDX-License-Identifier: Apache-2.0
#include "consumer/members.h"

#include "base/utf8.h"

#include <limits.h>

enum { ESCAPE_LENGTH = 6 /* \u0041 */, KEY_RAW_MAX = MEMBER_NAME_MAX * ESCAPE_LENGTH + 2 };

struct scan {
    const char *next;
    const char *end;
    const char *fault; // NULL: none so far
    int depth;
    unsigned char objects[MEMBERS_DEPTH_MAX / CHAR_BIT]; // a bit for each level: an object, not an array
};

static bool fail(struct scan *scan, const char *fault) {
    scan->fault = fault;
    return false;
}

static bool fail_syntax(struct scan *scan) {
    return fail(scan, "is not JSON");
}

static bool is_at(const struct scan *scan, char expected) {
    return scan->next < scan->end && *scan->next == expected;
}

static bool take(struct scan *scan, char expected) {
    if (!is_at(scan, expected)) {
        return false;
    }
    scan->next++;
    return true;
}

static void skip_space(struct scan *scan) {
    while (scan->next < scan->end &&
           (*scan->next == ' ' || *scan->next == '\t' || *scan->next == '\n' || *scan->next == '\r')) {
        scan->next++;
    }
}

static bool is_hexadecimal(char digit) {
    return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f') || (digit >= 'A' && digit <= 'F');
}

static size_t escape_length(const char *text, size_t left) {
    if (left < 2 || text[1] == '\0' || strchr("\"\\/bfnrtu", text[1]) == NULL) {
        return 0;
    }
    if (text[1] != 'u') {
        return 2;
    }
    if (left < ESCAPE_LENGTH) {
        return 0;
    }
    for (size_t index = 2; index < ESCAPE_LENGTH; index++) {
        if (!is_hexadecimal(text[index])) {
            return 0;
        }
    }
    return ESCAPE_LENGTH;
}

// What may stand in a string as it is: ASCII but for controls, the quote and the backslash.
static const bool plain[256] = {
    [0x20 ... 0x21] = true,
    [0x23 ... 0x5B] = true,
    [0x5D ... 0x7F] = true,
};

// How many bytes the character or the escape takes that begins here; 0 for what must not be in a string.
static size_t special_length(struct scan *scan, const char *next) {
    size_t left = (size_t)(scan->end - next);
    uint32_t character;
    if (*next == '\\') {
        return escape_length(next, left);
    }
    if ((unsigned char)*next < 0x80) {
        return 0;
    }
    size_t length = utf8_decode(next, left, &character);
    if (length == 0) {
        fail(scan, "is not valid UTF-8");
    }
    return length;
}

// Stands at the quote that begins it.
static bool skip_string(struct scan *scan) {
    const char *next = scan->next + 1;
    for (;;) {
        while (next < scan->end && plain[(unsigned char)*next]) {
            next++;
        }
        if (next == scan->end) {
            return fail_syntax(scan);
        }
        if (*next == '"') {
            scan->next = next + 1;
            return true;
        }
        size_t length = special_length(scan, next);
        if (length == 0) {
            return scan->fault != NULL ? false : fail_syntax(scan);
        }
        next += length;
    }
}

static bool skip_digits(struct scan *scan) {
    const char *begin = scan->next;
    while (scan->next < scan->end && *scan->next >= '0' && *scan->next <= '9') {
        scan->next++;
    }
    return scan->next > begin;
}

static bool skip_number(struct scan *scan) {
    (void)take(scan, '-');
    if (!take(scan, '0') && !skip_digits(scan)) {
        return fail_syntax(scan);
    }
    if (take(scan, '.') && !skip_digits(scan)) {
        return fail_syntax(scan);
    }
    if (take(scan, 'e') || take(scan, 'E')) {
        (void)(take(scan, '+') || take(scan, '-'));
        return skip_digits(scan) || fail_syntax(scan);
    }
    return true;
}

static bool skip_word(struct scan *scan, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(scan->end - scan->next) < length || memcmp(scan->next, word, length) != 0) {
        return fail_syntax(scan);
    }
    scan->next += length;
    return true;
}

static bool skip_scalar(struct scan *scan) {
    switch (scan->next < scan->end ? *scan->next : '\0') {
    case '"':
        return skip_string(scan);
    case 't':
        return skip_word(scan, "true");
    case 'f':
        return skip_word(scan, "false");
    case 'n':
        return skip_word(scan, "null");
    default:
        return skip_number(scan);
    }
}

static bool in_object(const struct scan *scan) {
    int level = scan->depth - 1;
    return (scan->objects[level / CHAR_BIT] >> (level % CHAR_BIT) & 1) != 0;
}

static bool enter(struct scan *scan) {
    bool object = *scan->next++ == '{';
    int level = scan->depth++;
    if (level == MEMBERS_DEPTH_MAX) {
        return fail(scan, "is nested more than 1000 levels deep");
    }
    unsigned char bit = (unsigned char)(1U << (level % CHAR_BIT));
    unsigned char *bits = &scan->objects[level / CHAR_BIT];
    *bits = (unsigned char)(object ? *bits | bit : *bits & ~bit);
    skip_space(scan);
    return true;
}

static bool take_closing(struct scan *scan) {
    if (!take(scan, in_object(scan) ? '}' : ']')) {
        return false;
    }
    scan->depth--;
    return true;
}

// The name of a member, and what comes before its value.
static bool take_name(struct scan *scan, struct slice *ret_name) {
    const char *begin = scan->next;
    if (!is_at(scan, '"')) {
        return fail_syntax(scan);
    }
    if (!skip_string(scan)) {
        return false;
    }
    *ret_name = (struct slice){begin, (size_t)(scan->next - begin)};
    skip_space(scan);
    if (!take(scan, ':')) {
        return fail_syntax(scan);
    }
    skip_space(scan);
    return true;
}

// In an array nothing comes before a value.
static bool skip_name(struct scan *scan) {
    struct slice name;
    return !in_object(scan) || take_name(scan, &name);
}

// Leaves the levels that end here, as far as `least`; behind a comma, goes on to the next value.
static bool leave(struct scan *scan, int least) {
    while (scan->depth > least) {
        skip_space(scan);
        if (take(scan, ',')) {
            skip_space(scan);
            return skip_name(scan);
        }
        if (!take_closing(scan)) {
            return fail_syntax(scan);
        }
    }
    return true;
}

static bool skip_value(struct scan *scan) {
    int least = scan->depth;
    do {
        if (is_at(scan, '{') || is_at(scan, '[')) {
            if (!enter(scan)) {
                return false;
            }
            if (!take_closing(scan)) { // it is not empty, so its first value comes next
                if (!skip_name(scan)) {
                    return false;
                }
                continue;
            }
        } else if (!skip_scalar(scan)) {
            return false;
        }
        if (!leave(scan, least)) {
            return false;
        }
    } while (scan->depth > least);
    return true;
}

static bool is_named(struct slice text, const char *name) {
    return strncmp(name, text.data, text.length) == 0 && name[text.length] == '\0';
}

// The text of a member's name; false when it can be none of those that are looked for.
static bool read_name(struct slice raw, char escaped[KEY_RAW_MAX], struct slice *ret) {
    *ret = (struct slice){raw.data + 1, raw.length - 2};
    if (memchr(raw.data, '\\', raw.length) == NULL) {
        return true;
    }
    ret->data = escaped;
    return raw.length <= KEY_RAW_MAX && json_unescape(raw, escaped, &ret->length);
}

static void note(struct member *members, int count, struct slice name, struct slice value) {
    char escaped[KEY_RAW_MAX];
    struct slice text;
    if (!read_name(name, escaped, &text)) {
        return;
    }
    for (int index = 0; index < count; index++) {
        struct member *member = &members[index];
        if ((text.length == 0 || text.data[0] == member->name[0]) && is_named(text, member->name)) {
            member->twice = member->raw.data != NULL;
            member->raw = value;
        }
    }
}

static bool read_object(struct scan *scan, struct member *members, int count) {
    if (!enter(scan)) {
        return false;
    }
    if (take_closing(scan)) {
        return true;
    }
    do {
        struct slice name = {0};
        skip_space(scan);
        if (!take_name(scan, &name)) {
            return false;
        }
        const char *begin = scan->next;
        if (!skip_value(scan)) {
            return false;
        }
        note(members, count, name, (struct slice){begin, (size_t)(scan->next - begin)});
        skip_space(scan);
    } while (take(scan, ','));
    return take_closing(scan) || fail_syntax(scan);
}

enum json_kind members_read(struct slice json, struct member *members, int count, const char **ret_fault) {
    struct scan scan = {.next = json.data, .end = json.length > 0 ? json.data + json.length : json.data};
    for (int index = 0; index < count; index++) {
        members[index].raw = (struct slice){0};
        members[index].twice = false;
    }
    skip_space(&scan);
    bool object = is_at(&scan, '{');
    bool read = object ? read_object(&scan, members, count) : skip_value(&scan);
    skip_space(&scan);
    if (read && scan.next < scan.end) {
        read = fail_syntax(&scan);
    }
    *ret_fault = scan.fault;
    return !read ? JSON_INVALID : object ? JSON_OBJECT : JSON_OTHER;
}

bool member_is_null(const struct member *member) {
    return member->raw.data == NULL || member->raw.data[0] == 'n';
}
