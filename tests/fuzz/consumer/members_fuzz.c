// SPDX-License-Identifier: Apache-2.0
// Any bytes as JSON: what is taken for it, cJSON takes too (as far as it can), each member is JSON by itself,
// and a text without its escapes is the one that cJSON reads.
#include "consumer/members.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>

enum { CJSON_NUMBER_MAX = 60, CJSON_DEPTH_MAX = 900 };

static void check(bool holds) {
    if (!holds) {
        abort();
    }
}

// cJSON cannot read long numbers, nor half of a surrogate pair, and ends texts at a zero byte; it goes less
// deep.
static bool is_for_cjson(struct slice json) {
    size_t digits = 0, depth = 0;
    for (size_t index = 0; index < json.length; index++) {
        char byte = json.data[index];
        digits = byte != '\0' && strchr("+-.0123456789eE", byte) != NULL ? digits + 1 : 0;
        depth += byte == '[' || byte == '{';
        if (digits > CJSON_NUMBER_MAX || depth > CJSON_DEPTH_MAX ||
            (byte == 'u' && index > 0 && json.data[index - 1] == '\\')) {
            return false;
        }
    }
    return true;
}

static void check_text(struct slice raw) {
    size_t length = 0;
    char *to = malloc(raw.length);
    if (raw.data[0] == '"' && json_unescape(raw, to, &length)) {
        check(length <= raw.length - 2);
        cJSON *text = is_for_cjson(raw) ? cJSON_ParseWithLength(raw.data, raw.length) : NULL;
        if (text != NULL) {
            const char *value = cJSON_GetStringValue(text);
            check(value != NULL && strlen(value) == length && memcmp(value, to, length) == 0);
        }
        cJSON_Delete(text);
    }
    free(to);
}

static void check_member(const struct member *member) {
    const char *fault = NULL;
    if (member->raw.data == NULL) {
        check(!member->twice);
        return;
    }
    check(members_read(member->raw, NULL, 0, &fault) != JSON_INVALID);
    check(member->raw.data[0] > ' ' && member->raw.data[member->raw.length - 1] > ' ');
    check_text(member->raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct slice json = {(const char *)data, size};
    struct member members[] = {{.name = "a"}, {.name = "Message"}, {.name = ""}};
    const char *fault = NULL;
    enum json_kind kind = members_read(json, members, 3, &fault);
    check((kind == JSON_INVALID) == (fault != NULL));
    if (kind == JSON_INVALID) {
        return 0;
    }
    for (int index = 0; index < 3; index++) {
        check(kind == JSON_OBJECT || members[index].raw.data == NULL);
        check_member(&members[index]);
    }
    if (is_for_cjson(json)) {
        cJSON *tree = cJSON_ParseWithLength(json.data, json.length);
        check(tree != NULL && cJSON_IsObject(tree) == (kind == JSON_OBJECT));
        cJSON_Delete(tree);
    }
    return 0;
}
