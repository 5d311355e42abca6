// SPDX-License-Identifier: Apache-2.0
// The profile provider: keys, processes, roles by STS, SSO, against files and a scripted server.
#include "support/provider_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static struct provider environment, container, metadata;
static char config_path[256], profile_name[64];

static struct provider_harness *start(struct provider *provider, const char *profile, const char *text) {
    struct provider_harness *harness = provider_harness_new();
    snprintf(config_path, sizeof config_path, "%s", provider_harness_file(harness, "config", text));
    snprintf(profile_name, sizeof profile_name, "%s", profile);
    harness->settings.aws_config_file = config_path;
    harness->settings.aws_profile = profile_name;
    harness->settings.aws_endpoint_url = harness->url;
    harness->settings.aws_ec2_metadata_disabled = true;
    provider_harness_start(harness);
    assert_true(environment_provider(&environment, &harness->means, NULL));
    assert_true(container_provider(&container, &harness->means, NULL));
    assert_true(metadata_provider(&metadata, &harness->means, NULL));
    const struct profile_sources sources = {environment, container, metadata};
    *provider = profile_provider(&harness->means, &sources);
    return harness;
}

static void stop(struct provider_harness *harness, const struct provider *provider) {
    provider_harness_close(harness);
    provider->free(provider->self);
    environment.free(environment.self);
    container.free(container.self);
    metadata.free(metadata.self);
    provider_harness_free(harness);
}

#define KEYS                                                                                                 \
    "aws_access_key_id = " KEY_ID "\naws_secret_access_key = " SECRET "\naws_session_token = " TOKEN "\n"

static void keys_are_there_at_once_and_read_anew(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider, "a", "[profile a]\n" KEYS);

    (void)state;
    provider_harness_begin(harness, &provider);
    assert_int_equal(harness->calls, 1);
    provider_harness_found(harness, "profile a (keys)");
    assert_int_equal(harness->found.expires_at, 0);
    provider_harness_file(harness, "config",
                          "[profile a]\naws_access_key_id = B\naws_secret_access_key = C\n");
    provider_harness_begin(harness, &provider);
    assert_string_equal(harness->found.credentials.access_key_id, "B");
    assert_string_equal(harness->found.credentials.session_token, "");
    provider_harness_file(harness, "config", "[profile a]\naws_secret_access_key = " SECRET "\n");
    provider_harness_begin(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED,
                            "profile a: aws_secret_access_key is set but aws_access_key_id is not");
    provider_harness_file(harness, "config",
                          "[profile a]\naws_access_key_id = B\naws_secret_access_key = " SECRET " x\n");
    provider_harness_begin(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "aws_secret_access_key holds byte 0x20");
    provider_harness_file(harness, "config", "[profile a\n");
    provider_harness_begin(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "config");
    stop(harness, &provider);
}

static void write_program(struct provider_harness *harness, const char *script) {
    char text[2048], line[512];
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
    const char *path = provider_harness_file(harness, "program", text);
    assert_int_equal(chmod(path, 0700), 0);
    snprintf(line, sizeof line, "[profile a]\ncredential_process = \"%s\" 'an argument'\n", path);
    provider_harness_file(harness, "config", line);
}

static void a_process_is_run(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider, "a", "[profile a]\n");

    (void)state;
    write_program(harness, "[ \"$*\" = 'an argument' ] && echo '{\"Version\":1,\"AccessKeyId\":\"" KEY_ID
                           "\",\"SecretAccessKey\":\"" SECRET "\",\"SessionToken\":\"" TOKEN
                           "\",\"Expiration\":\"2100-01-31T13:34:56+01:00\"}'");
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "profile a (credential_process)");
    assert_int_equal(harness->found.expires_at, 4105082096000000);
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "profile a (credential_process)");
    stop(harness, &provider);
}

