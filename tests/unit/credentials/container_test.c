// SPDX-License-Identifier: Apache-2.0
// The container provider against a scripted server: who is asked with what, what is believed, what is
// refused.
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

static char path[128];

static struct provider_harness *start(struct provider *provider) {
    struct provider_harness *harness = provider_harness_new();
    struct error error = {0};
    snprintf(path, sizeof path, "%s/v2/credentials/of-the-task", harness->url);
    harness->settings.aws_container_credentials_full_uri = path;
    provider_harness_start(harness);
    if (!container_provider(provider, &harness->means, &error)) {
        fail_msg("%s", error.text);
    }
    return harness;
}

static void stop(struct provider_harness *harness, const struct provider *provider) {
    provider_harness_close(harness);
    provider->free(provider->self);
    provider_harness_free(harness);
}

static void asks_with_the_token(void **state) {
    static char token[] = "Basic dG9rZW4=";
    struct provider provider;
    struct provider_harness *harness = start(&provider);
    char value[128];

    (void)state;
    harness->settings.aws_container_authorization_token = token;
    SCRIPT(harness, {"200 OK", DOCUMENT});
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "container (127.0.0.1)");
    assert_int_equal(harness->found.expires_at, 4105082096000000);
    const struct http_received *request = provider_harness_request(harness, 0);
    assert_int_equal(strncmp(request->head, "GET /v2/credentials/of-the-task HTTP/1.1\r\n", 42), 0);
    http_server_header(request, "authorization", value, sizeof value);
    assert_string_equal(value, token);
    stop(harness, &provider);
}

static void reads_the_tokens_file_anew_each_time(void **state) {
    static char token[] = "of the variable";
    static char file[256];
    struct provider provider;
    struct provider_harness *harness = start(&provider);
    char value[128];

    (void)state;
    snprintf(file, sizeof file, "%s", provider_harness_file(harness, "token", "first\r\n"));
    harness->settings.aws_container_authorization_token = token;
    harness->settings.aws_container_authorization_token_file = file;
    SCRIPT(harness, {"200 OK", DOCUMENT});
    provider_harness_fetch(harness, &provider);
    provider_harness_file(harness, "token", "second\n\n");
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "container (127.0.0.1)");
    http_server_header(provider_harness_request(harness, 0), "authorization", value, sizeof value);
    assert_string_equal(value, "first");
    http_server_header(provider_harness_request(harness, 1), "authorization", value, sizeof value);
    assert_string_equal(value, "second");
    stop(harness, &provider);
}

static void refuses_a_line_break_in_a_token(void **state) {
    static const char *const tokens[] = {"a\nX-Evil: b", "a\r\nb", "a\rb\n"};
    static char file[256];

    (void)state;
    for (size_t index = 0; index < sizeof tokens / sizeof tokens[0]; index++) {
        struct provider provider;
        struct provider_harness *harness = start(&provider);
        snprintf(file, sizeof file, "%s", provider_harness_file(harness, "token", tokens[index]));
        harness->settings.aws_container_authorization_token_file = file;
        provider_harness_fetch(harness, &provider);
        provider_harness_failed(harness, PROVIDER_FAILED,
                                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE holds byte 0x0");
        assert_int_equal(provider_harness_requests(harness), 0);
        stop(harness, &provider);
    }
}

static void fails_when_the_tokens_file_is_missing(void **state) {
    static char file[] = "/no/such/file";
    struct provider provider;
    struct provider_harness *harness = start(&provider);

    (void)state;
    harness->settings.aws_container_authorization_token_file = file;
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "the file /no/such/file cannot be read");
    stop(harness, &provider);
}

static void asks_again_while_the_service_is_in_trouble(void **state) {
    struct provider provider;
    struct provider_harness *harness = start(&provider);

    (void)state;
    SCRIPT(harness, {"", NULL}, {"503 Service Unavailable", ""}, {"200 OK", DOCUMENT});
    provider_harness_fetch(harness, &provider);
    provider_harness_found(harness, "container (127.0.0.1)");
    assert_int_equal(provider_harness_requests(harness), 3);
    SCRIPT(harness, {"500 Internal Server Error", "{\"code\":\"Oh\",\"message\":\"no\\nmore\"}"});
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "127.0.0.1 answers HTTP 500: Oh: no more");
    assert_int_equal(provider_harness_requests(harness), 6);
    stop(harness, &provider);
}

