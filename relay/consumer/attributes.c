// SPDX-License-Identifier: Apache-2.0
#include "consumer/attributes.h"

#include "consumer/texts.h"

static const char *const names[ATTRIBUTE_COUNT] = {
    [ATTRIBUTE_EVENT_ID] = "event-id",
    [ATTRIBUTE_EVENT_TYPE] = "event-type",
    [ATTRIBUTE_EVENT_VERSION] = "event-version",
    [ATTRIBUTE_AGGREGATE_ID] = "aggregate-id",
    [ATTRIBUTE_CORRELATION_ID] = "correlation-id",
    [ATTRIBUTE_TRACEPARENT] = "traceparent",
};

void attributes_of_message(struct attributes *ret, const struct incoming *incoming, struct buffer *texts) {
    *ret = (struct attributes){0};
    for (int place = 0; place < incoming->attribute_count; place++) {
        const struct incoming_attribute *attribute = &incoming->attributes[place];
        for (int index = 0; index < ATTRIBUTE_COUNT; index++) {
            if (attribute->value.length <= EVENT_TEXT_MAX && slice_equals(attribute->name, names[index])) {
                ret->value[index] = texts_copy(texts, attribute->value);
            }
        }
    }
}

static bool read_value(const struct member *member, struct slice *ret, struct buffer *texts,
                       struct error *error) {
    enum { TYPE, VALUE, COUNT };
    struct member parts[COUNT] = {[TYPE] = {.name = "Type"}, [VALUE] = {.name = "Value"}};
    const char *fault = NULL;
    struct slice type;
    if (member->raw.data == NULL) {
        return true;
    }
    bool read = !member->twice && members_read(member->raw, parts, COUNT, &fault) == JSON_OBJECT &&
                texts_read(texts, &parts[TYPE], &type, NULL) && texts_read(texts, &parts[VALUE], ret, NULL);
    if (!read) {
        return error_set(error, ERROR_USAGE,
                         "the message attribute %s must be there once, with a Type and a Value",
                         member->name);
    }
    if (ret->length > EVENT_TEXT_MAX || slice_equals(type, "Binary")) {
        *ret = (struct slice){0};
    }
    return true;
}

bool attributes_of_envelope(struct attributes *ret, const struct member *member, struct buffer *texts,
                            struct error *error) {
    struct member members[ATTRIBUTE_COUNT] = {0};
    const char *fault = NULL;
    *ret = (struct attributes){0};
    if (!member->twice && member_is_null(member)) {
        return true;
    }
    for (int index = 0; index < ATTRIBUTE_COUNT; index++) {
        members[index].name = names[index];
    }
    if (member->twice || members_read(member->raw, members, ATTRIBUTE_COUNT, &fault) != JSON_OBJECT) {
        return error_set(error, ERROR_USAGE, "%s must be there once, and an object", member->name);
    }
    for (int index = 0; index < ATTRIBUTE_COUNT; index++) {
        if (!read_value(&members[index], &ret->value[index], texts, error)) {
            return false;
        }
    }
    return true;
}

bool attributes_identify(const struct attributes *attributes) {
    return attributes->value[ATTRIBUTE_EVENT_ID].length > 0 &&
           attributes->value[ATTRIBUTE_EVENT_TYPE].length > 0;
}