static void a_process_that_fails_is_described(void **state) {
    static const struct {
        const char *script, *reason;
    } cases[] = {
        {"echo warning >&2; echo 'please log in' >&2; exit 7",
         "profile a: credential_process failed: it ended with exit code 7; it says: please log in"},
        {"exit 1", "credential_process failed: it ended with exit code 1"},
        {"true", "what credential_process writes cannot be used: the document of 0 bytes"},
        {"echo '{\"Version\":1}'", "AccessKeyId is missing"},
        {"yes", "it wrote more than 65536 bytes"},
    };
    struct provider provider;
    struct provider_harness *harness = start(&provider, "a", "[profile a]\n");

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        write_program(harness, cases[index].script);
        provider_harness_fetch(harness, &provider);
        provider_harness_failed(harness, PROVIDER_FAILED, cases[index].reason);
    }
    provider_harness_file(harness, "config", "[profile a]\ncredential_process = /no/such/program\n");
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "credential_process: /no/such/program cannot be run");
    provider_harness_file(harness, "config", "[profile a]\ncredential_process = 'x\n");
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "a quote is not closed");
    stop(harness, &provider);
}

static void can_be_freed_while_a_process_runs(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider, "a", "[profile a]\n");

    (void)state;
    write_program(harness, "sleep 600");
    provider_harness_begin(harness, &provider);
    assert_int_equal(harness->calls, 0);
    stop(harness, &provider);
}

static bool body_has(const struct provider_harness *harness, int index, const char *text) {
    return strstr(provider_harness_request(harness, index)->body, text) != NULL;
}

static void roles_are_assumed_one_after_the_other(void **state) {
    struct provider provider;
    struct provider_harness *harness =
        start(&provider, "a",
              "[profile a]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = b\nexternal_id = x&y\n"
              "[profile b]\nrole_arn = arn:aws:iam::1:role/b\nsource_profile = c\nduration_seconds = 1800\n"
              "role_session_name = mine\n"
              "[profile c]\naws_access_key_id = FIRST\naws_secret_access_key = first\n");
    char value[1024];

    (void)state;
    SCRIPT(harness, {"200 OK", STS_DOCUMENT("AssumeRole")});
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "profile a (role arn:aws:iam::1:role/a)");
    assert_int_equal(harness->found.expires_at, 4105082096000000);
    assert_int_equal(provider_harness_requests(harness), 2);
    assert_true(body_has(harness, 0,
                         "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fb"));
    assert_true(body_has(harness, 0, "&RoleSessionName=mine&DurationSeconds=1800"));
    assert_true(body_has(harness, 1, "&RoleSessionName=outbox-relay-"));
    assert_true(body_has(harness, 1, "&ExternalId=x%26y"));
    http_server_header(provider_harness_request(harness, 0), "authorization", value, sizeof value);
    assert_non_null(strstr(value, "Credential=FIRST/"));
    assert_non_null(strstr(value, "/eu-west-1/sts/aws4_request"));
    http_server_header(provider_harness_request(harness, 1), "authorization", value, sizeof value);
    assert_non_null(strstr(value, "Credential=" KEY_ID "/"));
    http_server_header(provider_harness_request(harness, 1), "x-amz-security-token", value, sizeof value);
    assert_string_equal(value, TOKEN);
    stop(harness, &provider);
}

static void a_role_that_is_refused_is_named(void **state) {
    struct provider provider;
    struct provider_harness *harness =
        start(&provider, "a",
              "[profile a]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = b\n[profile b]\n" KEYS);

    (void)state;
    SCRIPT(harness, {"403 Forbidden", "<ErrorResponse><Error><Code>AccessDenied</Code><Message>may not"
                                      "</Message></Error></ErrorResponse>"});
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED,
                            "profile a: STS answers AssumeRole for role arn:aws:iam::1:role/a with HTTP 403 "
                            "AccessDenied: may not");
    SCRIPT(harness, {"200 OK", "<AssumeRoleResponse/>"});
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "STS's answer cannot be used");
    SCRIPT(harness, {"", NULL});
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "STS does not answer AssumeRole");
    stop(harness, &provider);
}

