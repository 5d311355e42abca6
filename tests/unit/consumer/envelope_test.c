// SPDX-License-Identifier: Apache-2.0
// SNS's envelope and raw delivery: which it is, what is in it, and what of it must be verified.
#include "consumer/envelope.h"

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
#define OTHER_ID "11111111-2222-3333-4444-555555555555"
#define EVENT "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.created\",\"data\":{\"n\":1.10}}"
#define ESCAPED                                                                                              \
    "{\\\"eventId\\\":\\\"" EVENT_ID                                                                         \
    "\\\",\\\"eventType\\\":\\\"order.created\\\",\\\"data\\\":{\\\"n\\\":1.10}}"
#define TOPIC "arn:aws:sns:eu-central-1:123456789012:orders"
#define SEAL                                                                                                 \
    ",\"SignatureVersion\":\"1\",\"Signature\":\"AAAA\",\"SigningCertURL\":\"https://sns.eu-central-1."      \
    "amazonaws.com/x.pem\""
// In the order that SNS writes it.
#define WRAPPED_IN(topic, message, rest)                                                                     \
    "{\"Type\":\"Notification\",\"MessageId\":\"m-1\",\"TopicArn\":\"" topic "\",\"Message\":\"" message     \
    "\",\"Timestamp\":\"2026-01-31T12:34:56.789Z\"" rest "}"
#define WRAPPED(message, rest) WRAPPED_IN(TOPIC, message, rest)
#define ATTRIBUTES                                                                                           \
    ",\"MessageAttributes\":{\"event-id\":{\"Type\":\"String\",\"Value\":\"" EVENT_ID                        \
    "\"},\"event-type\":{\"Type\":\"String\",\"Value\":\"order.created\"},\"other\":{\"Type\":\"Number\","   \
    "\"Value\":\"7\"}}"

static struct envelope envelope;
static struct error error;

static int tear_down(void **state) {
    (void)state;
    envelope_free(&envelope);
    envelope = (struct envelope){0};
    return 0;
}

static bool open_incoming(struct incoming incoming, bool verify) {
    envelope_free(&envelope);
    error = (struct error){0};
    // A copy that is gone afterwards: an envelope lives by itself.
    char *body = malloc(incoming.body.length + 1);
    memcpy(body, incoming.body.data, incoming.body.length);
    incoming.body.data = body;
    bool opened = envelope_open(&envelope, &incoming, verify, &error);
    memset(body, '#', incoming.body.length);
    free(body);
    return opened;
}

static bool open_body(const char *body, bool verify) {
    return open_incoming((struct incoming){.body = slice_of_text(body)}, verify);
}

static void opens(const char *body, bool verify) {
    if (!open_body(body, verify)) {
        fail_msg("%s", error.text);
    }
}

static void opens_of_fifo(const char *body) {
    if (!open_incoming((struct incoming){.body = slice_of_text(body), .fifo = true}, true)) {
        fail_msg("%s", error.text);
    }
}

static void refuses(const char *body, bool verify, const char *reason) {
    assert_false(open_body(body, verify));
    assert_string_equal(error.text, reason);
}

static void assert_slice(struct slice slice, const char *text) {
    if (text == NULL) {
        assert_null(slice.data);
        return;
    }
    assert_int_equal(slice.length, strlen(text));
    assert_memory_equal(slice.data, text, slice.length);
}

static void opens_an_envelope(void **state) {
    (void)state;
    opens(WRAPPED(ESCAPED, ",\"Subject\":\"s\"" SEAL ",\"UnsubscribeURL\":\"https://x\""), false);
    assert_string_equal(envelope.event.event_id, EVENT_ID);
    assert_slice(envelope.event.json, EVENT);
    assert_false(envelope.needs_check);
    assert_slice(envelope.sealed.type, "Notification");
    assert_slice(envelope.sealed.message_id, "m-1");
    assert_slice(envelope.sealed.topic_arn, TOPIC);
    assert_slice(envelope.sealed.subject, "s");
    assert_slice(envelope.sealed.message, EVENT);
    assert_slice(envelope.sealed.timestamp, "2026-01-31T12:34:56.789Z");
    assert_slice(envelope.sealed.version, "1");
    assert_slice(envelope.sealed.signature, "AAAA");
    assert_slice(envelope.sealed.certificate_url, "https://sns.eu-central-1.amazonaws.com/x.pem");
}

static void absent_members_have_no_text(void **state) {
    (void)state;
    opens(WRAPPED(ESCAPED, ",\"Subject\":null"), false);
    assert_slice(envelope.sealed.subject, NULL);
    assert_slice(envelope.sealed.signature, NULL);
}

static void takes_what_was_delivered_raw(void **state) {
    (void)state;
    opens(EVENT, false);
    assert_slice(envelope.event.json, EVENT);
    assert_slice(envelope.event.event_type, "order.created");
    assert_false(envelope.needs_check);
}

