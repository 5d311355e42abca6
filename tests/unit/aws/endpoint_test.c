// SPDX-License-Identifier: Apache-2.0
// Endpoints and regions: which variable wins, what a URL becomes, what is refused.
#include "aws/endpoint.h"

#include <stdio.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static char none[] = "";

static struct settings settings_of(const char *region, const char *url, const char *url_sns) {
    static char texts[3][1024];

    snprintf(texts[0], sizeof texts[0], "%s", region);
    snprintf(texts[1], sizeof texts[1], "%s", url);
    snprintf(texts[2], sizeof texts[2], "%s", url_sns);
    return (struct settings){.aws_region = texts[0],
                             .aws_endpoint_url = texts[1],
                             .aws_endpoint_url_sns = texts[2],
                             .aws_endpoint_url_sqs = none,
                             .aws_endpoint_url_sts = none,
                             .aws_ignore_configured_endpoint_urls = SETTING_UNSET,
                             .aws_use_fips_endpoint = SETTING_UNSET,
                             .aws_use_dualstack_endpoint = SETTING_UNSET,
                             .aws_profile = none};
}

static void assert_resolved(const char *url, const char *expected_url, const char *host, const char *path) {
    struct settings settings = settings_of("", url, "");
    struct aws_endpoint endpoint;
    struct error error = {0};

    assert_true(aws_endpoint_resolve(&endpoint, &settings, NULL, "sns", "eu-west-1", &error));
    assert_string_equal(endpoint.url, expected_url);
    assert_string_equal(endpoint.host, host);
    assert_string_equal(endpoint.path, path);
}

static void assert_refused(const char *url, const char *rule) {
    struct settings settings = settings_of("", url, "");
    struct aws_endpoint endpoint = {.host = "before"};
    struct error error = {0};

    assert_false(aws_endpoint_resolve(&endpoint, &settings, NULL, "sns", "eu-west-1", &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.text, "AWS_ENDPOINT_URL "));
    assert_non_null(strstr(error.text, rule));
    assert_string_equal(endpoint.host, "before");
}

static void assert_own_address(const char *service, const char *region, bool fips, bool dual_stack,
                               const char *host) {
    struct settings settings = settings_of("", "", "");
    struct aws_endpoint endpoint;
    char url[AWS_ENDPOINT_URL_SIZE];
    struct error error;

    settings.aws_use_fips_endpoint = fips;
    settings.aws_use_dualstack_endpoint = dual_stack;
    assert_true(aws_endpoint_resolve(&endpoint, &settings, NULL, service, region, &error));
    snprintf(url, sizeof url, "https://%s/", host);
    assert_string_equal(endpoint.url, url);
    assert_string_equal(endpoint.host, host);
    assert_string_equal(endpoint.path, "/");
}

