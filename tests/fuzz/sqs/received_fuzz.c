// SPDX-License-Identifier: Apache-2.0
// Any JSON as a message of SQS: what is accepted has a handle, and views that lie within the document.
#include "sqs/received.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>

static size_t touch(struct slice slice) {
    size_t sum = slice.length;
    for (size_t index = 0; index < slice.length; index++) {
        sum += (unsigned char)slice.data[index];
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cJSON *json = cJSON_ParseWithLength((const char *)data, size);
    struct received received;
    size_t sum = 0;

    if (received_read(&received, json, size % 2 == 0)) {
        const struct incoming *incoming = &received.incoming;
        if (received.handle[0] == '\0' || incoming->receive_count < 0 ||
            incoming->attribute_count > INCOMING_ATTRIBUTES_MAX) {
            abort();
        }
        sum += touch(incoming->message_id) + touch(incoming->body) + touch(incoming->group_id);
        for (int index = 0; index < incoming->attribute_count; index++) {
            sum += touch(incoming->attributes[index].name) + touch(incoming->attributes[index].value);
        }
    }
    cJSON_Delete(json);
    return sum == SIZE_MAX ? -1 : 0; // so that nothing is left out
}
