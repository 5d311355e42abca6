// SPDX-License-Identifier: Apache-2.0
// The requests of the SNS sink: their headers and signature, and the settings that are checked before any.
#include "aws/credentials.h"
#include "aws/sigv4.h"
#include "sns/publisher.h"
#include "support/publisher_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { VALUE_SIZE = 1024 };

static int64_t unix_us_of(const char *date) {
    struct tm parts = {0};
    const char *end = strptime(date, "%Y%m%dT%H%M%SZ", &parts);

    assert_true(end != NULL && *end == '\0');
    return (int64_t)timegm(&parts) * 1000000;
}

// Signs what came in once more, from the headers and bytes that were received and the date they name.
static void assert_signed(const struct harness *harness, const struct http_received *request,
                          const char *path) {
    char type[VALUE_SIZE], host[VALUE_SIZE], date[VALUE_SIZE], authorization[VALUE_SIZE];
    struct sigv4_signature signature;
    struct aws_credentials credentials;
    struct sigv4_signer *signer = sigv4_signer_create(NULL);

    http_server_header(request, "content-type", type, sizeof type);
    http_server_header(request, "host", host, sizeof host);
    http_server_header(request, "x-amz-date", date, sizeof date);
    http_server_header(request, "authorization", authorization, sizeof authorization);
    const struct sigv4_header headers[] = {{"content-type", type}, {"host", host}};
    const struct sigv4_request to_sign = {.method = "POST",
                                          .path = path,
                                          .query = "",
                                          .region = "eu-west-1",
                                          .service = "sns",
                                          .headers = headers,
                                          .header_count = 2,
                                          .payload = request->body,
                                          .payload_length = request->body_length};
    assert_true(aws_credentials_from_settings(&credentials, &harness->settings, NULL));
    assert_true(sigv4_sign(signer, &credentials, &to_sign, unix_us_of(date), &signature, NULL));
    assert_string_equal(date, signature.date);
    assert_string_equal(authorization, signature.authorization);
    sigv4_signer_free(signer);
}

static void publish_ten(struct harness *harness) {
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    assert_int_equal(harness->sent, 10);
}

static void signs_its_requests(void **state) {
    struct harness *harness = harness_new();
    char value[VALUE_SIZE];

    (void)state;
    publish_ten(harness);
    const struct http_received *request = http_server_requests(harness->server);
    assert_signed(harness, request, "/");
    assert_int_equal(strncmp(request->head, "POST / HTTP/1.1\r\n", 17), 0);
    http_server_header(request, "content-type", value, sizeof value);
    assert_string_equal(value, "application/x-www-form-urlencoded; charset=utf-8");
    http_server_header(request, "host", value, sizeof value);
    assert_string_equal(value, harness->endpoint + strlen("http://"));
    http_server_header(request, "x-amz-security-token", value, sizeof value);
    assert_string_equal(value, "");
    harness_free(harness);
}

static void sends_the_session_token(void **state) {
    static char token[] = "FwoGZXIvYXdzE+token/with=signs";
    struct harness *harness = harness_new();
    char value[VALUE_SIZE];

    (void)state;
    harness->settings.aws_session_token = token;
    publish_ten(harness);
    assert_signed(harness, http_server_requests(harness->server), "/");
    http_server_header(http_server_requests(harness->server), "x-amz-security-token", value, sizeof value);
    assert_string_equal(value, token);
    http_server_header(http_server_requests(harness->server), "authorization", value, sizeof value);
    assert_non_null(strstr(value, "x-amz-security-token"));
    harness_free(harness);
}

static void uses_the_path_of_the_endpoint(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    size_t length = strlen(harness->endpoint);
    snprintf(harness->endpoint + length, sizeof harness->endpoint - length, "/emulator/sns");
    publish_ten(harness);
    const struct http_received *request = http_server_requests(harness->server);
    assert_int_equal(strncmp(request->head, "POST /emulator/sns HTTP/1.1\r\n", 29), 0);
    assert_signed(harness, request, "/emulator/sns");
    harness_free(harness);
}

// libcurl would ask for "100 Continue" before more than 1 MiB, and wait a second for it.
static void sends_large_requests_at_once(void **state) {
    enum { LENGTH = 1000 * 1024 };
    struct harness *harness = harness_new();
    char *data = malloc(LENGTH + 1);
    char value[VALUE_SIZE];

    (void)state;
    memset(data, '[', LENGTH);
    data[LENGTH] = '\0';
    harness->settings.max_message_bytes = 1 << 20;
    harness_start(harness);
    harness_offer(harness, &harness->standard, data);
    harness_flush(harness);
    harness_await_settled(harness, 1);
    assert_int_equal(harness->sent, 1);
    assert_true(http_server_requests(harness->server)->body_length > 3 * LENGTH);
    http_server_header(http_server_requests(harness->server), "expect", value, sizeof value);
    assert_string_equal(value, "");
    assert_signed(harness, http_server_requests(harness->server), "/");
    free(data);
    harness_free(harness);
}

static void assert_refused(struct harness *harness, enum error_code code, const char *expected) {
    const struct sink_listener listener = {0};
    struct error error = {0};

    assert_false(sns_publisher_new(&harness->sink, harness->base, &harness->settings, &listener, &error));
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.text, expected));
    assert_null(harness->sink.self);
    harness_free(harness);
}

static void checks_its_settings_at_the_start(void **state) {
    static char none[] = "", bad_arn[] = "arn:aws:sqs:eu-west-1:123456789012:orders", bad_url[] = "ftp://x";
    struct harness *harness = harness_new();

    (void)state;
    harness->settings.aws_secret_access_key = none;
    assert_refused(harness, ERROR_CREDENTIALS, "AWS_SECRET_ACCESS_KEY");
    harness = harness_new();
    harness->settings.topic_arn = bad_arn;
    assert_refused(harness, ERROR_USAGE, bad_arn);
    harness = harness_new();
    harness->settings.topic_arn_prefix = bad_arn;
    assert_refused(harness, ERROR_USAGE, bad_arn);
    harness = harness_new();
    harness->settings.aws_endpoint_url_sns = bad_url;
    assert_refused(harness, ERROR_USAGE, bad_url);
}

// An endpoint that cannot be used is found late where no region is known at the start.
static void settles_when_a_topic_has_no_endpoint(void **state) {
    static char none[] = "", bad_url[] = "ftp://x";
    struct harness *harness = harness_new();

    (void)state;
    harness->settings.aws_region = none;
    harness->settings.aws_endpoint_url_sns = bad_url;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 3);
    assert_int_equal(harness->settled, 3);
    harness_assert_settled(harness, 0, 3, OUTCOME_WAIT, bad_url);
    harness_free(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_its_requests),
        cmocka_unit_test(sends_the_session_token),
        cmocka_unit_test(uses_the_path_of_the_endpoint),
        cmocka_unit_test(sends_large_requests_at_once),
        cmocka_unit_test(checks_its_settings_at_the_start),
        cmocka_unit_test(settles_when_a_topic_has_no_endpoint),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
