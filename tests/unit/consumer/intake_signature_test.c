// SPDX-License-Identifier: Apache-2.0
// Messages whose signatures are verified: what handlers get to see, what waits for a certificate, and what
// fails.
#include "consumer/fake_http.h"
#include "consumer/intake_harness.h"
#include "support/signer.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#define URL "https://sns.eu-central-1.amazonaws.com/x.pem"
#define TOPIC "arn:aws:sns:eu-central-1:123456789012:orders"

static EVP_PKEY *key;
static char *certificate;

static int set_up_key(void **state) {
    (void)state;
    key = EVP_RSA_gen(2048);
    certificate = signer_certificate(key, -SIGNER_DAY, SIGNER_DAY);
    return 0;
}

static int tear_down_key(void **state) {
    (void)state;
    EVP_PKEY_free(key);
    free(certificate);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    memset(&fake_http, 0, sizeof fake_http);
    return intake_open(true);
}

static int tear_down(void **state) {
    (void)state;
    int closed = intake_close();
    assert_true(fake_http.client.freed);
    return closed;
}

// Event `event` in an envelope, signed for `signed_event`.
static void offer_signed(int number, const char *group, int event, int signed_event, const char *url) {
    char text[2000], body[3000];
    snprintf(text, sizeof text,
             "Message\n{\"eventId\":\"00000000-0000-0000-0000-%012d\",\"eventType\":\"order.created\"}\n"
             "MessageId\nm-%d\nTimestamp\n2026-01-31T12:34:56.789Z\nTopicArn\n" TOPIC
             "\nType\nNotification\n",
             signed_event, number);
    char *signature = signer_sign(key, text);
    snprintf(body, sizeof body,
             "{\"Type\":\"Notification\",\"MessageId\":\"m-%d\",\"TopicArn\":\"" TOPIC
             "\",\"Message\":\"{\\\"eventId\\\":\\\"00000000-0000-0000-0000-%012d\\\",\\\"eventType\\\":"
             "\\\"order.created\\\"}\",\"Timestamp\":\"2026-01-31T12:34:56.789Z\",\"SignatureVersion\":\"2\","
             "\"Signature\":\"%s\",\"SigningCertURL\":\"%s\"}",
             number, event, signature, url);
    offer_body(number, group, body);
    free(signature);
}

static void offer_good(int number, const char *group) {
    offer_signed(number, group, number, number, URL);
}

static void good_messages_reach_their_handlers(void **state) {
    (void)state;
    offer_good(0, NULL);
    offer_good(1, NULL);
    assert_int_equal(fake_handlers.count, 0); // not before the certificate is there
    assert_int_equal(fake_http.count, 1);
    assert_string_equal(fake_http.urls[0], URL);
    fake_http_answer(0, 200, certificate);
    assert_int_equal(fake_handlers.count, 2);
    assert_string_equal(
        fake_handlers.offers[1].json,
        "{\"eventId\":\"00000000-0000-0000-0000-000000000001\",\"eventType\":\"order.created\"}");
    offer_good(2, NULL); // at once
    assert_int_equal(fake_handlers.count, 3);
    fake_settle(2, HANDLED_DONE);
    assert_settled(2, INTAKE_DONE);
}

static void altered_messages_do_not(void **state) {
    (void)state;
    offer_signed(0, NULL, 1, 2, URL);
    fake_http_answer(0, 200, certificate);
    assert_settled(0, INTAKE_FAILED);
    assert_false(settlements[0].outage);
    assert_string_equal(settlements[0].reason,
                        "the signature is wrong: SNS has not sent the message like this");
    assert_non_null(strstr(stderr_written(), "a message is malformed refused=signature message_id=m-0"));
    assert_int_equal(fake_handlers.count, 0);
    assert_int_equal(intake_counts(intake)->malformed, 1);
}

static void nothing_is_fetched_from_elsewhere(void **state) {
    (void)state;
    offer_signed(0, NULL, 1, 1, "https://sns.eu-central-1.amazonaws.com.evil.example/x.pem");
    assert_settled(0, INTAKE_FAILED);
    assert_non_null(strstr(settlements[0].reason, "SigningCertURL must be"));
    offer_body(
        1, NULL,
        "{\"Type\":\"Notification\",\"TopicArn\":\"" TOPIC
        "\",\"Message\":\"{\\\"eventId\\\":\\\"00000000-0000-0000-0000-000000000001\\\",\\\"eventType\\\":"
        "\\\"a\\\"}\"}");
    assert_settled(1, INTAKE_FAILED);
    assert_string_equal(settlements[1].reason, "MessageId is missing, which a signature needs");
    assert_int_equal(fake_http.count, 0);
}

