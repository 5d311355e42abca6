// SPDX-License-Identifier: Apache-2.0
// The event of an invocation: what is taken from each record, and what is no event of a queue.
#include "base/buffer.h"
#include "lambda/records.h"

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

#define STANDARD                                                                                             \
    "\"eventSource\":\"aws:sqs\",\"eventSourceARN\":\"arn:aws:sqs:us-east-1:000000000000:orders\""
#define FIFO                                                                                                 \
    "\"eventSource\":\"aws:sqs\",\"eventSourceARN\":\"arn:aws:sqs:us-east-1:000000000000:orders.fifo\""
#define ONE(rest) "{\"Records\":[{" rest "}]}"

static bool parse(struct records *records, const char *event, struct error *error) {
    return records_parse(records, slice_of_text(event), error);
}

static struct records parsed(const char *event) {
    struct records records;
    struct error error = {.text = ""};
    if (!parse(&records, event, &error)) {
        fail_msg("%s: %s", event, error.text);
    }
    return records;
}

static void assert_slice(struct slice slice, const char *text) {
    assert_int_equal(slice.length, strlen(text));
    assert_memory_equal(slice.data, text, slice.length);
}

// As Lambda sends it; the order of members counts for nothing.
static void takes_a_record_apart(void **state) {
    struct records records = parsed(
        "{\"Records\":[{\"messageId\":\"059f36b4-87a3-44ab-83d2-661975830a7d\",\"receiptHandle\":\"AQEB+x/"
        "==\","
        "\"body\":\"{\\\"eventId\\\":\\\"\\u00fc\\\"}\",\"attributes\":{\"ApproximateReceiveCount\":\"3\","
        "\"SentTimestamp\":\"1545082649183\",\"SenderId\":\"AIDA\",\"MessageGroupId\":\"order-1\"},"
        "\"messageAttributes\":{\"event-type\":{\"stringValue\":\"order.created\",\"stringListValues\":[],"
        "\"binaryListValues\":[],\"dataType\":\"String\"},\"bytes\":{\"binaryValue\":\"AA==\",\"dataType\":"
        "\"Binary\"},\"size\":{\"dataType\":\"Number.int\",\"stringValue\":\"7\"}},"
        "\"md5OfBody\":\"e4e68fb7bd0e697a0ae8f1bb342846b3\"," STANDARD ",\"awsRegion\":\"us-east-1\"}]}");
    const struct incoming *incoming = records.items;

    (void)state;
    assert_int_equal(records.count, 1);
    assert_slice(incoming->message_id, "059f36b4-87a3-44ab-83d2-661975830a7d");
    assert_slice(incoming->body, "{\"eventId\":\"\xc3\xbc\"}");
    assert_slice(incoming->group_id, "order-1");
    assert_false(incoming->fifo);
    assert_int_equal(incoming->receive_count, 3);
    assert_int_equal(incoming->attribute_count, 2);
    assert_slice(incoming->attributes[0].name, "event-type");
    assert_slice(incoming->attributes[0].value, "order.created");
    assert_slice(incoming->attributes[1].name, "size");
    assert_slice(incoming->attributes[1].value, "7");
    records_free(&records);
}

static void tells_a_fifo_queue_by_its_name(void **state) {
    struct records records = parsed(ONE("\"messageId\":\"m\",\"body\":\"\"," FIFO));

    (void)state;
    assert_true(records.items[0].fifo);
    assert_slice(records.items[0].body, "");
    assert_slice(records.items[0].group_id, "");
    assert_int_equal(records.items[0].receive_count, 0);
    assert_int_equal(records.items[0].attribute_count, 0);
    records_free(&records);
}

static void takes_no_more_attributes_than_sqs_allows(void **state) {
    struct buffer event;
    buffer_init(&event, 1 << 16);
    buffer_append_text(&event, "{\"Records\":[{\"messageId\":\"m\",\"body\":\"b\"," STANDARD
                               ",\"messageAttributes\":{");
    for (int index = 0; index < INCOMING_ATTRIBUTES_MAX + 5; index++) {
        buffer_append_format(&event, "%s\"a%d\":{\"dataType\":\"String\",\"stringValue\":\"v\"}",
                             index > 0 ? "," : "", index);
    }
    buffer_append_text(&event, "}}]}");
    struct records records = parsed(buffer_text(&event));

    (void)state;
    assert_int_equal(records.items[0].attribute_count, INCOMING_ATTRIBUTES_MAX);
    assert_slice(records.items[0].attributes[INCOMING_ATTRIBUTES_MAX - 1].name, "a9");
    records_free(&records);
    buffer_free(&event);
}

static void takes_odd_counts_for_unknown(void **state) {
    static const char *const counts[] = {"\"\"", "\"x\"", "\"-1\"", "\"99999999999\"", "5", "null", "{}"};
    char event[512];

    (void)state;
    for (size_t index = 0; index < sizeof counts / sizeof counts[0]; index++) {
        snprintf(event, sizeof event,
                 ONE("\"messageId\":\"m\",\"body\":\"b\"," STANDARD
                     ",\"attributes\":{\"ApproximateReceiveCount\":%s}"),
                 counts[index]);
        struct records records = parsed(event);
        assert_int_equal(records.items[0].receive_count, 0);
        records_free(&records);
    }
}

