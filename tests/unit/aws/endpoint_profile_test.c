// SPDX-License-Identifier: Apache-2.0
// Endpoints and regions that the AWS profile names: what goes before what, and what is refused.
#include "aws/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static char none[] = "", no_file[] = "/dev/null", url_all[] = "http://all", url_sns[] = "http://sns";
static char path[64];

// The settings of a relay whose config file has this text, and the config.
struct fixture {
    struct settings settings;
    struct aws_config *config;
};

static int make_file(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/tmp/outbox-relay-profile-XXXXXX");
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

static struct fixture load(const char *text) {
    struct error error = {0};
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct fixture fixture = {.settings = {.aws_region = none,
                                           .aws_endpoint_url = none,
                                           .aws_endpoint_url_sns = none,
                                           .aws_endpoint_url_sqs = none,
                                           .aws_endpoint_url_sts = none,
                                           .aws_ignore_configured_endpoint_urls = SETTING_UNSET,
                                           .aws_use_fips_endpoint = SETTING_UNSET,
                                           .aws_use_dualstack_endpoint = SETTING_UNSET,
                                           .aws_profile = none,
                                           .aws_config_file = path,
                                           .aws_shared_credentials_file = no_file}};
    fixture.config = aws_config_load(&fixture.settings, &error);
    if (fixture.config == NULL) {
        fail_msg("%s", error.text);
    }
    return fixture;
}

static void assert_host(const struct fixture *fixture, const char *service, const char *host) {
    struct aws_endpoint endpoint;
    struct error error = {0};
    if (!aws_endpoint_resolve(&endpoint, &fixture->settings, fixture->config, service, "eu-west-1", &error)) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(endpoint.host, host);
}

static void assert_refused(const struct fixture *fixture, const char *text) {
    struct aws_endpoint endpoint = {.host = "before"};
    struct error error = {0};
    assert_false(
        aws_endpoint_resolve(&endpoint, &fixture->settings, fixture->config, "sns", "eu-west-1", &error));
    assert_int_equal(error.code, ERROR_USAGE);
    if (strstr(error.text, text) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", text, error.text);
    }
    assert_string_equal(endpoint.host, "before");
}

static void each_place_goes_before_the_next(void **state) {
    (void)state;
    struct fixture fixture = load("[default]\nservices = s\nendpoint_url = http://profile\n"
                                  "[services s]\nsns =\n endpoint_url = http://services\n");
    assert_host(&fixture, "sns", "services");
    assert_host(&fixture, "sqs", "profile");
    fixture.settings.aws_endpoint_url = url_all;
    assert_host(&fixture, "sns", "all");
    assert_host(&fixture, "sts", "all");
    fixture.settings.aws_endpoint_url_sns = url_sns;
    assert_host(&fixture, "sns", "sns");
    assert_host(&fixture, "sts", "all");
    fixture.settings.aws_ignore_configured_endpoint_urls = true;
    assert_host(&fixture, "sns", "sns.eu-west-1.amazonaws.com");
    assert_host(&fixture, "sqs", "sqs.eu-west-1.amazonaws.com");
    aws_config_free(fixture.config);
}

static void the_profile_can_ignore_configured_urls(void **state) {
    (void)state;
    struct fixture fixture =
        load("[default]\nendpoint_url = http://profile\nignore_configured_endpoint_urls = true\n");
    fixture.settings.aws_endpoint_url_sns = url_sns;
    assert_host(&fixture, "sns", "sns.eu-west-1.amazonaws.com");
    fixture.settings.aws_ignore_configured_endpoint_urls = false;
    assert_host(&fixture, "sns", "sns");
    assert_host(&fixture, "sqs", "profile");
    aws_config_free(fixture.config);
}

static void the_profile_can_ask_for_fips_and_dual_stack(void **state) {
    (void)state;
    struct fixture fixture = load("[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = TRUE\n");
    assert_host(&fixture, "sns", "sns-fips.eu-west-1.api.aws");
    fixture.settings.aws_use_fips_endpoint = false;
    assert_host(&fixture, "sns", "sns.eu-west-1.api.aws");
    fixture.settings.aws_endpoint_url = url_all;
    assert_refused(&fixture,
                   "AWS_ENDPOINT_URL cannot be used together with AWS_USE_DUALSTACK_ENDPOINT (in a profile");
    aws_config_free(fixture.config);
}

static void mistakes_in_the_profile_are_named(void **state) {
    (void)state;
    static const struct {
        const char *file, *text;
    } cases[] = {
        {"[default]\nservices = s\n",
         "the AWS profile \"default\" says services = s, but there is no [services s] in /dev/null and /"},
        {"[default]\nservices = s\n[services s]\nsns =\n endpoint_url = h\n",
         "endpoint_url of sns in the AWS section [services s] is \"h\": it must begin with"},
        {"[default]\nendpoint_url = http://h?x\n",
         "endpoint_url of the AWS profile \"default\" is \"http://h?x\": it must have no query"},
        {"[default]\nendpoint_url = http://h\nuse_fips_endpoint = true\n",
         "endpoint_url of the AWS profile \"default\" cannot be used together with AWS_USE_FIPS_ENDPOINT"},
        {"[default]\nuse_fips_endpoint = maybe\n",
         "use_fips_endpoint of the AWS profile \"default\" is \"maybe\""},
        {"[default]\nuse_dualstack_endpoint = 2\n", "use_dualstack_endpoint of the AWS profile"},
        {"[default]\nignore_configured_endpoint_urls = 2\n",
         "ignore_configured_endpoint_urls of the AWS profile"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct fixture fixture = load(cases[index].file);
        assert_refused(&fixture, cases[index].text);
        aws_config_free(fixture.config);
    }
}

static void a_password_in_a_url_is_not_shown(void **state) {
    (void)state;
    struct fixture fixture = load("[default]\nendpoint_url = http://me:hidden@h\n");
    struct aws_endpoint endpoint;
    struct error error;
    assert_false(
        aws_endpoint_resolve(&endpoint, &fixture.settings, fixture.config, "sns", "eu-west-1", &error));
    assert_non_null(strstr(error.text, "endpoint_url of the AWS profile \"default\" holds an @"));
    assert_null(strstr(error.text, "hidden"));
    aws_config_free(fixture.config);
}

static void the_region_of_the_profile_goes_before_the_arns(void **state) {
    (void)state;
    static char other[] = "us-west-2";
    struct fixture fixture = load("[default]\nregion = us-east-1\n");
    char region[AWS_REGION_SIZE];
    const char *arn = "arn:aws:sns:eu-west-1:123456789012:orders";
    struct error error;
    assert_true(aws_region_resolve(region, &fixture.settings, fixture.config, arn, &error));
    assert_string_equal(region, "us-east-1");
    fixture.settings.aws_region = other;
    assert_true(aws_region_resolve(region, &fixture.settings, fixture.config, arn, &error));
    assert_string_equal(region, "us-west-2");
    aws_config_free(fixture.config);
    fixture = load("[default]\nregion = US East\n");
    assert_false(aws_region_resolve(region, &fixture.settings, fixture.config, arn, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_string_equal(error.text,
                        "region of the AWS profile \"default\" is \"US East\": a region is 1 to 32 of "
                        "a-z, 0-9 and hyphen, as in eu-west-1");
    aws_config_free(fixture.config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_file, remove_file)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_place_goes_before_the_next),
        TEST(the_profile_can_ignore_configured_urls),
        TEST(the_profile_can_ask_for_fips_and_dual_stack),
        TEST(mistakes_in_the_profile_are_named),
        TEST(a_password_in_a_url_is_not_shown),
        TEST(the_region_of_the_profile_goes_before_the_arns),
    };
    return cmocka_run_group_tests_name("aws/endpoint with a profile", tests, NULL, NULL);
}
