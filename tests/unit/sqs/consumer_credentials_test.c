// SPDX-License-Identifier: Apache-2.0
// The consumer and its credentials, which a scripted container endpoint gives: it waits for them, has them
// fetched anew when SQS refuses them, and goes on as soon as they are there.
#include "base/log.h"
#include "sqs/harness.h"

static struct http_server *endpoint;
static struct http_received *asking; // the endpoint has not answered that yet
static int given;                    // how many sets of credentials
static bool waits;                   // it answers only by give()

static void give(void) {
    char document[512];
    snprintf(document, sizeof document,
             "{\"AccessKeyId\":\"AKID%d\",\"SecretAccessKey\":\"secret%d\",\"Token\":\"token%d\","
             "\"Expiration\":\"2100-01-31T12:34:56Z\"}",
             given, given, given);
    given++;
    http_server_reply(asking, "200 OK", document);
    asking = NULL;
}

static void on_ask(void *context, struct http_received *request) {
    (void)context;
    asking = request;
    if (!waits) {
        give();
    }
}

static bool is_asking(void *context) {
    (void)context;
    return asking != NULL;
}

static void open_fixture(void) {
    static char none[] = "", url[64];
    harness_new("orders");
    given = 0;
    waits = false;
    asking = NULL;
    endpoint = http_server_new(harness->base, on_ask, NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", http_server_port(endpoint));
    harness->settings.aws_access_key_id = none;
    harness->settings.aws_secret_access_key = none;
    harness->settings.aws_container_credentials_full_uri = url;
}

static void close_fixture(void) {
    http_server_free(endpoint);
    harness_free();
}

// The key that the last request has been signed with.
static void assert_signed_with(const char *key) {
    char authorization[1024];
    const struct http_received *last = http_server_requests(harness->server);
    while (last->next != NULL) {
        last = last->next;
    }
    http_server_header(last, "Authorization", authorization, sizeof authorization);
    if (strstr(authorization, key) == NULL) {
        fail_msg("%s", authorization);
    }
}

static void it_waits_for_the_first_ones(void **state) {
    (void)state;
    open_fixture();
    waits = true;
    harness_start();
    assert_true(loop_until(harness->base, is_asking, NULL));
    loop_settle(harness->base);
    assert_int_equal(harness->requests[ATTRIBUTES], 0);
    give();
    harness_await(harness_is_waiting, 1);
    assert_signed_with("AKID0");
    close_fixture();
}

static void those_that_are_refused_are_fetched_anew(void **state) {
    (void)state;
    open_fixture();
    harness_start();
    harness_await(harness_is_waiting, 1);
    harness_override(RECEIVE, 1, "403 Forbidden", HARNESS_ERROR("ExpiredToken"));
    harness_nothing();
    harness_await(harness_is_waiting, 1);
    assert_int_equal(given, 2);
    assert_signed_with("AKID1");
    close_fixture();
}

static void without_any_it_ends(void **state) {
    struct error error = {0};
    static char nowhere[] = "http://127.0.0.1:1/";

    (void)state;
    harness_new("orders");
    static char none[] = "";
    harness->settings.aws_access_key_id = none;
    harness->settings.aws_secret_access_key = none;
    harness->settings.aws_ec2_metadata_service_endpoint = nowhere;
    harness->settings.aws_ec2_metadata_disabled = 0;
    harness_start();
    assert_false(harness_result(&error));
    assert_int_equal(error.code, ERROR_CREDENTIALS);
    harness_free();
}

static int quiet(void **state) {
    (void)state;
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_waits_for_the_first_ones),
        cmocka_unit_test(those_that_are_refused_are_fetched_anew),
        cmocka_unit_test(without_any_it_ends),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
