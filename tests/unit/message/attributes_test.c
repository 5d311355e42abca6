// SPDX-License-Identifier: Apache-2.0
// The attributes of a message: which there are, which are left out because a subscriber could not get them,
// and the size as SNS counts it.
#include "message/message.h"

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

static void compose(struct message *message, const char *metadata) {
    const struct outbox_event event = {
        .id = 1,
        .event_type = slice_of_text("order.created"),
        .event_version = slice_of_text("1.0"),
        .aggregate_id = slice_of_text("order-1"),
        .data = slice_of_text("{}"),
        .metadata = slice_of_text(metadata),
    };
    message_compose(message, FORMAT_DOMAIN_EVENT, "/outbox", &event);
    assert_non_null(strstr(buffer_text(&message->body), metadata)); // whatever becomes of the attributes
}

static void assert_attribute(const struct message *message, int index, const char *name, const char *value) {
    const struct message_attribute *attribute = &message->attributes[index];

    assert_true(index < message->attribute_count);
    assert_string_equal(attribute->name, name);
    assert_int_equal(attribute->value.length, strlen(value));
    assert_memory_equal(attribute->value.data, value, attribute->value.length);
}

// The four that every message has, and no more.
static void assert_only_the_event(const struct message *message) {
    assert_int_equal(message->attribute_count, 4);
    assert_attribute(message, 0, "event-id", "00000000-0000-0000-0000-000000000000");
    assert_attribute(message, 1, "event-type", "order.created");
    assert_attribute(message, 2, "event-version", "1.0");
    assert_attribute(message, 3, "aggregate-id", "order-1");
}

static void names_the_event(void **state) {
    compose(*state, "{}");
    assert_only_the_event(*state);
}