// Each row is what follows the service's name, by the SDKs' rules for SNS, SQS and STS alike: as it is, with
// FIPS, with dual stack, with both.
static void the_region_gives_the_services_own_address(void **state) {
    (void)state;
    static const char *const services[] = {"sns", "sqs", "sts"};
    static const struct {
        const char *region, *plain, *fips, *dual_stack, *both;
    } rows[] = {
        {"us-east-1", ".us-east-1.amazonaws.com", "-fips.us-east-1.amazonaws.com", ".us-east-1.api.aws",
         "-fips.us-east-1.api.aws"},
        {"ap-southeast-3", ".ap-southeast-3.amazonaws.com", "-fips.ap-southeast-3.amazonaws.com",
         ".ap-southeast-3.api.aws", "-fips.ap-southeast-3.api.aws"},
        {"mx-central-1", ".mx-central-1.amazonaws.com", "-fips.mx-central-1.amazonaws.com",
         ".mx-central-1.api.aws", "-fips.mx-central-1.api.aws"},
        {"cn-north-1", ".cn-north-1.amazonaws.com.cn", "-fips.cn-north-1.amazonaws.com.cn",
         ".cn-north-1.api.amazonwebservices.com.cn", "-fips.cn-north-1.api.amazonwebservices.com.cn"},
        {"us-gov-east-1", ".us-gov-east-1.amazonaws.com", ".us-gov-east-1.amazonaws.com",
         ".us-gov-east-1.api.aws", "-fips.us-gov-east-1.api.aws"},
        {"us-gov-west-1", ".us-gov-west-1.amazonaws.com", ".us-gov-west-1.amazonaws.com",
         ".us-gov-west-1.api.aws", "-fips.us-gov-west-1.api.aws"},
        {"us-iso-east-1", ".us-iso-east-1.c2s.ic.gov", "-fips.us-iso-east-1.c2s.ic.gov",
         ".us-iso-east-1.api.aws.ic.gov", "-fips.us-iso-east-1.api.aws.ic.gov"},
        {"us-isob-east-1", ".us-isob-east-1.sc2s.sgov.gov", "-fips.us-isob-east-1.sc2s.sgov.gov",
         ".us-isob-east-1.api.aws.scloud", "-fips.us-isob-east-1.api.aws.scloud"},
        {"eu-isoe-west-1", ".eu-isoe-west-1.cloud.adc-e.uk", "-fips.eu-isoe-west-1.cloud.adc-e.uk",
         ".eu-isoe-west-1.api.cloud-aws.adc-e.uk", "-fips.eu-isoe-west-1.api.cloud-aws.adc-e.uk"},
        {"us-isof-south-1", ".us-isof-south-1.csp.hci.ic.gov", "-fips.us-isof-south-1.csp.hci.ic.gov",
         ".us-isof-south-1.api.aws.hci.ic.gov", "-fips.us-isof-south-1.api.aws.hci.ic.gov"},
        {"eusc-de-east-1", ".eusc-de-east-1.amazonaws.eu", "-fips.eusc-de-east-1.amazonaws.eu",
         ".eusc-de-east-1.api.amazonwebservices.eu", "-fips.eusc-de-east-1.api.amazonwebservices.eu"},
    };

    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        const char *const endings[] = {rows[index].plain, rows[index].fips, rows[index].dual_stack,
                                       rows[index].both};
        for (size_t which = 0; which < 3 * 4; which++) {
            const char *service = services[which / 4];
            char host[AWS_ENDPOINT_HOST_SIZE];
            snprintf(host, sizeof host, "%s%s", service, endings[which % 4]);
            assert_own_address(service, rows[index].region, which % 2 == 1, which % 4 >= 2, host);
        }
    }
}

static void a_region_must_be_one(void **state) {
    (void)state;
    struct settings settings = settings_of("", "", "");
    struct aws_endpoint endpoint;
    struct error error;

    assert_false(aws_endpoint_resolve(&endpoint, &settings, NULL, "sns", "x.evil.example/", &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.text, "\"x.evil.example/\""));
}