static void a_source_that_is_named_must_be_there(void **state) {
    static const struct {
        const char *source, *reason;
    } cases[] = {{"Environment", "profile a: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set"},
                 {"EcsContainer", "profile a: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"},
                 {"Ec2InstanceMetadata", "profile a: AWS_EC2_METADATA_DISABLED"}};

    (void)state;
    for (int index = 0; index < 3; index++) {
        struct provider provider;
        char text[256];
        snprintf(text, sizeof text, "[profile a]\nrole_arn = r\ncredential_source = %s\n",
                 cases[index].source);
        struct provider_harness *harness = start(&provider, "a", text);
        provider_harness_fetch(harness, &provider);
        provider_harness_failed(harness, PROVIDER_FAILED, cases[index].reason);
        stop(harness, &provider);
    }
}

static void web_identity_may_be_in_a_profile(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider, "a", "[profile a]\n");
    char text[512];

    (void)state;
    const char *path = provider_harness_file(harness, "token", "head.claims.signature\n");
    snprintf(text, sizeof text, "[profile a]\nweb_identity_token_file = %s\nrole_arn = arn:w\n", path);
    provider_harness_file(harness, "config", text);
    SCRIPT(harness, {"200 OK", STS_DOCUMENT("AssumeRoleWithWebIdentity")});
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "web identity (role arn:w)");
    assert_true(body_has(harness, 0, "&WebIdentityToken=head.claims.signature"));
    provider_harness_file(harness, "config", "[profile a]\nweb_identity_token_file = /no/such\n");
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "web_identity_token_file is set but role_arn is not");
    stop(harness, &provider);
}

// The name of the file is `printf %s TEXT | sha1sum` of the session's name.
static const char sso_config[] = "[profile a]\nsso_session = main\nsso_account_id = 123456789012\n"
                                 "sso_role_name = Admin & co\n[sso-session main]\nsso_region = eu-west-1\n"
                                 "sso_start_url = https://example.awsapps.com/start\n";
static const char sso_token_file[] = ".aws/sso/cache/b28b7af69320201d1cf206ebf28373980add1451.json";
static const char *const sso_folders[] = {".aws", ".aws/sso", ".aws/sso/cache"};

// The home folder is the test's own, with the folders of the cache in it.
static struct provider_harness *start_sso(struct provider *provider, char home[300]) {
    struct provider_harness *harness = start(provider, "a", sso_config);
    snprintf(home, 300, "%s", config_path);
    *strrchr(home, '/') = '\0';
    setenv("HOME", home, 1);
    provider_harness_fetch(harness, provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "run aws sso login"); // there is none yet
    for (int index = 0; index < 3; index++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", home, sso_folders[index]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    return harness;
}

static void stop_sso(struct provider_harness *harness, const struct provider *provider, const char *home) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", home, sso_token_file);
    unlink(path);
    for (int index = 2; index >= 0; index--) {
        snprintf(path, sizeof path, "%s/%s", home, sso_folders[index]);
        rmdir(path);
    }
    stop(harness, provider);
}

#define SSO_TOKEN "{\"accessToken\":\"" TOKEN "\",\"expiresAt\":\"" LATER "\"}"

static void sso_exchanges_the_cached_token(void **state) {
    struct provider provider;
    char home[300], value[128];
    struct provider_harness *harness = start_sso(&provider, home);

    (void)state;
    provider_harness_file(harness, sso_token_file, SSO_TOKEN);
    SCRIPT(harness,
           {"200 OK", "{\"roleCredentials\":{\"accessKeyId\":\"" KEY_ID "\",\"secretAccessKey\":\"" SECRET
                      "\",\"sessionToken\":\"" TOKEN "\",\"expiration\":4105082096000}}"});
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "profile a (IAM Identity Center)");
    const struct http_received *request = provider_harness_request(harness, 0);
    assert_int_equal(strncmp(request->head,
                             "GET /federation/credentials?role_name=Admin%20%26%20co&account_id="
                             "123456789012 HTTP/1.1\r\n",
                             88),
                     0);
    http_server_header(request, "x-amz-sso_bearer_token", value, sizeof value);
    assert_string_equal(value, TOKEN);
    stop_sso(harness, &provider, home);
}

