// SPDX-License-Identifier: Apache-2.0
// The SNS sink and its credentials, which a scripted container endpoint gives: it waits for them, has them
// fetched anew when SNS refuses them, and goes on as soon as they are there.
#include "base/log.h"
#include "support/loop.h"
#include "support/publisher_harness.h"

#include <stdio.h>
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

enum { VALUE_SIZE = 1024 };

#define EXPIRED HARNESS_ERROR("Sender", "ExpiredToken")

struct fixture {
    struct harness *harness;
    struct http_server *endpoint;
    char url[64];
    int given;                    // how many sets of credentials
    bool waits;                   // the endpoint answers by give()
    struct http_received *asking; // meanwhile
};

static void give(struct fixture *fixture) {
    char document[512];
    snprintf(document, sizeof document,
             "{\"AccessKeyId\":\"AKID%d\",\"SecretAccessKey\":\"secret%d\",\"Token\":\"token%d\","
             "\"Expiration\":\"2100-01-31T12:34:56Z\"}",
             fixture->given, fixture->given, fixture->given);
    fixture->given++;
    http_server_reply(fixture->asking, "200 OK", document);
    fixture->asking = NULL;
}

static void on_ask(void *context, struct http_received *request) {
    struct fixture *fixture = context;
    fixture->asking = request;
    if (!fixture->waits) {
        give(fixture);
    }
}

static struct fixture *open_fixture(void) {
    static char none[] = "";
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->harness = harness_new();
    fixture->endpoint = http_server_new(fixture->harness->base, on_ask, fixture);
    snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%d/", http_server_port(fixture->endpoint));
    fixture->harness->settings.aws_access_key_id = none;
    fixture->harness->settings.aws_secret_access_key = none;
    fixture->harness->settings.aws_container_credentials_full_uri = fixture->url;
    return fixture;
}

static void close_fixture(struct fixture *fixture) {
    struct harness *harness = fixture->harness;
    http_server_free(fixture->endpoint);
    harness_free(harness);
    free(fixture);
}

static bool is_asking(void *context) {
    return ((struct fixture *)context)->asking != NULL;
}

static bool has_room(void *context) {
    const struct harness *harness = ((struct fixture *)context)->harness;
    return harness->sink.room(harness->sink.self, false) > 0;
}

static bool is_admitted(void *context) {
    struct harness *harness = ((struct fixture *)context)->harness;
    return harness->sink.admits(harness->sink.self, &harness->standard);
}

static bool is_broken(void *context) {
    return ((struct fixture *)context)->harness->broken > 0;
}

static void start_and_wait(struct fixture *fixture) {
    harness_start(fixture->harness);
    assert_true(loop_until(fixture->harness->base, has_room, fixture));
}

static void assert_key(const struct fixture *fixture, int request, const char *id) {
    char value[VALUE_SIZE];
    http_server_header(harness_request(fixture->harness, request), "authorization", value, sizeof value);
    if (strstr(value, id) == NULL) {
        fail_msg("request %d is signed %s, not with %s", request, value, id);
    }
}

static void nothing_is_claimed_before_they_are_there(void **state) {
    struct fixture *fixture = open_fixture();
    struct harness *harness = fixture->harness;

    (void)state;
    fixture->waits = true;
    harness_start(harness);
    assert_int_equal(harness->sink.room(harness->sink.self, false), 0);
    harness_offer_many(harness, &harness->standard, 10); // claimed before they expired, say
    harness_flush(harness);
    assert_true(loop_until(harness->base, is_asking, fixture));
    loop_settle(harness->base);
    assert_int_equal(harness->settled, 0);
    assert_int_equal(harness->drained, 0);
    give(fixture);
    harness_await_settled(harness, 10);
    assert_int_equal(harness->sent, 10);
    assert_int_equal(harness->drained, 1);
    assert_key(fixture, 0, "AKID0/");
    close_fixture(fixture);
}