static void a_configured_url_does_not_go_with_fips_or_dual_stack(void **state) {
    (void)state;
    struct settings settings = settings_of("", "http://h", "");
    struct aws_endpoint endpoint;
    struct error error;

    settings.aws_use_fips_endpoint = true;
    assert_false(aws_endpoint_resolve(&endpoint, &settings, NULL, "sns", "us-east-1", &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_string_equal(error.text,
                        "AWS_ENDPOINT_URL cannot be used together with AWS_USE_FIPS_ENDPOINT (in a profile, "
                        "use_fips_endpoint): unset one of them");
    settings.aws_use_fips_endpoint = SETTING_UNSET;
    settings.aws_use_dualstack_endpoint = true;
    assert_false(aws_endpoint_resolve(&endpoint, &settings, NULL, "sns", "us-east-1", &error));
    assert_non_null(strstr(error.text, "AWS_USE_DUALSTACK_ENDPOINT"));
    settings.aws_ignore_configured_endpoint_urls = true;
    assert_true(aws_endpoint_resolve(&endpoint, &settings, NULL, "sns", "us-east-1", &error));
    assert_string_equal(endpoint.host, "sns.us-east-1.api.aws");
}

static void the_services_variable_wins(void **state) {
    (void)state;
    static char url_sts[] = "http://only-sts:3";
    struct settings settings = settings_of("", "http://all:1", "http://only-sns:2");
    struct aws_endpoint endpoint;
    struct error error;

    assert_true(aws_endpoint_resolve(&endpoint, &settings, NULL, "sns", "eu-west-1", &error));
    assert_string_equal(endpoint.host, "only-sns:2");
    assert_true(aws_endpoint_resolve(&endpoint, &settings, NULL, "sqs", "eu-west-1", &error));
    assert_string_equal(endpoint.host, "all:1");
    settings.aws_endpoint_url_sts = url_sts;
    assert_true(aws_endpoint_resolve(&endpoint, &settings, NULL, "sts", "eu-west-1", &error));
    assert_string_equal(endpoint.host, "only-sts:3");
    assert_true(aws_endpoint_resolve(&endpoint, &settings, NULL, "sqs", "eu-west-1", &error));
    assert_string_equal(endpoint.host, "all:1");
    settings.aws_endpoint_url_sqs = url_sts;
    assert_true(aws_endpoint_resolve(&endpoint, &settings, NULL, "sqs", "eu-west-1", &error));
    assert_string_equal(endpoint.host, "only-sts:3");
    settings.aws_ignore_configured_endpoint_urls = true;
    assert_true(aws_endpoint_resolve(&endpoint, &settings, NULL, "sns", "eu-west-1", &error));
    assert_string_equal(endpoint.host, "sns.eu-west-1.amazonaws.com");
}

static void urls_are_written_anew(void **state) {
    (void)state;
    assert_resolved("http://127.0.0.1:4566", "http://127.0.0.1:4566/", "127.0.0.1:4566", "/");
    assert_resolved("http://localhost/", "http://localhost/", "localhost", "/");
    assert_resolved("HTTPS://SNS.Example.COM:443/Base", "https://sns.example.com/Base", "sns.example.com",
                    "/Base");
    assert_resolved("http://local_stack:80/", "http://local_stack/", "local_stack", "/");
    assert_resolved("http://h:443", "http://h:443/", "h:443", "/");
    assert_resolved("https://h:80", "https://h:80/", "h:80", "/");
    assert_resolved("http://h:004566", "http://h:4566/", "h:4566", "/");
    assert_resolved("http://[::1]:4566/a/b_c-~.d/", "http://[::1]:4566/a/b_c-~.d/", "[::1]:4566",
                    "/a/b_c-~.d/");
    assert_resolved("http://[2001:DB8::1]", "http://[2001:db8::1]/", "[2001:db8::1]", "/");
    assert_resolved("http://h/...", "http://h/...", "h", "/...");
}

static void bad_urls_are_refused_with_the_rule(void **state) {
    (void)state;
    static const struct {
        const char *url, *rule;
    } cases[] = {
        {"localhost:4566", "\"localhost:4566\": it must begin with https:// or http://"},
        {"ftp://h", "it must begin with"},
        {"http:/h", "it must begin with"},
        {"http://", "the host must be"},
        {"http://:4566", "the host must be"},
        {"http:///path", "the host must be"},
        {"http://[::1:4566", "closed with ]"},
        {"http://[]", "closed with ]"},
        {"http://[fe80::1%25eth0]", "closed with ]"},
        {"http://h:", "1 to 65535"},
        {"http://h:0", "1 to 65535"},
        {"http://h:65536", "1 to 65535"},
        {"http://h:99999999999999999999", "1 to 65535"},
        {"http://h:x", "1 to 65535"},
        {"http://h:80x", "only a path may follow"},
        {"http://h?Action=Publish", "no query and no fragment"},
        {"http://h/#top", "no query and no fragment"},
        {"http://h/a//b", "only a path may follow"},
        {"http://h//", "only a path may follow"},
        {"http://h/./b", "only a path may follow"},
        {"http://h/..", "only a path may follow"},
        {"http://h/a%2fb", "only a path may follow"},
        {"http://h/a b", "only a path may follow"},
        {"http://h\r\nX-Evil: 1", "only a path may follow"},
        {"http://h\xc3\xa9", "only a path may follow"},
    };

    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        assert_refused(cases[index].url, cases[index].rule);
    }
}

static void a_url_with_a_password_is_refused_and_not_shown(void **state) {
    (void)state;
    struct settings settings = settings_of("", "", "http://me:hidden@h/");
    struct aws_endpoint endpoint;
    struct error error;

    assert_false(aws_endpoint_resolve(&endpoint, &settings, NULL, "sns", "eu-west-1", &error));
    assert_non_null(strstr(error.text, "AWS_ENDPOINT_URL_SNS holds an @"));
    assert_null(strstr(error.text, "hidden"));
}

static void lengths_are_bounded(void **state) {
    (void)state;
    char url[900];
    struct settings settings;
    struct aws_endpoint endpoint;
    struct error error;

    snprintf(url, sizeof url, "https://%0253d:65535/%0510d", 0, 0);
    settings = settings_of("", url, "");
    assert_true(aws_endpoint_resolve(&endpoint, &settings, NULL, "sns", "eu-west-1", &error));
    assert_string_equal(endpoint.url, url);
    snprintf(url, sizeof url, "https://%0254d/", 0);
    assert_refused(url, "the host must be 1 to 253");
    snprintf(url, sizeof url, "https://h/%0511d", 0);
    assert_refused(url, "shorter than 512");
}

static void assert_region(const char *setting, const char *arn, const char *expected) {
    struct settings settings = settings_of(setting, "", "");
    char region[AWS_REGION_SIZE];
    struct error error = {0};

    assert_true(aws_region_resolve(region, &settings, NULL, arn, &error));
    assert_string_equal(region, expected);
}

static void assert_no_region(const char *setting, const char *arn, enum error_code code, const char *text) {
    struct settings settings = settings_of(setting, "", "");
    char region[AWS_REGION_SIZE] = "before";
    struct error error = {0};

    assert_false(aws_region_resolve(region, &settings, NULL, arn, &error));
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.text, text));
    assert_string_equal(region, "before");
}