static void takes_the_attributes_of_a_raw_message(void **state) {
    char long_value[300];
    (void)state;
    memset(long_value, 'x', sizeof long_value);
    struct incoming incoming = {
        .body = slice_of_text(WRAPPED(ESCAPED, "")), // even this is data then
        .attributes = {{slice_of_text("event-id"), slice_of_text(EVENT_ID)},
                       {slice_of_text("event-type"), slice_of_text("order.created")},
                       {slice_of_text("event-idx"), slice_of_text(OTHER_ID)},
                       {slice_of_text("correlation-id"), slice_of_text("c-1")},
                       {slice_of_text("aggregate-id"), {long_value, sizeof long_value}}},
        .attribute_count = 5,
    };
    assert_true(open_incoming(incoming, false));
    assert_slice(envelope.event.json,
                 "{\"eventId\":\"" EVENT_ID "\",\"eventType\":\"order.created\",\"data\":" WRAPPED(
                     ESCAPED, "") ",\"metadata\":{\"correlationId\":\"c-1\"}}");
    assert_slice(envelope.event.correlation_id, "c-1");
    assert_int_equal(envelope.event.aggregate_id.length, 0);
    incoming.attribute_count = 1; // so they say nothing, and it is an envelope
    assert_true(open_incoming(incoming, false));
    assert_slice(envelope.event.json, EVENT);
}

static void takes_the_attributes_of_an_envelope(void **state) {
    (void)state;
    opens(WRAPPED("[1.10]", ATTRIBUTES), false);
    assert_slice(envelope.event.json, "{\"eventId\":\"" EVENT_ID
                                      "\",\"eventType\":\"order.created\",\"data\":[1.10],\"metadata\":{}}");
    opens(WRAPPED(ESCAPED, ",\"MessageAttributes\":{\"correlation-id\":{\"Type\":\"Number\",\"Value\":\"7\"},"
                           "\"traceparent\":{\"Type\":\"Binary\",\"Value\":\"AAAA\"}}"),
          false);
    assert_slice(envelope.event.correlation_id, "7");
    assert_int_equal(envelope.event.traceparent.length, 0);
    opens(WRAPPED(ESCAPED, ",\"MessageAttributes\":null"), false);
}

// All that is read out of it has room, a second time.
static void takes_long_texts(void **state) {
    char body[4000], source[3000];
    (void)state;
    memset(source, 'x', sizeof source - 1);
    source[sizeof source - 1] = '\0';
    snprintf(body, sizeof body,
             "{\"specversion\":\"1.0\",\"id\":\"" EVENT_ID "\",\"type\":\"a\",\"source\":\"%s\"}", source);
    opens(body, false);
    assert_true(envelope.event.json.length > sizeof source);
}

static void refuses_attributes_of_another_form(void **state) {
    static const char whole[] = "MessageAttributes must be there once, and an object";
    static const char one[] = "the message attribute event-id must be there once, with a Type and a Value";
    (void)state;
    refuses(WRAPPED("{}", ",\"MessageAttributes\":[]"), false, whole);
    refuses(WRAPPED("{}", ",\"MessageAttributes\":\"\""), false, whole);
    refuses(WRAPPED("{}", ATTRIBUTES ATTRIBUTES), false, whole);
    refuses(WRAPPED("{}", ",\"MessageAttributes\":{\"event-id\":\"x\"}"), false, one);
    refuses(WRAPPED("{}", ",\"MessageAttributes\":{\"event-id\":{\"Type\":\"String\",\"Value\":7}}"), false,
            one);
    refuses(WRAPPED("{}", ",\"MessageAttributes\":{\"event-id\":{},\"event-id\":{}}"), false, one);
}

static void says_what_is_wrong_with_an_envelope(void **state) {
    static const char no_event[] =
        "the message is no event: it has neither eventId and eventType nor specversion, "
        "nor are there the message attributes event-id and event-type";
    (void)state;
    refuses("", false, "the body is not JSON");
    refuses("hello", false, "the body is not JSON");
    refuses("{\"a\":\"\xff\"}", false, "the body is not valid UTF-8");
    refuses(WRAPPED("hello", ""), false, "the message is not JSON");
    refuses(WRAPPED("\\ud800", ""), false, "Message holds \\u0000 or half of a surrogate pair");
    refuses(WRAPPED("{}", ",\"Message\":\"[]\""), false, "Message is there twice");
    refuses(WRAPPED("{}", ",\"Signature\":7"), false, "Signature must be a text");
    refuses(WRAPPED("{}", ""), false, no_event);
    refuses("{\"Type\":\"Notification\",\"TopicArn\":\"" TOPIC "\",\"Message\":null}", false,
            "Message must be a text");
    // No envelope at all.
    refuses("{\"Type\":\"Notification\",\"Message\":\"" ESCAPED "\"}", false, no_event);
    refuses("{\"Type\":\"Notification\",\"TopicArn\":\"" TOPIC "\"}", false, no_event);
    refuses("{\"Type\":\"Other\",\"TopicArn\":\"" TOPIC "\",\"Message\":\"" ESCAPED "\"}", false, no_event);
}

