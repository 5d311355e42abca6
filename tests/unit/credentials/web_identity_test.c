// SPDX-License-Identifier: Apache-2.0
// The web identity of the environment, against a scripted STS.
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

#define REFUSAL(code)                                                                                        \
    "<ErrorResponse><Error><Code>" code "</Code><Message>because</Message></Error></ErrorResponse>"

static char role[] = "arn:aws:iam::123456789012:role/relay";
static char token_file[256];

static struct provider_harness *start(struct provider *provider) {
    struct provider_harness *harness = provider_harness_new();
    snprintf(token_file, sizeof token_file, "%s",
             provider_harness_file(harness, "token", "head.first.signature\n"));
    harness->settings.aws_endpoint_url = harness->url;
    harness->settings.aws_role_arn = role;
    harness->settings.aws_web_identity_token_file = token_file;
    harness->settings.aws_ec2_metadata_service_endpoint = harness->url;
    harness->settings.aws_ec2_metadata_disabled = true;
    provider_harness_start(harness);
    *provider = web_identity_provider(&harness->means);
    return harness;
}

static void stop(struct provider_harness *harness, const struct provider *provider) {
    provider_harness_close(harness);
    provider->free(provider->self);
    provider_harness_free(harness);
}

static bool body_has(const struct provider_harness *harness, int index, const char *text) {
    return strstr(provider_harness_request(harness, index)->body, text) != NULL;
}

static void exchanges_the_token_unsigned(void **state) {
    static char session[] = "pod-1";
    struct provider provider;
    struct provider_harness *harness = start(&provider);
    char value[128];

    (void)state;
    harness->settings.aws_role_session_name = session;
    SCRIPT(harness, {"200 OK", STS_DOCUMENT("AssumeRoleWithWebIdentity")});
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "web identity (role arn:aws:iam::123456789012:role/relay)");
    assert_int_equal(harness->found.expires_at, 4105082096000000);
    const struct http_received *request = provider_harness_request(harness, 0);
    assert_int_equal(strncmp(request->head, "POST / HTTP/1.1\r\n", 17), 0);
    http_server_header(request, "authorization", value, sizeof value);
    assert_string_equal(value, "");
    assert_string_equal(request->body,
                        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
                        "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Frelay&RoleSessionName=pod-1"
                        "&WebIdentityToken=head.first.signature");
    stop(harness, &provider);
}

static void a_refused_token_is_read_again(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider);

    (void)state;
    SCRIPT(harness, {"400 Bad Request", REFUSAL("InvalidIdentityToken")},
           {"400 Bad Request", REFUSAL("IDPCommunicationError")},
           {"200 OK", STS_DOCUMENT("AssumeRoleWithWebIdentity")});
    provider_harness_begin(harness, &provider);
    provider_harness_file(harness, "token", "head.second.signature\n"); // renewed in the meantime
    provider_harness_await(harness);
    assert_true(body_has(harness, 0, "WebIdentityToken=head.first.signature"));
    assert_true(body_has(harness, 2, "WebIdentityToken=head.second.signature"));
    provider_harness_found(harness, "web identity (role arn:aws:iam::123456789012:role/relay)");
    stop(harness, &provider);
}

static void says_what_was_wrong(void **state) {
    static const struct {
        struct scripted scripted;
        const char *reason;
        int requests;
    } cases[] = {
        {{"400 Bad Request", REFUSAL("InvalidIdentityToken")}, "HTTP 400 InvalidIdentityToken: because", 3},
        {{"403 Forbidden", REFUSAL("AccessDenied")}, "HTTP 403 AccessDenied: because", 1},
        {{"400 Bad Request", REFUSAL("ExpiredTokenException")}, "ExpiredTokenException: because", 1},
        {{"200 OK", "<x/>"}, "STS's answer cannot be used", 1},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct provider provider;
        struct provider_harness *harness = start(&provider);
        provider_harness_script(harness, &cases[index].scripted, 1);
        provider_harness_fetch(harness, &provider);
        provider_harness_failed(harness, PROVIDER_FAILED, cases[index].reason);
        assert_null(strstr(harness->reason, "head.first"));
        assert_int_equal(provider_harness_requests(harness), cases[index].requests);
        stop(harness, &provider);
    }
}