static void the_region_is_set_or_the_arns(void **state) {
    (void)state;
    assert_region("us-east-1", "arn:aws:sns:eu-west-1:123456789012:orders", "us-east-1");
    assert_region("", "arn:aws:sns:eu-west-1:123456789012:orders", "eu-west-1");
    assert_region("", "arn:aws:sns:eu-west-1:123456789012", "eu-west-1");
    assert_region("us-east-1", NULL, "us-east-1");
    assert_no_region("", NULL, ERROR_CREDENTIALS, "set AWS_REGION");
    assert_no_region("", "", ERROR_CREDENTIALS, "set AWS_REGION");
    assert_no_region("", "orders", ERROR_USAGE, "\"orders\" names no AWS region");
    assert_no_region("", "arn:aws:sns:", ERROR_USAGE, "names no AWS region");
    assert_no_region("", "arn:aws:sns:0123456789012345678901234567890123456789:1", ERROR_USAGE,
                     "names no AWS region");
    assert_no_region("eu west", "", ERROR_USAGE, "AWS_REGION is \"eu west\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_region_gives_the_services_own_address),
        cmocka_unit_test(a_region_must_be_one),
        cmocka_unit_test(a_configured_url_does_not_go_with_fips_or_dual_stack),
        cmocka_unit_test(the_services_variable_wins),
        cmocka_unit_test(urls_are_written_anew),
        cmocka_unit_test(bad_urls_are_refused_with_the_rule),
        cmocka_unit_test(a_url_with_a_password_is_refused_and_not_shown),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(the_region_is_set_or_the_arns),
    };
    return cmocka_run_group_tests_name("aws/endpoint", tests, NULL, NULL);
}
