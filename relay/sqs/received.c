// SPDX-License-Identifier: Apache-2.0
#include "sqs/received.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

static const char *text_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static struct slice slice_of(const cJSON *object, const char *name) {
    const char *text = text_of(object, name);
    return slice_of_text(text != NULL ? text : "");
}

// Digits, as SQS writes numbers; anything else is not known.
static int count_of(const cJSON *object, const char *name) {
    const char *text = text_of(object, name);
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return 0;
    }
    long count = strtol(text, NULL, 10);
    return count < INT_MAX ? (int)count : INT_MAX;
}

// SQS writes milliseconds.
static int64_t time_of(const cJSON *object, const char *name) {
    const char *text = text_of(object, name);
    int64_t milliseconds = text != NULL && text[0] >= '0' && text[0] <= '9' ? strtoll(text, NULL, 10) : 0;
    return milliseconds < INT64_MAX / 1000 ? milliseconds * 1000 : 0;
}

static void read_attributes(struct incoming *incoming, const cJSON *attributes) {
    const cJSON *attribute;
    cJSON_ArrayForEach(attribute, attributes) {
        const char *value = text_of(attribute, "StringValue");
        if (value != NULL && attribute->string != NULL &&
            incoming->attribute_count < INCOMING_ATTRIBUTES_MAX) {
            incoming->attributes[incoming->attribute_count++] = (struct incoming_attribute){
                .name = slice_of_text(attribute->string), .value = slice_of_text(value)};
        }
    }
}

bool received_read(struct received *ret, const struct cJSON *message, bool fifo) {
    const cJSON *system = cJSON_GetObjectItemCaseSensitive(message, "Attributes");
    const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(message, "MessageAttributes");
    const char *body = text_of(message, "Body");
    *ret = (struct received){.handle = text_of(message, "ReceiptHandle")};
    if (ret->handle == NULL || ret->handle[0] == '\0' || body == NULL) {
        return false;
    }
    ret->incoming.message_id = slice_of(message, "MessageId");
    ret->incoming.body = slice_of_text(body);
    ret->incoming.group_id = slice_of(system, "MessageGroupId");
    ret->incoming.fifo = fifo;
    ret->sent_at = time_of(system, "SentTimestamp");
    ret->incoming.receive_count = count_of(system, "ApproximateReceiveCount");
    if (cJSON_IsObject(attributes)) {
        read_attributes(&ret->incoming, attributes);
    }
    return true;
}
