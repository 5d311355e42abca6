// SPDX-License-Identifier: Apache-2.0
// The provider of instance metadata against a scripted server: the three steps, and what is made of each
// answer to them.
#include "base/log.h"
#include "support/provider_harness.h"

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

#define EXPIRED                                                                                              \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"" KEY_ID "\",\"SecretAccessKey\":\"" SECRET                     \
    "\",\"Token\":\"" TOKEN "\",\"Expiration\":\"2020-01-31T12:34:56Z\"}"

static struct provider_harness *start(struct provider *provider) {
    struct provider_harness *harness = provider_harness_new();
    struct error error = {0};
    harness->settings.aws_ec2_metadata_service_endpoint = harness->url;
    provider_harness_start(harness);
    if (!metadata_provider(provider, &harness->means, &error)) {
        fail_msg("%s", error.text);
    }
    return harness;
}

static void stop(struct provider_harness *harness, const struct provider *provider) {
    provider_harness_close(harness);
    provider->free(provider->self);
    provider_harness_free(harness);
}

static void takes_the_three_steps(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider);
    char value[128];

    (void)state;
    SCRIPT(harness, {"200 OK", "AQAE-token=="}, {"200 OK", "relay-role\n"}, {"200 OK", DOCUMENT});
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "instance metadata (role relay-role)");
    assert_int_equal(provider_harness_requests(harness), 3);
    const struct http_received *request = provider_harness_request(harness, 0);
    assert_int_equal(strncmp(request->head, "PUT /latest/api/token HTTP/1.1\r\n", 32), 0);
    http_server_header(request, "x-aws-ec2-metadata-token-ttl-seconds", value, sizeof value);
    assert_string_equal(value, "21600");
    request = provider_harness_request(harness, 1);
    assert_int_equal(
        strncmp(request->head, "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\n", 58), 0);
    http_server_header(request, "x-aws-ec2-metadata-token", value, sizeof value);
    assert_string_equal(value, "AQAE-token==");
    request = provider_harness_request(harness, 2);
    assert_int_equal(
        strncmp(request->head, "GET /latest/meta-data/iam/security-credentials/relay-role HTTP", 62), 0);
    http_server_header(request, "x-aws-ec2-metadata-token", value, sizeof value);
    assert_string_equal(value, "AQAE-token==");
    stop(harness, &provider);
}

// Static stability: AWS may honour them beyond their time.
static void expired_credentials_are_tried_with_no_known_end(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider);

    (void)state;
    SCRIPT(harness, {"200 OK", "token"}, {"200 OK", "role"}, {"200 OK", EXPIRED});
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "instance metadata (role role)");
    assert_int_equal(harness->found.expires_at, 0);
    stop(harness, &provider);
}

