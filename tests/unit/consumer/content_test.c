// SPDX-License-Identifier: Apache-2.0
// What a message says: its format, the event that handlers get, and what is wrong with it.
#include "consumer/content.h"
#include "consumer/texts.h"

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
#define UPPER_ID "01234567-89AB-CDEF-0123-456789ABCDEF"
#define OTHER_ID "11111111-2222-3333-4444-555555555555"
#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// The last message that was read.
static struct {
    struct attributes attributes;
    struct domain_event event;
    struct buffer texts;
    struct buffer json;
    struct error error;
} now;

static int set_up(void **state) {
    (void)state;
    memset(&now, 0, sizeof now);
    return 0;
}

static void release(void) {
    buffer_free(&now.texts);
    buffer_free(&now.json);
}

static int tear_down(void **state) {
    (void)state;
    release();
    return 0;
}

static void set(enum attribute attribute, const char *text) {
    now.attributes.value[attribute] = slice_of_text(text);
}

// As `data` is published.
static void set_all(void) {
    set(ATTRIBUTE_EVENT_ID, EVENT_ID);
    set(ATTRIBUTE_EVENT_TYPE, "order.created");
    set(ATTRIBUTE_EVENT_VERSION, "1.0");
    set(ATTRIBUTE_AGGREGATE_ID, "order-1");
}

static bool try_to_read(const char *message, bool identified) {
    struct slice text = slice_of_text(message);
    release();
    now.error = (struct error){0};
    texts_init(&now.texts, text.length);
    buffer_init(&now.json, 1 << 20);
    return content_read(&now.event, text, &now.attributes, identified, &now.texts, &now.json, &now.error);
}

static void read(const char *message) {
    if (!try_to_read(message, true)) {
        fail_msg("%s", now.error.text);
    }
}

static void refuse(const char *message, const char *reason) {
    assert_false(try_to_read(message, true));
    assert_string_equal(now.error.text, reason);
}

static void assert_slice(struct slice slice, const char *text) {
    assert_int_equal(slice.length, strlen(text));
    assert_true(slice.length == 0 || memcmp(slice.data, text, slice.length) == 0);
}

static void assert_event(const char *type, const char *aggregate_id, const char *correlation_id,
                         const char *traceparent) {
    assert_string_equal(now.event.event_id, EVENT_ID);
    assert_slice(now.event.event_type, type);
    assert_slice(now.event.aggregate_id, aggregate_id);
    assert_slice(now.event.correlation_id, correlation_id);
    assert_slice(now.event.traceparent, traceparent);
}

static void a_domain_event_stays_as_it_stands(void **state) {
    static const char message[] =
        " {\"eventId\":\"" UPPER_ID "\",\"eventType\":\"order.created\",\"eventVersion\":\"1.0\",\n"
        "\"aggregateId\":\"order-1\",\"sequence\":12345678901234567890,\"data\":{\"total\":1.10,\"e\":1E400},"
        "\"metadata\":{\"correlationId\":\"req-7\",\"traceparent\":\"" TRACE
        "\",\"source\":\"shop\"},\"x\":[]} ";
    (void)state;
    read(message);
    assert_event("order.created", "order-1", "req-7", TRACE);
    assert_slice(now.event.json, message);
}

static void a_domain_event_needs_only_id_and_type(void **state) {
    (void)state;
    read("{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\"}");
    assert_event("a", "", "", "");
    read("{\"eventId\":\"" EVENT_ID
         "\",\"eventType\":\"a\",\"aggregateId\":null,\"metadata\":null,\"data\":null}");
    assert_event("a", "", "", "");
}

static void texts_lose_their_escapes(void **state) {
    (void)state;
    read("{\"eventId\":\"\\u0030"
         "1234567-89ab-cdef-0123-456789abcdef\",\"event\\u0054ype\":\"order\\u002ecreated\","
         "\"aggregateId\":\"\\u00fc\\\"\\ud83d\\ude00\",\"metadata\":{\"correlationId\":\"\\u0041\"}}");
    assert_event("order.created", "\xc3\xbc\"\xf0\x9f\x98\x80", "A", "");
}

static void attributes_help_out_with_the_trace(void **state) {
    (void)state;
    set(ATTRIBUTE_CORRELATION_ID, "c-1");
    set(ATTRIBUTE_TRACEPARENT, TRACE);
    read("{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"metadata\":{\"correlationId\":\"req-7\"}}");
    assert_event("a", "", "req-7", TRACE);
}

