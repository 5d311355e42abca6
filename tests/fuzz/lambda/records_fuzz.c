// SPDX-License-Identifier: Apache-2.0
// Any bytes as the event of an invocation. What is parsed has identifiers that can be put into JSON as they
// are; the rest has an error.
#include "lambda/records.h"

#include <stdint.h>
#include <stdlib.h>

static void check(bool holds) {
    if (!holds) {
        abort();
    }
}

static void touch(struct slice slice) {
    check(slice.data != NULL && strlen(slice.data) == slice.length);
}

static void check_item(const struct incoming *incoming) {
    touch(incoming->body);
    touch(incoming->group_id);
    touch(incoming->message_id);
    check(incoming->message_id.length > 0 && incoming->message_id.length <= RECORDS_MESSAGE_ID_MAX);
    for (size_t index = 0; index < incoming->message_id.length; index++) {
        char byte = incoming->message_id.data[index];
        check(byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\');
    }
    check(incoming->receive_count >= 0);
    check(incoming->attribute_count >= 0 && incoming->attribute_count <= INCOMING_ATTRIBUTES_MAX);
    for (int index = 0; index < incoming->attribute_count; index++) {
        touch(incoming->attributes[index].name);
        touch(incoming->attributes[index].value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct records records;
    struct error error = {.code = ERROR_NONE};
    bool good = records_parse(&records, (struct slice){(const char *)data, size}, &error);

    check(good == (error.code == ERROR_NONE));
    check(good || (records.count == 0 && error.text[0] != '\0'));
    for (int index = 0; index < records.count; index++) {
        check_item(&records.items[index]);
    }
    records_free(&records);
    return 0;
}