static void names_the_other_messages_of_sns(void **state) {
    (void)state;
    refuses(
        "{\"Type\":\"SubscriptionConfirmation\",\"Token\":\"t\",\"TopicArn\":\"" TOPIC
        "\",\"Message\":\"m\",\"SubscribeURL\":\"https://x\"}",
        false,
        "it is SNS's SubscriptionConfirmation, not an event: the queue's subscription waits for somebody to "
        "visit its SubscribeURL");
    refuses("{\"Type\":\"UnsubscribeConfirmation\",\"TopicArn\":\"" TOPIC "\",\"Message\":\"m\"}", true,
            "it is SNS's UnsubscribeConfirmation, not an event: a subscription of the queue was deleted");
}

static void knows_what_must_be_verified(void **state) {
    (void)state;
    opens(WRAPPED(ESCAPED, SEAL), true);
    assert_true(envelope.needs_check);
    opens(WRAPPED(ESCAPED, ""), true); // its signature is missing
    assert_true(envelope.needs_check);
    opens_of_fifo(WRAPPED_IN(TOPIC ".fifo", ESCAPED, ",\"SequenceNumber\":\"1\""));
    assert_false(envelope.needs_check);
    opens_of_fifo(WRAPPED(ESCAPED, ""));
    assert_true(envelope.needs_check);
    opens(WRAPPED_IN(".fifo", ESCAPED, ""), true);
    assert_true(envelope.needs_check);
    opens(WRAPPED_IN(TOPIC ".fifo.", ESCAPED, ""), true);
    assert_true(envelope.needs_check);
    opens(WRAPPED_IN(TOPIC ".fifo", ESCAPED, ",\"SignatureVersion\":\"1\""), true);
    assert_true(envelope.needs_check);
    opens(WRAPPED_IN(TOPIC ".fifo", ESCAPED, ",\"Signature\":\"\""), true);
    assert_true(envelope.needs_check);
    opens(WRAPPED_IN(TOPIC ".fifo", ESCAPED, ",\"SigningCertURL\":\"\""), true);
    assert_true(envelope.needs_check);
}

// Else whoever may write to the queue could make any event of what SNS has signed.
static void attributes_name_no_event_that_must_be_verified(void **state) {
    (void)state;
    refuses(WRAPPED("{}", SEAL ATTRIBUTES), true,
            "the message is no event: it has neither eventId and eventType nor specversion; message "
            "attributes do "
            "not count, as they are not signed");
    opens(WRAPPED(ESCAPED,
                  SEAL ",\"MessageAttributes\":{\"event-id\":{\"Type\":\"String\",\"Value\":\"" OTHER_ID
                       "\"},\"event-type\":{\"Type\":\"String\",\"Value\":\"a\"}}"),
          true);
    assert_string_equal(envelope.event.event_id, EVENT_ID);
    opens_of_fifo(WRAPPED_IN(TOPIC ".fifo", "{}", ATTRIBUTES));
}

// Else a name would do instead of a signature.
static void believes_unsigned_messages_of_fifo_queues_only(void **state) {
    (void)state;
    opens(WRAPPED_IN(TOPIC ".fifo", ESCAPED, ""), false);
    refuses(WRAPPED_IN(TOPIC ".fifo", ESCAPED, ""), true,
            "it has no signature and names a FIFO topic: SNS signs nothing from FIFO topics, so what one "
            "delivers to a standard queue cannot be verified; subscribe a FIFO queue, or switch "
            "--verify-signatures off");
    opens_of_fifo(WRAPPED_IN(TOPIC ".fifo", ESCAPED, ""));
}

static void refuses_raw_messages_that_must_be_verified(void **state) {
    (void)state;
    refuses(EVENT, true,
            "it was delivered raw, which carries no signature: switch raw message delivery off for the "
            "subscription, or --verify-signatures");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(opens_an_envelope, tear_down),
        cmocka_unit_test_teardown(absent_members_have_no_text, tear_down),
        cmocka_unit_test_teardown(takes_what_was_delivered_raw, tear_down),
        cmocka_unit_test_teardown(takes_the_attributes_of_a_raw_message, tear_down),
        cmocka_unit_test_teardown(takes_the_attributes_of_an_envelope, tear_down),
        cmocka_unit_test_teardown(takes_long_texts, tear_down),
        cmocka_unit_test_teardown(refuses_attributes_of_another_form, tear_down),
        cmocka_unit_test_teardown(says_what_is_wrong_with_an_envelope, tear_down),
        cmocka_unit_test_teardown(names_the_other_messages_of_sns, tear_down),
        cmocka_unit_test_teardown(knows_what_must_be_verified, tear_down),
        cmocka_unit_test_teardown(attributes_name_no_event_that_must_be_verified, tear_down),
        cmocka_unit_test_teardown(believes_unsigned_messages_of_fifo_queues_only, tear_down),
        cmocka_unit_test_teardown(refuses_raw_messages_that_must_be_verified, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