// As message/message.c leaves them out of the attributes.
static void what_cannot_be_a_header_is_left_out(void **state) {
    char message[2000];
    char longest[258];
    static const char *const ids[] = {"\"a\\nb\"", "\"\\u0000\"", "\"\\u0085\"", "7", "{}", "null", "\"\""};
    (void)state;
    for (size_t index = 0; index < sizeof ids / sizeof ids[0]; index++) {
        snprintf(message, sizeof message,
                 "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"metadata\":{\"correlationId\":%s}}",
                 ids[index]);
        read(message);
        assert_slice(now.event.correlation_id, "");
    }
    memset(longest, 'x', 257);
    for (size_t length = 257; length >= 256; length--) {
        longest[length] = '\0';
        snprintf(message, sizeof message,
                 "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"metadata\":{\"correlationId\":\"%s\"}}",
                 longest);
        read(message);
        assert_slice(now.event.correlation_id, length == 257 ? "" : longest);
    }
    read("{\"eventId\":\"" EVENT_ID
         "\",\"eventType\":\"a\",\"metadata\":{\"correlationId\":\"a\",\"correlationId\":\"b\"}}");
    assert_slice(now.event.correlation_id, "");
}

#define TYPE_RULE                                                                                            \
    " must be an event type: words of a-z, 0-9, hyphen and underscore between dots, 256 bytes at most"
#define TEXT_RULE " must be a text of at most 256 bytes without control characters"

static void says_what_is_wrong_with_a_domain_event(void **state) {
    static const struct {
        const char *message;
        const char *reason;
    } cases[] = {
        {"{\"eventType\":\"a\"}", "eventId is missing"},
        {"{\"eventId\":null,\"eventType\":\"a\"}", "eventId is missing"},
        {"{\"eventId\":\"" EVENT_ID "\"}", "eventType is missing"},
        {"{\"eventId\":7,\"eventType\":\"a\"}", "eventId must be a text"},
        {"{\"eventId\":\"\",\"eventType\":\"a\"}", "eventId must be a UUID"},
        {"{\"eventId\":\"" EVENT_ID "0\",\"eventType\":\"a\"}", "eventId must be a UUID"},
        {"{\"eventId\":\"0123456789abcdef0123456789abcdef\",\"eventType\":\"a\"}", "eventId must be a UUID"},
        {"{\"eventId\":\"g1234567-89ab-cdef-0123-456789abcdef\",\"eventType\":\"a\"}",
         "eventId must be a UUID"},
        {"{\"eventId\":\"01234567-89ab-cdef-0123x456789abcdef\",\"eventType\":\"a\"}",
         "eventId must be a UUID"},
        {"{\"eventId\":\"01234567-89ab-cdef-0123-456789abcde\\u0000\",\"eventType\":\"a\"}",
         "eventId holds \\u0000 or half of a surrogate pair"},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventId\":\"" OTHER_ID "\",\"eventType\":\"a\"}",
         "eventId is there twice"},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"\"}", "eventType" TYPE_RULE},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"Order.created\"}", "eventType" TYPE_RULE},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order..created\"}", "eventType" TYPE_RULE},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\".created\"}", "eventType" TYPE_RULE},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.\"}", "eventType" TYPE_RULE},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.*\"}", "eventType" TYPE_RULE},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\\nb\"}", "eventType" TYPE_RULE},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"aggregateId\":7}",
         "aggregateId must be a text"},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"aggregateId\":\"a\\rb\"}",
         "aggregateId" TEXT_RULE},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"aggregateId\":\"a\",\"aggregateId\":\"a\"}",
         "aggregateId is there twice"},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"metadata\":[]}", "metadata must be an object"},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"metadata\":\"\"}",
         "metadata must be an object"},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"metadata\":{},\"metadata\":{}}",
         "metadata is there twice"},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"data\":{},\"data\":1}", "data is there twice"},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\"", "the message is not JSON"},
        {"{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"data\":\"\xff\"}",
         "the message is not valid UTF-8"},
    };
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        refuse(cases[index].message, cases[index].reason);
    }
}

static void bounds_type_and_aggregate(void **state) {
    char message[2000], text[258];
    (void)state;
    memset(text, 'a', 257);
    for (size_t length = 257; length >= 256; length--) {
        text[length] = '\0';
        snprintf(message, sizeof message, "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"%s\"}", text);
        assert_int_equal(try_to_read(message, true), length == 256);
        snprintf(message, sizeof message,
                 "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"aggregateId\":\"%s\"}", text);
        assert_int_equal(try_to_read(message, true), length == 256);
    }
}

