// SPDX-License-Identifier: Apache-2.0
// Any bytes, as a string and as JSON to splice: what comes out has no byte below 0x20, no U+FFFE and no
// U+FFFF. A string that is UTF-8 must read back as it was; JSON that parses must still parse.
#include "base/utf8.h"
#include "message/json.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 16 << 20 };

static void check(bool holds) {
    if (!holds) {
        abort();
    }
}

static void check_characters(const struct buffer *buffer) {
    for (size_t index = 0; index < buffer->length; index++) {
        const unsigned char *byte = (const unsigned char *)buffer->data + index;
        check(*byte >= 0x20);
        check(index + 2 >= buffer->length || memcmp(byte, "\xef\xbf", 2) != 0 || byte[2] < 0xBE ||
              byte[2] > 0xBF);
    }
}

static bool utf8_valid(struct slice text) {
    while (text.length > 0) {
        uint32_t character;
        size_t taken = utf8_decode(text.data, text.length, &character);
        if (taken == 0) {
            return false;
        }
        text = (struct slice){text.data + taken, text.length - taken};
    }
    return true;
}

static void check_string(struct slice text) {
    struct buffer buffer;

    buffer_init(&buffer, LIMIT);
    json_append_string(&buffer, text);
    check_characters(&buffer);
    if (memchr(text.data, 0, text.length) == NULL && utf8_valid(text)) {
        cJSON *string = cJSON_ParseWithLength(buffer.data, buffer.length);
        const char *value = cJSON_GetStringValue(string);
        check(value != NULL && strlen(value) == text.length && memcmp(value, text.data, text.length) == 0);
        cJSON_Delete(string);
    }
    buffer_free(&buffer);
}

static void check_splice(struct slice json) {
    struct buffer buffer;
    cJSON *before = utf8_valid(json) ? cJSON_ParseWithLength(json.data, json.length) : NULL;

    buffer_init(&buffer, LIMIT);
    json_splice(&buffer, json);
    check_characters(&buffer);
    if (before != NULL) {
        cJSON *after = cJSON_ParseWithLength(buffer.data, buffer.length);
        check(after != NULL);
        cJSON_Delete(after);
    }
    cJSON_Delete(before);
    buffer_free(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct slice input = {(const char *)data, size};

    if (size > 0) {
        check_string(input);
        check_splice(input);
    }
    return 0;
}