static void takes_what_metadata_has(void **state) {
    struct message *message = *state;

    compose(message, "{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\",\"other\":"
                     "{\"correlationId\":\"no\"},\"correlationId\":\"c-1\"}");
    assert_int_equal(message->attribute_count, 6);
    assert_attribute(message, 4, "correlation-id", "c-1");
    assert_attribute(message, 5, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    compose(message, "{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}");
    assert_int_equal(message->attribute_count, 5);
    assert_attribute(message, 4, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

static void decodes_escapes(void **state) {
    compose(*state, "{\"correlationId\":\"a\\\"b\\\\c\\/d \\u00fc\\ud83d\\ude00\"}");
    assert_attribute(*state, 4, "correlation-id", "a\"b\\c/d \xc3\xbc\xf0\x9f\x98\x80");
}

static void leaves_out_what_cannot_travel(void **state) {
    static const char *const metadata[] = {
        "{\"correlationId\":\"\"}",
        "{\"correlationId\":\"a\\nb\"}",
        "{\"correlationId\":\"a\\u001fb\"}",
        "{\"correlationId\":\"a\\u007fb\"}",
        "{\"correlationId\":\"a\\ufffeb\"}",
        "{\"correlationId\":\"\\u0000\"}",
        "{\"correlationId\":\"abc\\u0000def\"}", // not "abc", which would be another's
        "{\"correlationId\\u0000\":\"abc\"}",
        "{\"traceparent\":\"a\\tb\"}",
        "{\"traceparent\":\"00-a-b-01\"}", // of the wrong form, as are those that follow
        "{\"traceparent\":\"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}",
        "{\"traceparent\":\"00-00000000000000000000000000000000-b7ad6b7169203331-01\"}",
        "{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01\"}",
        "{\"traceparent\":\"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01\"}",
        "{\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\\r\\nX: y\"}",
    };

    for (size_t index = 0; index < sizeof metadata / sizeof metadata[0]; index++) {
        compose(*state, metadata[index]);
        assert_only_the_event(*state);
    }
}

static void ignores_what_is_no_text(void **state) {
    static const char *const metadata[] = {
        "{\"correlationId\":7}",         "{\"correlationId\":null}",    "{\"correlationId\":[\"c-1\"]}",
        "{\"correlationId\":{\"a\":1}}", "{\"CorrelationId\":\"c-1\"}", "{\"a\":{\"traceparent\":\"t\"}}",
    };

    for (size_t index = 0; index < sizeof metadata / sizeof metadata[0]; index++) {
        compose(*state, metadata[index]);
        assert_only_the_event(*state);
    }
}

// PostgreSQL's json type takes them, as it checks the form of an escape only.
static void survives_lone_surrogates(void **state) {
    static const char *const metadata[] = {"{\"correlationId\":\"\\ud800\"}",
                                           "{\"correlationId\":\"\\udc00x\"}",
                                           "{\"correlationId\":\"c\",\"x\":\"\\ud83dabc\"}"};

    for (size_t index = 0; index < sizeof metadata / sizeof metadata[0]; index++) {
        compose(*state, metadata[index]);
        assert_only_the_event(*state);
    }
}

static void survives_deep_nesting(void **state) {
    enum { DEPTH = 5000 };
    static const char start[] = "{\"correlationId\":\"c\",\"x\":";
    const size_t length = sizeof start - 1;
    char *metadata = calloc(1, length + 2 * DEPTH + 2);

    memcpy(metadata, start, length);
    memset(metadata + length, '[', DEPTH);
    memset(metadata + length + DEPTH, ']', DEPTH);
    metadata[length + 2 * DEPTH] = '}';
    compose(*state, metadata);
    assert_only_the_event(*state);
    free(metadata);
}

static void bounds_the_length(void **state) {
    struct message *message = *state;
    char metadata[400] = "{\"correlationId\":\"";
    size_t start = strlen(metadata);

    memset(metadata + start, 'c', MESSAGE_ATTRIBUTE_VALUE_MAX);
    memcpy(metadata + start + MESSAGE_ATTRIBUTE_VALUE_MAX, "\"}", 3);
    compose(message, metadata);
    assert_int_equal(message->attribute_count, 5);
    assert_int_equal(message->attributes[4].value.length, MESSAGE_ATTRIBUTE_VALUE_MAX);
    memcpy(metadata + start + MESSAGE_ATTRIBUTE_VALUE_MAX, "c\"}", 4);
    compose(message, metadata);
    assert_only_the_event(message);
}

// A backslash that is itself escaped does not begin an escape.
static void tells_a_backslash_from_an_escape(void **state) {
    compose(*state, "{\"correlationId\":\"a\\\\u0000\"}");
    assert_attribute(*state, 4, "correlation-id", "a\\u0000");
}

static void counts_bytes_as_sns_does(void **state) {
    struct message *message = *state;
    size_t type = strlen("String");

    compose(message, "{\"correlationId\":\"\xc3\xbc\"}");
    size_t expected = message->body.length;
    expected += strlen("event-id") + type + 36;
    expected += strlen("event-type") + type + strlen("order.created");
    expected += strlen("event-version") + type + strlen("1.0");
    expected += strlen("aggregate-id") + type + strlen("order-1");
    expected += strlen("correlation-id") + type + 2;
    assert_int_equal(message->size, expected);
}

static void notices_a_body_that_does_not_fit(void **state) {
    enum { LENGTH = 9 << 20 };
    struct message *message = *state;
    char *data = calloc(1, LENGTH + 1);
    struct outbox_event event = {
        .event_type = slice_of_text("a"),
        .event_version = slice_of_text("1"),
        .aggregate_id = slice_of_text("a"),
        .metadata = slice_of_text("{}"),
        .data = {data, LENGTH},
    };

    memset(data, '1', LENGTH);
    message_compose(message, FORMAT_DATA, "/outbox", &event);
    assert_true(message->size >= MESSAGE_TOO_LARGE);
    event.data = slice_of_text("1");
    message_compose(message, FORMAT_DATA, "/outbox", &event);
    assert_true(message->size < 200); // and the next one is as it should be
    assert_string_equal(buffer_text(&message->body), "1");
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_the_event, create, release),
        cmocka_unit_test_setup_teardown(takes_what_metadata_has, create, release),
        cmocka_unit_test_setup_teardown(decodes_escapes, create, release),
        cmocka_unit_test_setup_teardown(leaves_out_what_cannot_travel, create, release),
        cmocka_unit_test_setup_teardown(ignores_what_is_no_text, create, release),
        cmocka_unit_test_setup_teardown(survives_lone_surrogates, create, release),
        cmocka_unit_test_setup_teardown(survives_deep_nesting, create, release),
        cmocka_unit_test_setup_teardown(bounds_the_length, create, release),
        cmocka_unit_test_setup_teardown(tells_a_backslash_from_an_escape, create, release),
        cmocka_unit_test_setup_teardown(counts_bytes_as_sns_does, create, release),
        cmocka_unit_test_setup_teardown(notices_a_body_that_does_not_fit, create, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