static void a_cloudevent_becomes_a_domain_event(void **state) {
    (void)state;
    // As message/message.c writes it.
    read("{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID "\",\"source\":\"/orders\",\"type\":\"order.created\","
         "\"subject\":\"order-1\",\"time\":\"2026-01-31T12:34:56.789Z\",\"partitionkey\":\"order-1\","
         "\"eventversion\":\"1.0\",\"sequence\":\"42\",\"correlationid\":\"c-1\",\"causationid\":\"c-0\","
         "\"traceparent\":\"" TRACE "\",\"datacontenttype\":\"application/json\",\"data\":{\"total\":1.50,"
         "\"big\":12345678901234567890}}");
    assert_event("order.created", "order-1", "c-1", TRACE);
    assert_slice(
        now.event.json,
        "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.created\",\"eventVersion\":\"1.0\","
        "\"aggregateId\":\"order-1\",\"occurredOn\":\"2026-01-31T12:34:56.789Z\",\"sequence\":42,"
        "\"data\":{\"total\":1.50,\"big\":12345678901234567890},\"metadata\":{\"correlationId\":\"c-1\","
        "\"causationId\":\"c-0\",\"source\":\"/orders\",\"traceparent\":\"" TRACE "\"}}");
}

static void a_cloudevent_needs_little(void **state) {
    (void)state;
    read("{\"specversion\":\"1.0\",\"id\":\"" UPPER_ID "\",\"type\":\"a\"}");
    assert_event("a", "", "", "");
    assert_slice(now.event.json,
                 "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"data\":null,\"metadata\":{}}");
    read("{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID
         "\",\"type\":\"a\",\"partitionkey\":\"p\\\"\",\"source\":\"s\","
         "\"data\":[1,\n2]}");
    assert_event("a", "p\"", "", "");
    assert_slice(now.event.json,
                 "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\",\"aggregateId\":\"p\\\"\","
                 "\"data\":[1, 2],\"metadata\":{\"source\":\"s\"}}");
}

static void a_sequence_must_be_a_number(void **state) {
    static const struct {
        const char *sequence;
        const char *written; // NULL: left out
    } cases[] = {
        {"\"0\"", "0"},   {"\"1234567890123456789\"", "1234567890123456789"},
        {"7", "7"},       {"\"12345678901234567890\"", NULL},
        {"\"07\"", NULL}, {"\"-1\"", NULL},
        {"\"1a\"", NULL}, {"\"\"", NULL},
        {"1.5", NULL},    {"[]", NULL},
        {"null", NULL},
    };
    char message[500], expected[500];
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        const char *written = cases[index].written;
        snprintf(message, sizeof message,
                 "{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID "\",\"type\":\"a\",\"sequence\":%s}",
                 cases[index].sequence);
        snprintf(expected, sizeof expected,
                 "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"a\"%s%s,\"data\":null,\"metadata\":{}}",
                 written != NULL ? ",\"sequence\":" : "", written != NULL ? written : "");
        read(message);
        assert_slice(now.event.json, expected);
    }
}

#define CLOUD "{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID "\",\"type\":\"a\""

static void says_what_is_wrong_with_a_cloudevent(void **state) {
    static const struct {
        const char *message;
        const char *reason;
    } cases[] = {
        {"{\"specversion\":\"1.0\",\"type\":\"a\"}", "id is missing"},
        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"a\"}", "id must be a UUID"},
        {"{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID "\"}", "type is missing"},
        {"{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID "\",\"type\":\"Com.Example\"}", "type" TYPE_RULE},
        {"{\"specversion\":\"0.3\",\"id\":\"" EVENT_ID "\",\"type\":\"a\"}",
         "specversion must be \"1.0\": no other version of CloudEvents is known"},
        {"{\"specversion\":1.0,\"id\":\"" EVENT_ID "\",\"type\":\"a\"}", "specversion must be a text"},
        {CLOUD ",\"subject\":\"a\\u0007\"}", "subject" TEXT_RULE},
        {CLOUD ",\"subject\":7}", "subject must be a text"},
        {CLOUD ",\"partitionkey\":\"\\t\"}", "partitionkey" TEXT_RULE},
        {CLOUD ",\"partitionkey\":7}", "partitionkey must be a text"},
        {CLOUD ",\"time\":7}", "time must be a text"},
        {CLOUD ",\"source\":\"a\",\"source\":\"b\"}", "source is there twice"},
        {CLOUD ",\"data\":1,\"data\":2}", "data is there twice"},
        {CLOUD ",\"data_base64\":\"AA==\"}",
         "data_base64 is not supported: an event's data must be JSON, in the member data"},
    };
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        refuse(cases[index].message, cases[index].reason);
    }
}