// The rest is a minute: it is not waited for.
static void it_goes_on_as_soon_as_new_ones_are_there(void **state) {
    struct fixture *fixture = open_fixture();
    struct harness *harness = fixture->harness;

    (void)state;
    start_and_wait(fixture);
    fixture->waits = true;
    harness->answer = harness_answer_with;
    harness->status = "403 Forbidden";
    harness->text = EXPIRED;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, "ExpiredToken");
    assert_true(harness->sink.resting_us(harness->sink.self) > 0);
    assert_true(loop_until(harness->base, is_asking, fixture));
    assert_false(is_admitted(fixture));
    assert_int_equal(harness->recovered, 0);
    harness->answer = harness_accept;
    give(fixture);
    assert_true(loop_until(harness->base, is_admitted, fixture));
    assert_int_equal(harness->recovered, 1);
    assert_int_equal(harness->sink.resting_us(harness->sink.self), 0);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 20);
    assert_int_equal(harness->sent, 10);
    assert_key(fixture, 1, "AKID1/");
    close_fixture(fixture);
}

// Whatever else is wrong with a signature, other credentials would not mend it.
static void a_wrong_signature_fetches_nothing(void **state) {
    struct fixture *fixture = open_fixture();
    struct harness *harness = fixture->harness;

    (void)state;
    start_and_wait(fixture);
    harness->answer = harness_answer_with;
    harness->status = "403 Forbidden";
    harness->text = HARNESS_ERROR("Sender", "SignatureDoesNotMatch");
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    loop_settle(harness->base);
    assert_int_equal(fixture->given, 1);
    close_fixture(fixture);
}

// Two requests are under way when the credentials change, and both are refused: the second, late, says
// nothing of the new ones.
static void a_late_refusal_is_signed_again(void **state) {
    struct fixture *fixture = open_fixture();
    struct harness *harness = fixture->harness;

    (void)state;
    start_and_wait(fixture);
    harness->answer = NULL;
    harness_offer_many(harness, &harness->standard, 20);
    harness_await_requests(harness, 2);
    harness->status = "403 Forbidden";
    harness->text = EXPIRED;
    harness_answer_with(harness, harness_request(harness, 0));
    harness_await_settled(harness, 10);
    assert_true(loop_until(harness->base, is_admitted, fixture)); // the new ones are there
    harness->answer = harness_accept;
    harness_answer_with(harness, harness_request(harness, 1));
    harness_await_settled(harness, 20);
    harness_assert_settled(harness, 10, 20, OUTCOME_SENT, NULL);
    assert_key(fixture, 2, "AKID1/");
    assert_int_equal(fixture->given, 2);
    close_fixture(fixture);
}

static void the_sink_breaks_when_none_can_come(void **state) {
    static char none[] = "", nowhere[] = "http://127.0.0.1:1";
    struct fixture *fixture = open_fixture();
    struct harness *harness = fixture->harness;

    (void)state;
    harness->settings.aws_container_credentials_full_uri = none;
    harness->settings.aws_ec2_metadata_service_endpoint = nowhere;
    harness->reason_to_end = "no AWS credentials: set AWS_ACCESS_KEY_ID";
    harness_start(harness);
    assert_true(loop_until(harness->base, is_broken, fixture));
    assert_int_equal(harness->broken, 1);
    close_fixture(fixture);
}

static void it_waits_for_an_endpoint_that_fails(void **state) {
    static char nowhere[] = "http://127.0.0.1:1/";
    struct fixture *fixture = open_fixture();
    struct harness *harness = fixture->harness;

    (void)state;
    harness->settings.aws_container_credentials_full_uri = nowhere;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    loop_settle(harness->base);
    assert_int_equal(harness->settled, 0);
    harness->sink.drop(harness->sink.self, NULL); // what a claim gives up is not blamed
    harness_assert_settled(harness, 0, 10, OUTCOME_LET_GO, NULL);
    close_fixture(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_claimed_before_they_are_there),
        cmocka_unit_test(it_goes_on_as_soon_as_new_ones_are_there),
        cmocka_unit_test(a_wrong_signature_fetches_nothing),
        cmocka_unit_test(a_late_refusal_is_signed_again),
        cmocka_unit_test(the_sink_breaks_when_none_can_come),
        cmocka_unit_test(it_waits_for_an_endpoint_that_fails),
    };
    setenv("no_proxy", "*", 1);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