static void raw_messages_fail(void **state) {
    (void)state;
    offer(0, NULL);
    assert_settled(0, INTAKE_FAILED);
    assert_non_null(strstr(settlements[0].reason, "it was delivered raw, which carries no signature"));
}

static void fifo_topics_do_not_sign(void **state) {
    (void)state;
    offer_body(0, "g",
               "{\"Type\":\"Notification\",\"TopicArn\":\"" TOPIC
               ".fifo\",\"Message\":\"{\\\"eventId\\\":\\\"00000000-0000-0000-0000-000000000007\\\","
               "\\\"eventType\\\":\\\"a\\\"}\"}");
    assert_offered(1, 7);
    assert_int_equal(fake_http.count, 0);
}

static void a_certificate_that_cannot_be_had_is_an_outage(void **state) {
    (void)state;
    offer_good(0, NULL);
    offer_good(1, "g");
    offer_good(2, "g");
    loop_settle(base);
    fake_http_answer(0, 0, "Could not resolve host");
    assert_settled(0, INTAKE_FAILED);
    assert_true(settlements[0].outage);
    assert_string_equal(settlements[0].reason,
                        "the certificate " URL " cannot be fetched: Could not resolve host");
    assert_settled(1, INTAKE_FAILED);
    assert_settled(2, INTAKE_LET_GO);
    assert_int_equal(intake_counts(intake)->failed, 2);
    assert_int_equal(intake_counts(intake)->malformed, 0);
    assert_non_null(strstr(stderr_written(), "an event has failed"));
}

static void a_certificate_of_no_use_is_none(void **state) {
    char *expired = signer_certificate(key, -2 * SIGNER_DAY, -SIGNER_DAY);
    (void)state;
    offer_good(0, NULL);
    fake_http_answer(0, 200, expired);
    assert_settled(0, INTAKE_FAILED);
    assert_false(settlements[0].outage);
    assert_string_equal(settlements[0].reason, "the certificate " URL " has expired");
    assert_int_equal(intake_counts(intake)->malformed, 1);
    free(expired);
}

static void groups_wait_for_the_certificate_in_order(void **state) {
    (void)state;
    for (int number = 0; number < 3; number++) {
        offer_good(number, "g");
    }
    loop_settle(base);
    assert_int_equal(fake_http.count, 1);
    fake_http_answer(0, 200, certificate);
    assert_offered(1, 0);
    fake_settle(0, HANDLED_DONE);
    assert_offered(2, 1);
    fake_settle(1, HANDLED_DONE);
    assert_offered(3, 2);
}

static void what_waits_for_a_certificate_can_be_dropped(void **state) {
    (void)state;
    offer_good(0, NULL);
    offer_good(1, "g");
    loop_settle(base);
    intake_drop(intake);
    assert_settled(0, INTAKE_LET_GO);
    assert_settled(1, INTAKE_LET_GO);
    offer_good(2, NULL);
    fake_http_answer(0, 200, certificate);
    assert_int_equal(fake_http.count, 1);
    assert_offered(1, 2);
}

static void the_same_event_waits_after_its_check(void **state) {
    (void)state;
    offer_signed(0, NULL, 7, 7, URL);
    offer_signed(1, NULL, 7, 7, URL);
    fake_http_answer(0, 200, certificate);
    assert_offered(1, 7);
    fake_settle(0, HANDLED_DONE);
    assert_offered(2, 7);
    assert_int_equal(fake_http.count, 1);
}

static void can_be_freed_while_waiting(void **state) {
    (void)state;
    offer_good(0, NULL);
    offer_good(1, "g");
    loop_settle(base);
    assert_int_equal(settled_count, 0);
}

static void needs_a_client(void **state) {
    struct settings settings = {.verify_signatures = true};
    struct error error = {0};
    (void)state;
    settings_fill(&settings);
    fake_http.broken = true;
    assert_null(intake_new(base, &settings, "orders", &listener, &error));
    assert_string_equal(error.text, "AWS_CA_BUNDLE:");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_messages_reach_their_handlers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(altered_messages_do_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_fetched_from_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(raw_messages_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fifo_topics_do_not_sign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_certificate_that_cannot_be_had_is_an_outage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_certificate_of_no_use_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(groups_wait_for_the_certificate_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_waits_for_a_certificate_can_be_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_event_waits_after_its_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(can_be_freed_while_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_a_client, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, set_up_key, tear_down_key);
}
