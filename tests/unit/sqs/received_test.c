// SPDX-License-Identifier: Apache-2.0
#include "sqs/received.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static cJSON *parse(const char *text) {
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    return json;
}

static void assert_slice(struct slice slice, const char *text) {
    assert_int_equal(slice.length, strlen(text));
    assert_memory_equal(slice.data, text, slice.length);
}

static void a_message_is_read(void **state) {
    struct received received;
    cJSON *json = parse(
        "{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"MD5OfBody\":\"x\",\"Body\":\"caf\\u00e9 \\\"\\n\","
        "\"Attributes\":{\"ApproximateReceiveCount\":\"3\",\"MessageGroupId\":\"g\",\"SenderId\":\"s\"},"
        "\"MessageAttributes\":{\"event-id\":{\"DataType\":\"String\",\"StringValue\":\"e\"},"
        "\"blob\":{\"DataType\":\"Binary\",\"BinaryValue\":\"AAAA\"},"
        "\"n\":{\"DataType\":\"Number\",\"StringValue\":\"7\"}}}");

    (void)state;
    assert_true(received_read(&received, json, true));
    assert_string_equal(received.handle, "h");
    assert_slice(received.incoming.message_id, "m");
    assert_slice(received.incoming.body, "caf\xc3\xa9 \"\n");
    assert_slice(received.incoming.group_id, "g");
    assert_true(received.incoming.fifo);
    assert_int_equal(received.incoming.receive_count, 3);
    assert_int_equal(received.incoming.attribute_count, 2);
    assert_slice(received.incoming.attributes[0].name, "event-id");
    assert_slice(received.incoming.attributes[0].value, "e");
    assert_slice(received.incoming.attributes[1].name, "n");
    assert_slice(received.incoming.attributes[1].value, "7");
    cJSON_Delete(json);
}

static void what_is_missing_is_empty(void **state) {
    struct received received;
    cJSON *json = parse("{\"ReceiptHandle\":\"h\",\"Body\":\"\",\"Attributes\":[],\"MessageAttributes\":7}");

    (void)state;
    assert_true(received_read(&received, json, false));
    assert_slice(received.incoming.body, "");
    assert_slice(received.incoming.message_id, "");
    assert_slice(received.incoming.group_id, "");
    assert_false(received.incoming.fifo);
    assert_int_equal(received.incoming.receive_count, 0);
    assert_int_equal(received.incoming.attribute_count, 0);
    cJSON_Delete(json);
}

static void what_is_no_message_is_refused(void **state) {
    static const char *const messages[] = {
        "{}",
        "[]",
        "7",
        "null",
        "{\"Body\":\"b\"}",
        "{\"ReceiptHandle\":\"h\"}",
        "{\"ReceiptHandle\":\"\",\"Body\":\"b\"}",
        "{\"ReceiptHandle\":7,\"Body\":\"b\"}",
        "{\"ReceiptHandle\":\"h\",\"Body\":{}}",
        "[{\"ReceiptHandle\":\"h\",\"Body\":\"b\"}]",
    };

    (void)state;
    for (size_t index = 0; index < sizeof messages / sizeof messages[0]; index++) {
        struct received received;
        cJSON *json = parse(messages[index]);
        assert_false(received_read(&received, json, false));
        cJSON_Delete(json);
    }
    assert_false(received_read(&(struct received){0}, NULL, false));
}

static void counts_are_digits(void **state) {
    static const struct {
        const char *text;
        int count;
    } counts[] = {{"\"1\"", 1},
                  {"\"2147483647\"", INT32_MAX},
                  {"\"99999999999999999999\"", INT32_MAX},
                  {"\"-1\"", 0},
                  {"\" 1\"", 0},
                  {"\"\"", 0},
                  {"\"many\"", 0},
                  {"5", 0},
                  {"null", 0}};

    (void)state;
    for (size_t index = 0; index < sizeof counts / sizeof counts[0]; index++) {
        char text[200];
        struct received received;
        snprintf(text, sizeof text,
                 "{\"ReceiptHandle\":\"h\",\"Body\":\"b\",\"Attributes\":{\"ApproximateReceiveCount\":%s}}",
                 counts[index].text);
        cJSON *json = parse(text);
        assert_true(received_read(&received, json, false));
        assert_int_equal(received.incoming.receive_count, counts[index].count);
        cJSON_Delete(json);
    }
}

static void the_time_of_sending_is_digits(void **state) {
    static const struct {
        const char *text;
        int64_t sent_at;
    } times[] = {
        {"\"1767225600250\"", INT64_C(1767225600250000)},
        {"\"-5\"", 0},
        {"\"soon\"", 0},
        {"1767225600250", 0},
        {"\"99999999999999999999\"", 0},
    };

    (void)state;
    for (size_t index = 0; index < sizeof times / sizeof times[0]; index++) {
        char text[160];
        struct received received;
        (void)snprintf(text, sizeof text,
                       "{\"ReceiptHandle\":\"h\",\"Body\":\"b\",\"Attributes\":{\"SentTimestamp\":%s}}",
                       times[index].text);
        cJSON *json = parse(text);
        assert_true(received_read(&received, json, false));
        assert_int_equal(received.sent_at, times[index].sent_at);
        cJSON_Delete(json);
    }
}

static void attributes_are_ten_at_most(void **state) {
    struct received received;
    cJSON *json = parse("{\"ReceiptHandle\":\"h\",\"Body\":\"b\"}");
    cJSON *attributes = cJSON_AddObjectToObject(json, "MessageAttributes");

    (void)state;
    for (int index = 0; index < 12; index++) {
        char name[20];
        snprintf(name, sizeof name, "n%d", index);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(attributes, name), "StringValue", "v");
    }
    assert_true(received_read(&received, json, false));
    assert_int_equal(received.incoming.attribute_count, INCOMING_ATTRIBUTES_MAX);
    assert_slice(received.incoming.attributes[9].name, "n9");
    cJSON_Delete(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_read),
        cmocka_unit_test(what_is_missing_is_empty),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(counts_are_digits),
        cmocka_unit_test(the_time_of_sending_is_digits),
        cmocka_unit_test(attributes_are_ten_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
