// SPDX-License-Identifier: Apache-2.0
#include "lambda/records.h"

#include "base/memory.h"
#include "settings/value.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdlib.h>

enum { SHOWN_MAX = 64 };

static const char remedy[] = "this function handles the messages of an SQS queue: let nothing but an event "
                             "source mapping of a queue invoke it";

// Whether a text can be shown, and put into JSON as it is.
static bool is_plain(const char *text, size_t most) {
    size_t length = strlen(text);
    for (size_t index = 0; index < length; index++) {
        unsigned char byte = (unsigned char)text[index];
        if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\') {
            return false;
        }
    }
    return length > 0 && length <= most;
}

static const char *text_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

// A text that may be missing is an empty slice.
static struct slice slice_of(const cJSON *object, const char *name) {
    const char *text = text_of(object, name);
    return text != NULL ? slice_of_text(text) : (struct slice){.data = ""};
}

static bool is_text_type(const char *type) {
    return type != NULL && (strncmp(type, "String", 6) == 0 || strncmp(type, "Number", 6) == 0);
}

static void read_message_attributes(struct incoming *incoming, const cJSON *attributes) {
    const cJSON *attribute = NULL;
    cJSON_ArrayForEach(attribute, attributes) {
        const char *value = text_of(attribute, "stringValue");
        if (value != NULL && attribute->string != NULL && is_text_type(text_of(attribute, "dataType")) &&
            incoming->attribute_count < INCOMING_ATTRIBUTES_MAX) {
            incoming->attributes[incoming->attribute_count++] = (struct incoming_attribute){
                .name = slice_of_text(attribute->string), .value = slice_of_text(value)};
        }
    }
}

static int receive_count(const cJSON *attributes) {
    const char *text = text_of(attributes, "ApproximateReceiveCount");
    int64_t count = 0;
    return text != NULL && value_parse_integer(text, &count) && count <= INT_MAX ? (int)count : 0;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text);
    size_t end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool fail(struct error *error, int number, const char *what) {
    return error_set(error, ERROR_USAGE, "record %d of the event %s; %s", number, what, remedy);
}

static bool check_source(const cJSON *record, int number, struct error *error) {
    const char *source = text_of(record, "eventSource");
    if (source == NULL) {
        return fail(error, number, "has no eventSource");
    }
    if (strcmp(source, "aws:sqs") != 0) {
        return error_set(error, ERROR_USAGE,
                         "record %d of the event has eventSource \"%s\" and not aws:sqs; %s", number,
                         is_plain(source, SHOWN_MAX) ? source : "(not shown)", remedy);
    }
    return true;
}

static bool read_record(struct incoming *incoming, const cJSON *record, int number, struct error *error) {
    if (!check_source(record, number, error)) {
        return false;
    }
    const char *id = text_of(record, "messageId");
    const char *body = text_of(record, "body");
    const char *queue = text_of(record, "eventSourceARN");
    if (id == NULL || !is_plain(id, RECORDS_MESSAGE_ID_MAX)) {
        return fail(error, number, "has no messageId of 1 to 100 printable characters");
    }
    if (body == NULL) {
        return fail(error, number, "has no body");
    }
    if (queue == NULL || queue[0] == '\0') { // without it nobody knows whether order counts
        return fail(error, number, "has no eventSourceARN");
    }
    const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(record, "attributes");
    incoming->message_id = slice_of_text(id);
    incoming->body = slice_of_text(body);
    incoming->group_id = slice_of(attributes, "MessageGroupId");
    incoming->fifo = ends_with(queue, ".fifo");
    incoming->receive_count = receive_count(attributes);
    read_message_attributes(incoming, cJSON_GetObjectItemCaseSensitive(record, "messageAttributes"));
    return true;
}

static const cJSON *find_list(const cJSON *json, struct error *error) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "Records");
    if (json == NULL) {
        error_set(error, ERROR_USAGE, "the event is no JSON; %s", remedy);
        return NULL;
    }
    if (!cJSON_IsArray(list)) {
        error_set(error, ERROR_USAGE, "the event has no list Records; %s", remedy);
        return NULL;
    }
    return list;
}

static bool read_list(struct records *records, const cJSON *list, struct error *error) {
    int count = cJSON_GetArraySize(list);
    if (count > RECORDS_MAX) {
        return error_set(error, ERROR_USAGE,
                         "the event has %d records, more than the %d of the largest batch; %s", count,
                         RECORDS_MAX, remedy);
    }
    records->items = memory_allocate((size_t)count + 1, sizeof(struct incoming));
    const cJSON *record = NULL;
    cJSON_ArrayForEach(record, list) {
        if (!read_record(&records->items[records->count], record, records->count + 1, error)) {
            return false;
        }
        records->count++;
    }
    return true;
}

bool records_parse(struct records *ret, struct slice event, struct error *error) {
    *ret = (struct records){.json = cJSON_ParseWithLength(event.data, event.length)};
    const cJSON *list = find_list(ret->json, error);
    bool parsed = list != NULL && read_list(ret, list, error);
    if (!parsed) {
        records_free(ret);
    }
    return parsed;
}

void records_free(struct records *records) {
    cJSON_Delete(records->json);
    free(records->items);
    *records = (struct records){.count = 0};
}