static void data_gets_its_event_from_the_attributes(void **state) {
    static const char *const data[] = {"{\"total\":1.10,\"id\":12345678901234567890,\"id\":2}", "[]",
                                       "\"text\"", "null", "7"};
    char expected[500];
    (void)state;
    set_all();
    for (size_t index = 0; index < sizeof data / sizeof data[0]; index++) {
        read(data[index]);
        assert_event("order.created", "order-1", "", "");
        snprintf(expected, sizeof expected,
                 "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.created\",\"eventVersion\":\"1.0\","
                 "\"aggregateId\":\"order-1\",\"data\":%s,\"metadata\":{}}",
                 data[index]);
        assert_slice(now.event.json, expected);
    }
    set(ATTRIBUTE_EVENT_ID, UPPER_ID);
    set(ATTRIBUTE_CORRELATION_ID, "c-1");
    set(ATTRIBUTE_TRACEPARENT, TRACE);
    now.attributes.value[ATTRIBUTE_AGGREGATE_ID] = now.attributes.value[ATTRIBUTE_EVENT_VERSION] =
        (struct slice){0};
    read("{}");
    assert_event("order.created", "", "c-1", TRACE);
    assert_slice(now.event.json, "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.created\",\"data\":{},"
                                 "\"metadata\":{\"correlationId\":\"c-1\",\"traceparent\":\"" TRACE "\"}}");
}

static void says_what_is_wrong_with_attributes(void **state) {
    (void)state;
    set_all();
    set(ATTRIBUTE_EVENT_ID, "7");
    refuse("{}", "the message attribute event-id must be a UUID");
    set_all();
    set(ATTRIBUTE_EVENT_TYPE, "A");
    refuse("{}", "the message attribute event-type" TYPE_RULE);
    set_all();
    set(ATTRIBUTE_AGGREGATE_ID, "a\nb");
    refuse("{}", "the message attribute aggregate-id" TEXT_RULE);
    set_all();
    set(ATTRIBUTE_EVENT_VERSION, "\xff");
    refuse("{}", "the message attribute event-version" TEXT_RULE);
    set_all();
    refuse("text", "the message is not JSON");
}

static void a_stranger_is_no_event(void **state) {
    static const char reason[] =
        "the message is no event: it has neither eventId and eventType nor specversion, nor are there the "
        "message attributes event-id and event-type";
    (void)state;
    refuse("{\"total\":1}", reason);
    refuse("[]", reason);
    refuse("7", reason);
    set(ATTRIBUTE_EVENT_ID, EVENT_ID);
    refuse("{\"total\":1}", reason);
}

static void what_names_another_event_than_the_attributes_is_data(void **state) {
    static const char *const messages[] = {
        "{\"eventId\":\"" OTHER_ID "\",\"eventType\":\"order.created\"}",
        "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.changed\"}",
        "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.creates\"}",
        "{\"eventId\":\"concert-7\",\"eventType\":\"order.created\"}",
        "{\"eventId\":7}",
        "{\"eventType\":\"order.created\"}",
        "{\"eventId\":\"" EVENT_ID "\",\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.created\"}",
        "{\"specversion\":\"1.0\",\"id\":\"" OTHER_ID "\",\"type\":\"order.created\"}",
        "{\"specversion\":\"3\"}",
    };
    char expected[500];
    (void)state;
    set_all();
    for (size_t index = 0; index < sizeof messages / sizeof messages[0]; index++) {
        read(messages[index]);
        assert_event("order.created", "order-1", "", "");
        snprintf(expected, sizeof expected,
                 "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.created\",\"eventVersion\":\"1.0\","
                 "\"aggregateId\":\"order-1\",\"data\":%s,\"metadata\":{}}",
                 messages[index]);
        assert_slice(now.event.json, expected);
    }
}

static void what_names_the_same_event_is_the_event(void **state) {
    static const char event[] = "{\"eventId\":\"" UPPER_ID "\",\"eventType\":\"order.created\"}";
    (void)state;
    set_all();
    read(event);
    assert_event("order.created", "", "", "");
    assert_slice(now.event.json, event);
    read("{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID "\",\"type\":\"order.created\"}");
    assert_slice(now.event.json, "{\"eventId\":\"" EVENT_ID
                                 "\",\"eventType\":\"order.created\",\"data\":null,\"metadata\":{}}");
}

static void attributes_that_are_not_signed_identify_nothing(void **state) {
    (void)state;
    set_all();
    assert_false(try_to_read("{\"total\":1}", false));
    assert_string_equal(
        now.error.text,
        "the message is no event: it has neither eventId and eventType nor specversion; message "
        "attributes do not count, as they are not signed");
    assert_true(try_to_read("{\"eventId\":\"" OTHER_ID "\",\"eventType\":\"a\"}", false));
    assert_string_equal(now.event.event_id, OTHER_ID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_domain_event_stays_as_it_stands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_domain_event_needs_only_id_and_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_lose_their_escapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(attributes_help_out_with_the_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_a_header_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_is_wrong_with_a_domain_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bounds_type_and_aggregate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cloudevent_becomes_a_domain_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cloudevent_needs_little, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sequence_must_be_a_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_is_wrong_with_a_cloudevent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(data_gets_its_event_from_the_attributes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_is_wrong_with_attributes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stranger_is_no_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_names_another_event_than_the_attributes_is_data, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_names_the_same_event_is_the_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(attributes_that_are_not_signed_identify_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
