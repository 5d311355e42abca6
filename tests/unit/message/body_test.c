// SPDX-License-Identifier: Apache-2.0
// The exact text of a message's body in its three formats, byte by byte and as a JSON parser reads it.
#include "message/message.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define EVENT_ID "01234567-89ab-cdef-0123-456789abcdef"
#define SOURCE "/outbox"

static int create(void **state) {
    struct message *message = calloc(1, sizeof *message);

    message_init(message);
    *state = message;
    return 0;
}

static int release(void **state) {
    message_free(*state);
    free(*state);
    return 0;
}

static struct outbox_event event_of(const char *aggregate_id, const char *data, const char *metadata) {
    return (struct outbox_event){
        .id = 42,
        .event_id = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd,
                     0xef},
        .occurred_at = 1769862896789000, // 2026-01-31T12:34:56.789Z
        .event_type = slice_of_text("order.created"),
        .event_version = slice_of_text("1.0"),
        .aggregate_id = slice_of_text(aggregate_id),
        .data = slice_of_text(data),
        .metadata = slice_of_text(metadata),
    };
}

// Composes and returns the body, which must be one line.
static const char *compose(struct message *message, enum message_format format,
                           const struct outbox_event *event) {
    message_compose(message, format, SOURCE, event);
    assert_false(message->body.overflow);
    for (size_t index = 0; index < message->body.length; index++) {
        assert_true((unsigned char)message->body.data[index] >= 0x20);
    }
    return buffer_text(&message->body);
}

static void assert_member(const cJSON *tree, const char *name, const char *expected) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, name));

    assert_non_null(text);
    assert_string_equal(text, expected);
}

static void writes_the_id_as_a_uuid(void **state) {
    char text[EVENT_ID_TEXT_SIZE];
    struct outbox_event event = event_of("order-1", "{}", "{}");

    (void)state;
    event_id_text(&event, text);
    assert_string_equal(text, EVENT_ID);
}

static void writes_domain_events(void **state) {
    const struct outbox_event event =
        event_of("order-1", "{\"total\":1.50}", "{\"correlationId\":\"c-1\",\"source\":\"order-service\"}");

    assert_string_equal(
        compose(*state, FORMAT_DOMAIN_EVENT, &event),
        "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.created\",\"eventVersion\":\"1.0\","
        "\"aggregateId\":\"order-1\",\"occurredOn\":\"2026-01-31T12:34:56.789Z\",\"sequence\":42,"
        "\"data\":{\"total\":1.50},\"metadata\":{\"correlationId\":\"c-1\",\"source\":\"order-service\"}}");
}

static void writes_cloudevents(void **state) {
    const struct outbox_event event =
        event_of("order-1", "{\"total\":1.50}",
                 "{\"correlationId\":\"c-1\",\"causationId\":\"c-0\","
                 "\"source\":\"/"
                 "orders\",\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}");

    assert_string_equal(
        compose(*state, FORMAT_CLOUDEVENTS, &event),
        "{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID "\",\"source\":\"/orders\",\"type\":\"order.created\","
        "\"subject\":\"order-1\",\"time\":\"2026-01-31T12:34:56.789Z\",\"partitionkey\":\"order-1\","
        "\"eventversion\":\"1.0\",\"sequence\":\"42\",\"correlationid\":\"c-1\",\"causationid\":\"c-0\","
        "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\",\"datacontenttype\":"
        "\"application/json\",\"data\":{\"total\":1.50}}");
}

static void writes_cloudevents_without_metadata(void **state) {
    static const char *const metadata[] = {"{}", "{\"source\":\"\"}", "{\"source\":7,\"correlationId\":null}",
                                           "{\"source\":\"\\ud800\"}"};

    for (size_t index = 0; index < sizeof metadata / sizeof metadata[0]; index++) {
        const struct outbox_event event = event_of("order-1", "[]", metadata[index]);
        assert_string_equal(
            compose(*state, FORMAT_CLOUDEVENTS, &event),
            "{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID "\",\"source\":\"" SOURCE
            "\",\"type\":\"order.created\",\"subject\":\"order-1\",\"time\":\"2026-01-31T12:34:56.789Z\","
            "\"partitionkey\":\"order-1\",\"eventversion\":\"1.0\",\"sequence\":\"42\","
            "\"datacontenttype\":\"application/json\",\"data\":[]}");
    }
}

static void writes_data_alone(void **state) {
    const struct outbox_event event = event_of("order-1", "{\n\t\"total\": 1.0e400\n}", "{\"source\":\"x\"}");

    assert_string_equal(compose(*state, FORMAT_DATA, &event), "{  \"total\": 1.0e400 }");
}