static void says_what_was_wrong(void **state) {
    static const struct {
        struct scripted script[3];
        enum provider_result result;
        const char *reason;
    } cases[] = {
        {{{"404 Not Found", ""}}, PROVIDER_ABSENT, "answers HTTP 404 for a token"},
        {{{"400 Bad Request", ""}}, PROVIDER_ABSENT, "answers HTTP 400 for a token"},
        {{{"", NULL}}, PROVIDER_ABSENT, "does not answer for a token"},
        {{{"500 Oh", ""}}, PROVIDER_FAILED, "answers HTTP 500 for a token"},
        {{{"200 OK", ""}}, PROVIDER_FAILED, "token is not one line"},
        {{{"200 OK", "a\r\nX-Evil: b"}}, PROVIDER_FAILED, "token is not one line"},
        {{{"200 OK", "t"}, {"404 Not Found", ""}}, PROVIDER_ABSENT, "has no role"},
        {{{"200 OK", "t"}, {"401 Unauthorized", ""}}, PROVIDER_FAILED, "HTTP 401 for the instance's role"},
        {{{"200 OK", "t"}, {"200 OK", ""}}, PROVIDER_FAILED, "not named by one line"},
        {{{"200 OK", "t"}, {"200 OK", "a/../b"}}, PROVIDER_FAILED, "not named by one line"},
        {{{"200 OK", "t"}, {"200 OK", "one\ntwo"}}, PROVIDER_FAILED, "not named by one line"},
        {{{"200 OK", "t"}, {"200 OK", "r"}, {"404 Not Found", ""}},
         PROVIDER_FAILED,
         "HTTP 404 for the role's credentials"},
        {{{"200 OK", "t"}, {"200 OK", "r"}, {"200 OK", "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}"}},
         PROVIDER_FAILED,
         "role r cannot be used: the service answers AssumeRoleUnauthorizedAccess"},
        {{{"200 OK", "t"}, {"200 OK", "r"}, {"200 OK", "{}"}}, PROVIDER_FAILED, "AccessKeyId is missing"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct provider provider;
        struct provider_harness *harness = start(&provider);
        provider_harness_script(harness, cases[index].script, 3);
        provider_harness_fetch(harness, &provider);
        provider_harness_failed(harness, cases[index].result, cases[index].reason);
        stop(harness, &provider);
    }
}

static void is_not_asked_when_disabled(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider);

    (void)state;
    harness->settings.aws_ec2_metadata_disabled = true;
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_ABSENT, "AWS_EC2_METADATA_DISABLED");
    assert_int_equal(provider_harness_requests(harness), 0);
    stop(harness, &provider);
}

static void is_asked_as_often_as_set(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider);

    (void)state;
    harness->settings.aws_metadata_service_num_attempts = 3;
    SCRIPT(harness, {"", NULL});
    provider_harness_fetch(harness, &provider);
    assert_int_equal(provider_harness_requests(harness), 3);
    stop(harness, &provider);
}

static void can_be_freed_while_it_waits(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider);

    (void)state;
    SCRIPT(harness, {NULL, NULL});
    provider_harness_begin(harness, &provider);
    assert_int_equal(harness->calls, 0);
    stop(harness, &provider);
}

static bool accepts(const char *endpoint, const char *mode, struct error *error) {
    struct provider provider;
    struct provider_harness *harness = provider_harness_new();
    char texts[2][512];
    snprintf(texts[0], sizeof texts[0], "%s", endpoint);
    snprintf(texts[1], sizeof texts[1], "%s", mode);
    harness->settings.aws_ec2_metadata_service_endpoint = texts[0];
    harness->settings.aws_ec2_metadata_service_endpoint_mode = texts[1];
    provider_harness_start(harness);
    bool good = metadata_provider(&provider, &harness->means, error);
    if (good) {
        provider.free(provider.self);
    }
    provider_harness_free(harness);
    return good;
}

static void malformed_settings_are_refused(void **state) {
    char longest[400];
    struct error error = {0};

    (void)state;
    assert_true(accepts("", "", &error));
    assert_true(accepts("", "ipv6", &error));
    assert_true(accepts("http://[fd00:ec2::254]/", "IPv4", &error));
    assert_false(accepts("", "IPv5", &error));
    assert_non_null(strstr(error.text, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is \"IPv5\""));
    assert_false(accepts("169.254.169.254", "", &error));
    assert_false(accepts("http://user:x@169.254.169.254", "", &error));
    assert_false(accepts("http://a b", "", &error));
    assert_false(accepts("http://a\r\nb", "", &error));
    memset(longest, 'a', sizeof longest - 1);
    memcpy(longest, "http://", 7);
    longest[sizeof longest - 1] = '\0';
    assert_false(accepts(longest, "", &error));
    assert_int_equal(error.code, ERROR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_three_steps),
        cmocka_unit_test(expired_credentials_are_tried_with_no_known_end),
        cmocka_unit_test(says_what_was_wrong),
        cmocka_unit_test(is_not_asked_when_disabled),
        cmocka_unit_test(is_asked_as_often_as_set),
        cmocka_unit_test(can_be_freed_while_it_waits),
        cmocka_unit_test(malformed_settings_are_refused),
    };
    setenv("http_proxy", "http://127.0.0.1:9", 1); // never to be used
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