static void both_variables_are_needed(void **state) {
    static char none[] = "", missing[] = "/no/such/token";
    struct provider provider;
    struct provider_harness *harness = start(&provider);

    (void)state;
    harness->settings.aws_role_arn = none;
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "AWS_ROLE_ARN is not: set both or neither");
    harness->settings.aws_web_identity_token_file = none;
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_ABSENT, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    harness->settings.aws_role_arn = role;
    harness->settings.aws_web_identity_token_file = missing;
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED,
                            "AWS_WEB_IDENTITY_TOKEN_FILE: the file /no/such/token cannot be read");
    stop(harness, &provider);
}

static void a_region_is_needed(void **state) {
    static char none[] = "", arn[] = "arn:aws:sns:ap-south-1:123456789012:orders";
    struct provider provider;
    struct provider_harness *harness = start(&provider);

    (void)state;
    harness->settings.aws_region = none;
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "AWS_REGION");
    harness->settings.topic_arn = arn;
    SCRIPT(harness, {"200 OK", STS_DOCUMENT("AssumeRoleWithWebIdentity")});
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "web identity (role arn:aws:iam::123456789012:role/relay)");
    assert_true(body_has(harness, 0, "&RoleSessionName=outbox-relay-"));
    stop(harness, &provider);
}

static void the_instance_tells_the_region(void **state) {
    static char none[] = "";
    struct provider provider;
    struct provider_harness *harness = start(&provider);
    char value[128];

    (void)state;
    harness->settings.aws_region = none;
    harness->settings.aws_ec2_metadata_disabled = false;
    SCRIPT(harness, {"200 OK", "AQAE-token=="}, {"200 OK", "eu-north-1\n"},
           {"200 OK", STS_DOCUMENT("AssumeRoleWithWebIdentity")});
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "web identity (role arn:aws:iam::123456789012:role/relay)");
    assert_int_equal(provider_harness_requests(harness), 3);
    const struct http_received *request = provider_harness_request(harness, 1);
    assert_int_equal(strncmp(request->head, "GET /latest/meta-data/placement/region HTTP/1.1\r\n", 49), 0);
    http_server_header(request, "x-aws-ec2-metadata-token", value, sizeof value);
    assert_string_equal(value, "AQAE-token==");
    stop(harness, &provider);
}

static void an_instance_may_not_tell_it(void **state) {
    static char none[] = "";
    static const struct scripted scripts[][2] = {{{"404 Not Found", ""}},
                                                 {{"200 OK", "t"}, {"500 Oh", ""}},
                                                 {{"200 OK", "t"}, {"200 OK", "eu_north/1"}}};

    (void)state;
    for (size_t index = 0; index < sizeof scripts / sizeof scripts[0]; index++) {
        struct provider provider;
        struct provider_harness *harness = start(&provider);
        harness->settings.aws_region = none;
        harness->settings.aws_ec2_metadata_disabled = false;
        provider_harness_script(harness, scripts[index], 2);
        provider_harness_fetch(harness, &provider);
        provider_harness_failed(harness, PROVIDER_FAILED, "no AWS region: set AWS_REGION");
        stop(harness, &provider);
    }
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_the_token_unsigned), cmocka_unit_test(a_refused_token_is_read_again),
        cmocka_unit_test(says_what_was_wrong),          cmocka_unit_test(both_variables_are_needed),
        cmocka_unit_test(a_region_is_needed),           cmocka_unit_test(the_instance_tells_the_region),
        cmocka_unit_test(an_instance_may_not_tell_it),  cmocka_unit_test(can_be_freed_while_it_waits),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