static void splices_data_as_written(void **state) {
    static const char data[] = "{\r\n\t\"nested\": {\"list\": [1.0e400, -0.0, {\"deep\": [[]]}]},\n"
                               "  \"text\": \"tab\\t, quote\\\", \\u0000, \xef\xbf\xbe\xef\xbf\xbf\"\n}";
    const struct outbox_event event = event_of("order-1", data, "{\n}");
    const char *body = compose(*state, FORMAT_DOMAIN_EVENT, &event);

    assert_non_null(strstr(body,
                           "\"data\":{   \"nested\": {\"list\": [1.0e400, -0.0, {\"deep\": [[]]}]},   "
                           "\"text\": \"tab\\t, quote\\\", \\u0000, \\ufffe\\uffff\" },\"metadata\":{ }}"));
}

static void keeps_data_equal(void **state) {
    static const char data[] = "{\n\t\"a\": [1, 2.5, true, null],\n\t\"b\": {\"c\": \"\xc3\xbc \\\"q\\\" "
                               "\xef\xbf\xbf\"}\n}";
    static const enum message_format formats[] = {FORMAT_DOMAIN_EVENT, FORMAT_CLOUDEVENTS};
    const struct outbox_event event = event_of("order-1", data, "{}");
    cJSON *expected = cJSON_Parse(data);

    for (size_t index = 0; index < sizeof formats / sizeof formats[0]; index++) {
        cJSON *body = cJSON_Parse(compose(*state, formats[index], &event));
        assert_true(cJSON_Compare(cJSON_GetObjectItemCaseSensitive(body, "data"), expected, true));
        cJSON_Delete(body);
    }
    cJSON_Delete(expected);
}

// Nothing in an aggregate id can end its string and add a member.
static void contains_hostile_aggregate_ids(void **state) {
    static const char *const hostile[] = {
        "\",\"eventType\":\"admin", "\\",       "\\\"", "a\nb\x01\x1f", "\x7f", "\xef\xbf\xbe", "{\"a\":1}",
        "\xf0\x9f\x98\x80",         "</script>"};

    for (size_t index = 0; index < sizeof hostile / sizeof hostile[0]; index++) {
        const struct outbox_event event = event_of(hostile[index], "{}", "{}");
        cJSON *body = cJSON_Parse(compose(*state, FORMAT_DOMAIN_EVENT, &event));
        assert_int_equal(cJSON_GetArraySize(body), 8);
        assert_member(body, "aggregateId", hostile[index]);
        assert_member(body, "eventType", "order.created");
        cJSON_Delete(body);
        body = cJSON_Parse(compose(*state, FORMAT_CLOUDEVENTS, &event));
        assert_member(body, "subject", hostile[index]);
        assert_member(body, "partitionkey", hostile[index]);
        cJSON_Delete(body);
    }
}

static void contains_hostile_metadata(void **state) {
    const struct outbox_event event = event_of(
        "order-1", "{}", "{\"source\":\"a\\\"b\\\\\\n\",\"correlationId\":\"\\\",\\\"type\\\":\\\"x\"}");
    cJSON *body = cJSON_Parse(compose(*state, FORMAT_CLOUDEVENTS, &event));

    assert_member(body, "source", "a\"b\\\n");
    assert_member(body, "correlationid", "\",\"type\":\"x");
    assert_member(body, "type", "order.created");
    cJSON_Delete(body);
}

static void writes_the_extremes_of_numbers(void **state) {
    struct outbox_event event = event_of("order-1", "0", "{}");

    event.id = INT64_MAX;
    event.occurred_at = -1;
    assert_non_null(strstr(compose(*state, FORMAT_DOMAIN_EVENT, &event),
                           "\"occurredOn\":\"1969-12-31T23:59:59.999Z\",\"sequence\":9223372036854775807,"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_id_as_a_uuid),
        cmocka_unit_test_setup_teardown(writes_domain_events, create, release),
        cmocka_unit_test_setup_teardown(writes_cloudevents, create, release),
        cmocka_unit_test_setup_teardown(writes_cloudevents_without_metadata, create, release),
        cmocka_unit_test_setup_teardown(writes_data_alone, create, release),
        cmocka_unit_test_setup_teardown(splices_data_as_written, create, release),
        cmocka_unit_test_setup_teardown(keeps_data_equal, create, release),
        cmocka_unit_test_setup_teardown(contains_hostile_aggregate_ids, create, release),
        cmocka_unit_test_setup_teardown(contains_hostile_metadata, create, release),
        cmocka_unit_test_setup_teardown(writes_the_extremes_of_numbers, create, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