static void sso_says_what_is_wrong_with_the_token(void **state) {
    static const struct {
        const char *content, *reason;
    } cases[] = {
        {"{\"accessToken\":\"" TOKEN "\",\"expiresAt\":\"2020-01-01T00:00:00Z\"}",
         "has expired, 2020-01-01T00:00:00.000Z: run aws sso login"},
        {"{\"accessToken\":\"a\\r\\nb\",\"expiresAt\":\"" LATER "\"}", "is not printable ASCII"},
        {"{\"accessToken\":7}", "cannot be used, run aws sso login"},
    };
    struct provider provider;
    char home[300];
    struct provider_harness *harness = start_sso(&provider, home);

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        provider_harness_file(harness, sso_token_file, cases[index].content);
        provider_harness_fetch(harness, &provider);
        provider_harness_failed(harness, PROVIDER_FAILED, cases[index].reason);
    }
    stop_sso(harness, &provider, home);
}

static void sso_says_what_was_wrong_with_the_answer(void **state) {
    static const struct {
        struct scripted answer;
        const char *reason;
    } cases[] = {
        {{"200 OK", "{}"}, "Identity Center answers cannot be used: roleCredentials is missing"},
        {{"", NULL}, "profile a: IAM Identity Center gives no answer"},
        {{"401 Unauthorized", "{\"message\":\"Session token not found or invalid\"}"},
         "HTTP 401: Session token not found or invalid: run aws sso login"},
    };
    struct provider provider;
    char home[300];
    struct provider_harness *harness = start_sso(&provider, home);

    (void)state;
    provider_harness_file(harness, sso_token_file, SSO_TOKEN);
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        provider_harness_script(harness, &cases[index].answer, 1);
        provider_harness_fetch(harness, &provider);
        provider_harness_failed(harness, PROVIDER_FAILED, cases[index].reason);
    }
    stop_sso(harness, &provider, home);
}

static void sso_must_be_told_all_of_it(void **state) {
    static const struct {
        const char *home, *text, *reason;
    } cases[] = {
        {"/no/such", "sso_account_id = 1\nsso_role_name = r\n", "it needs sso_account_id and sso_role_name"},
        {"/no/such", "sso_account_id = 1\nsso_start_url = u\nsso_region = eu-west-1\n",
         "it needs sso_account_id and sso_role_name"},
        {"/no/such", "sso_account_id = 1\nsso_role_name = r\nsso_start_url = u\nsso_region = EU west\n",
         "sso_region is \"EU west\", which is no region"},
        {"/no/such", "sso_account_id = 1\nsso_role_name = r\nsso_start_url = u\nsso_region = eu-west-1\n",
         "profile a: there is no token in /no/such/.aws/sso/cache/"
         "51e69892ab49df85c6230ccc57f8e1d1606caccc.json: run aws sso login"},
        {"", "sso_account_id = 1\nsso_role_name = r\nsso_start_url = u\nsso_region = eu-west-1\n",
         "HOME is not set"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct provider provider;
        char text[256];
        snprintf(text, sizeof text, "[profile a]\n%s", cases[index].text);
        struct provider_harness *harness = start(&provider, "a", text);
        setenv("HOME", cases[index].home, 1);
        provider_harness_fetch(harness, &provider);
        provider_harness_failed(harness, PROVIDER_FAILED, cases[index].reason);
        stop(harness, &provider);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_there_at_once_and_read_anew),
        cmocka_unit_test(a_process_is_run),
        cmocka_unit_test(a_process_that_fails_is_described),
        cmocka_unit_test(can_be_freed_while_a_process_runs),
        cmocka_unit_test(roles_are_assumed_one_after_the_other),
        cmocka_unit_test(a_role_that_is_refused_is_named),
        cmocka_unit_test(a_source_that_is_named_must_be_there),
        cmocka_unit_test(web_identity_may_be_in_a_profile),
        cmocka_unit_test(sso_exchanges_the_cached_token),
        cmocka_unit_test(sso_says_what_is_wrong_with_the_token),
        cmocka_unit_test(sso_says_what_was_wrong_with_the_answer),
        cmocka_unit_test(sso_must_be_told_all_of_it),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