static void believes_no_bad_answer(void **state) {
    static const struct {
        struct scripted scripted;
        const char *reason;
    } cases[] = {
        {{"404 Not Found", "gone"}, "answers HTTP 404"},
        {{"403 Forbidden", "{\"code\":\"AccessDenied\",\"message\":\"not you\"}"},
         "403: AccessDenied: not you"},
        {{"200 OK", ""}, "of 0 bytes is not one JSON object"},
        {{"200 OK", "<html>a proxy</html>"}, "is not one JSON object"},
        {{"200 OK", "{\"Code\":\"Failed\",\"Message\":\"try\"}"}, "the service answers Failed: try"},
        {{"200 OK", "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"" SECRET "\"}"}, "Token is missing"},
        {{"200 OK", "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"" SECRET "\\r\\nX: y\",\"Token\":\"t\","
                    "\"Expiration\":\"" LATER "\"}"},
         "SecretAccessKey holds byte 0x0d"},
        {{"200 OK",
          "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"soon\"}"},
         "Expiration is \"soon\""},
        {{"raw", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/x\r\nContent-Length: 0\r\n\r\n"},
         "answers HTTP 302 (redirects are not followed)"},
        {{"raw", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"AccessKeyId\":"}, "gives no answer"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct provider provider;
        struct provider_harness *harness = start(&provider);
        provider_harness_script(harness, &cases[index].scripted, 1);
        provider_harness_fetch(harness, &provider);
        provider_harness_failed(harness, PROVIDER_FAILED, cases[index].reason);
        assert_null(strstr(harness->reason, "of-the-task"));
        stop(harness, &provider);
    }
}

static void a_huge_answer_is_refused(void **state) {
    enum { SIZE = 100000 };
    struct provider provider;
    struct provider_harness *harness = start(&provider);
    char *body = malloc(SIZE);

    (void)state;
    memset(body, ' ', SIZE - 1);
    body[SIZE - 1] = '\0';
    SCRIPT(harness, {"200 OK", body});
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_FAILED, "at most 65536 are allowed");
    stop(harness, &provider);
    free(body);
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

static void is_absent_when_nothing_is_set(void **state) {
    struct provider provider;
    struct provider_harness *harness = provider_harness_new();

    (void)state;
    provider_harness_start(harness);
    assert_true(container_provider(&provider, &harness->means, NULL));
    provider_harness_fetch(harness, &provider);
    provider_harness_failed(harness, PROVIDER_ABSENT, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    stop(harness, &provider);
}

static bool accepts(const char *relative, const char *full, struct error *error) {
    struct provider provider;
    struct provider_harness *harness = provider_harness_new();
    char texts[2][4096];
    snprintf(texts[0], sizeof texts[0], "%s", relative);
    snprintf(texts[1], sizeof texts[1], "%s", full);
    harness->settings.aws_container_credentials_relative_uri = texts[0];
    harness->settings.aws_container_credentials_full_uri = texts[1];
    provider_harness_start(harness);
    bool good = container_provider(&provider, &harness->means, error);
    provider_harness_close(harness);
    if (good) {
        provider.free(provider.self);
    }
    provider_harness_free(harness);
    return good;
}

static void http_goes_only_where_nobody_listens_in(void **state) {
    static const char *const good[] = {"http://127.0.0.1/x",       "http://127.9.9.9:80/x",
                                       "http://[::1]:8080/x",      "http://localhost/x",
                                       "http://169.254.170.2/x",   "http://169.254.170.23/v1/credentials",
                                       "http://[fd00:ec2::23]/v1", "https://example.com/x",
                                       "https://10.1.2.3/x",       "HTTP://LOCALHOST:51679/x?y"};
    static const char *const bad[] = {
        "http://example.com/x",        "http://10.1.2.3/x",        "http://169.254.169.254/x",
        "http://169.254.170.3/x",      "http://[fd00:ec2::254]/x", "http://[::ffff:127.0.0.1]/x",
        "http://127.0.0.1.evil.com/x", "http://localhost.evil/x",  "http://128.0.0.1/x",
        "ftp://127.0.0.1/x",           "http://0.0.0.0/x",         "http://[::]/x"};
    struct error error = {0};

    (void)state;
    for (size_t index = 0; index < sizeof good / sizeof good[0]; index++) {
        if (!accepts("", good[index], &error)) {
            fail_msg("%s: %s", good[index], error.text);
        }
    }
    for (size_t index = 0; index < sizeof bad / sizeof bad[0]; index++) {
        if (accepts("", bad[index], &error)) {
            fail_msg("%s is accepted", bad[index]);
        }
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, "it must be https, or http to this machine"));
    }
}

static void malformed_settings_are_refused(void **state) {
    char longest[2000];
    struct error error = {0};

    (void)state;
    assert_false(accepts("", "nonsense://", &error));
    assert_false(accepts("", "http://", &error));
    assert_false(accepts("", "http://127.0.0.1/a b", &error));
    assert_false(accepts("", "http://user:hidden@127.0.0.1/x", &error));
    assert_non_null(strstr(error.text, "holds an @"));
    assert_null(strstr(error.text, "hidden"));
    assert_false(accepts("v2/credentials", "", &error));
    assert_non_null(strstr(error.text, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must be a path"));
    assert_false(accepts("/a\r\nb", "", &error));
    assert_false(accepts("@evil.com/", "", &error));
    memset(longest, 'a', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    assert_false(accepts(longest, "", &error));
    assert_true(accepts("/v2/credentials/1", "nonsense, but not looked at", &error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_with_the_token),
        cmocka_unit_test(reads_the_tokens_file_anew_each_time),
        cmocka_unit_test(refuses_a_line_break_in_a_token),
        cmocka_unit_test(fails_when_the_tokens_file_is_missing),
        cmocka_unit_test(asks_again_while_the_service_is_in_trouble),
        cmocka_unit_test(believes_no_bad_answer),
        cmocka_unit_test(a_huge_answer_is_refused),
        cmocka_unit_test(can_be_freed_while_it_waits),
        cmocka_unit_test(is_absent_when_nothing_is_set),
        cmocka_unit_test(http_goes_only_where_nobody_listens_in),
        cmocka_unit_test(malformed_settings_are_refused),
    };
    setenv("http_proxy", "http://127.0.0.1:9", 1); // never to be used
    return cmocka_run_group_tests(tests, NULL, NULL);
}