// So many records, or one more.
static bool parse_many(int count, struct records *records, struct error *error) {
    struct buffer event;
    buffer_init(&event, 8 << 20);
    buffer_append_text(&event, "{\"Records\":[");
    for (int index = 0; index < count; index++) {
        buffer_append_format(&event, "%s{\"messageId\":\"m-%d\",\"body\":\"b\"," STANDARD "}",
                             index > 0 ? "," : "", index);
    }
    buffer_append_text(&event, "]}");
    bool good = parse(records, buffer_text(&event), error);
    buffer_free(&event);
    return good;
}

static void takes_the_largest_batch_and_no_larger(void **state) {
    struct records records;
    struct error error;

    (void)state;
    assert_true(parse_many(RECORDS_MAX, &records, &error));
    assert_int_equal(records.count, RECORDS_MAX);
    assert_slice(records.items[RECORDS_MAX - 1].message_id, "m-9999");
    records_free(&records);
    assert_false(parse_many(RECORDS_MAX + 1, &records, &error));
    assert_non_null(strstr(error.text, "10001 records"));
}

static void takes_an_empty_batch(void **state) {
    struct records records = parsed("{\"Records\":[]}");

    (void)state;
    assert_int_equal(records.count, 0);
    records_free(&records);
    records_free(&records);
}

static void refuses_what_is_no_event_of_a_queue(void **state) {
    static const struct {
        const char *event;
        const char *reason;
    } cases[] = {
        {"", "the event is no JSON"},
        {"{\"Records\":[", "the event is no JSON"},
        {"null", "has no list Records"},
        {"[]", "has no list Records"},
        {"{\"records\":[]}", "has no list Records"},
        {"{\"Records\":{}}", "has no list Records"},
        {"{\"Records\":[1]}", "record 1 of the event has no eventSource"},
        {"{\"Records\":[[]]}", "record 1 of the event has no eventSource"},
        {ONE("\"EventSource\":\"aws:sns\""), "record 1 of the event has no eventSource"},
        {ONE("\"eventSource\":\"aws:s3\""), "has eventSource \"aws:s3\" and not aws:sqs"},
        {ONE("\"eventSource\":\"a\\nb\""), "has eventSource \"(not shown)\" and not aws:sqs"},
        {ONE("\"body\":\"b\"," STANDARD), "has no messageId"},
        {ONE("\"messageId\":\"\",\"body\":\"b\"," STANDARD), "has no messageId"},
        {ONE("\"messageId\":\"a\\\"b\",\"body\":\"b\"," STANDARD), "has no messageId"},
        {ONE("\"messageId\":\"\\u00fc\",\"body\":\"b\"," STANDARD), "has no messageId"},
        {ONE("\"messageId\":7,\"body\":\"b\"," STANDARD), "has no messageId"},
        {ONE("\"messageId\":\"m\"," STANDARD), "has no body"},
        {ONE("\"messageId\":\"m\",\"body\":{}," STANDARD), "has no body"},
        {ONE("\"messageId\":\"m\",\"body\":\"b\",\"eventSource\":\"aws:sqs\""), "has no eventSourceARN"},
        {"{\"Records\":[{\"messageId\":\"m\",\"body\":\"b\"," STANDARD "},{}]}", "record 2 of the event"},
    };
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct records records;
        struct error error = {.text = ""};
        assert_false(parse(&records, cases[index].event, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        if (strstr(error.text, cases[index].reason) == NULL) {
            fail_msg("%s: %s", cases[index].event, error.text);
        }
        assert_non_null(strstr(error.text, "let nothing but an event source mapping of a queue invoke it"));
        assert_int_equal(records.count, 0);
        assert_null(records.json);
    }
}

static void refuses_a_message_id_that_is_too_long(void **state) {
    char event[512];
    struct records records;

    (void)state;
    snprintf(event, sizeof event, ONE("\"messageId\":\"%0*d\",\"body\":\"b\"," STANDARD),
             RECORDS_MESSAGE_ID_MAX, 7);
    assert_true(parse(&records, event, NULL));
    records_free(&records);
    snprintf(event, sizeof event, ONE("\"messageId\":\"%0*d\",\"body\":\"b\"," STANDARD),
             RECORDS_MESSAGE_ID_MAX + 1, 7);
    assert_false(parse(&records, event, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_record_apart),
        cmocka_unit_test(tells_a_fifo_queue_by_its_name),
        cmocka_unit_test(takes_no_more_attributes_than_sqs_allows),
        cmocka_unit_test(takes_odd_counts_for_unknown),
        cmocka_unit_test(takes_the_largest_batch_and_no_larger),
        cmocka_unit_test(takes_an_empty_batch),
        cmocka_unit_test(refuses_what_is_no_event_of_a_queue),
        cmocka_unit_test(refuses_a_message_id_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
