// SPDX-License-Identifier: Apache-2.0
#include "consumer/texts.h"

#include "base/utf8.h"

void texts_init(struct buffer *texts, size_t bytes) {
    buffer_init(texts, bytes);
    (void)buffer_reserve(texts, bytes);
}

struct slice texts_copy(struct buffer *texts, struct slice text) {
    size_t begin = texts->length;
    buffer_append(texts, text.data, text.length);
    return (struct slice){texts->data + begin, texts->length - begin};
}

bool texts_read(struct buffer *texts, const struct member *member, struct slice *ret, struct error *error) {
    size_t length = 0;
    *ret = (struct slice){0};
    if (member->twice) {
        return error_set(error, ERROR_USAGE, "%s is there twice", member->name);
    }
    if (member_is_null(member)) {
        return true;
    }
    if (member->raw.data[0] != '"') {
        return error_set(error, ERROR_USAGE, "%s must be a text", member->name);
    }
    char *place = buffer_reserve(texts, member->raw.length);
    if (place == NULL) {
        return error_set(error, ERROR_USAGE, "%s is too long", member->name);
    }
    if (!json_unescape(member->raw, place, &length)) {
        return error_set(error, ERROR_USAGE, "%s holds \\u0000 or half of a surrogate pair", member->name);
    }
    buffer_advance(texts, length);
    *ret = (struct slice){place, length};
    return true;
}

static char lower(char character) {
    return character >= 'A' && character <= 'Z' ? (char)(character | 0x20) : character;
}

static bool is_uuid_character(char character, int index) {
    if (index == 8 || index == 13 || index == 18 || index == 23) {
        return character == '-';
    }
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f');
}

bool text_event_id(struct slice text, char ret[DOMAIN_EVENT_ID_SIZE]) {
    if (text.length != DOMAIN_EVENT_ID_SIZE - 1) {
        return false;
    }
    for (int index = 0; index < DOMAIN_EVENT_ID_SIZE - 1; index++) {
        ret[index] = lower(text.data[index]);
        if (!is_uuid_character(ret[index], index)) {
            return false;
        }
    }
    ret[DOMAIN_EVENT_ID_SIZE - 1] = '\0';
    return true;
}

static bool is_word_character(char character) {
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
           character == '-' || character == '_';
}

bool text_event_type(struct slice text) {
    bool in_word = false;
    if (text.length > EVENT_TYPE_MAX) {
        return false;
    }
    for (size_t index = 0; index < text.length; index++) {
        if (!is_word_character(text.data[index]) && (text.data[index] != '.' || !in_word)) {
            return false;
        }
        in_word = text.data[index] != '.';
    }
    return in_word;
}

bool text_is_plain(struct slice text) {
    if (text.length > EVENT_TEXT_MAX) {
        return false;
    }
    for (size_t index = 0; index < text.length;) {
        uint32_t character;
        size_t taken = utf8_decode(text.data + index, text.length - index, &character);
        if (taken == 0 || character < 0x20 || (character >= 0x7F && character < 0xA0)) {
            return false;
        }
        index += taken;
    }
    return true;
}

bool slice_equals(struct slice slice, const char *text) {
    return slice.length == strlen(text) && (slice.length == 0 || memcmp(slice.data, text, slice.length) == 0);
}
