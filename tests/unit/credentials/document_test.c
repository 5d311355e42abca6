// SPDX-License-Identifier: Apache-2.0
// The JSON documents of credentials: what is read, what is refused, and that no error shows a value.
#include "base/memory.h"
#include "credentials/document.h"
#include "support/provider_harness.h"

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

static const char process[] = "{\"Version\":1,\"AccessKeyId\":\"" KEY_ID "\",\"SecretAccessKey\":\"" SECRET
                              "\",\"SessionToken\":\"" TOKEN "\",\"Expiration\":\"" LATER "\"}";
static const char sso[] = "{\"roleCredentials\":{\"accessKeyId\":\"" KEY_ID "\",\"secretAccessKey\":\"" SECRET
                          "\",\"sessionToken\":\"" TOKEN "\",\"expiration\":4105082096000}}";

static void assert_read(enum document_kind kind, const char *text) {
    struct credentials_found found = {.source = "kept"};
    struct error error = {0};

    if (!document_parse(&found, kind, slice_of_text(text), &error)) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(found.credentials.access_key_id, KEY_ID);
    assert_string_equal(found.credentials.secret_access_key, SECRET);
    assert_string_equal(found.credentials.session_token, TOKEN);
    assert_string_equal(found.source, "kept");
    assert_int_equal(found.expires_at, 4105082096000000);
}

static void reads_all_kinds(void **state) {
    (void)state;
    assert_read(DOCUMENT_SERVICE, DOCUMENT);
    assert_read(DOCUMENT_SERVICE, " \n" DOCUMENT "\r\n\t ");
    assert_read(DOCUMENT_PROCESS, process);
    assert_read(DOCUMENT_SSO, sso);
}

static void a_process_may_leave_out_token_and_expiration(void **state) {
    static const char *const texts[] = {
        "{\"Version\":1,\"AccessKeyId\":\"" KEY_ID "\",\"SecretAccessKey\":\"" SECRET "\"}",
        "{\"Version\":1,\"AccessKeyId\":\"" KEY_ID "\",\"SecretAccessKey\":\"" SECRET
        "\",\"SessionToken\":null,\"Expiration\":null,\"Other\":[1,{}]}"};

    (void)state;
    for (int index = 0; index < 2; index++) {
        struct credentials_found found = {.credentials.session_token = "left over", .expires_at = 1};
        assert_true(document_parse(&found, DOCUMENT_PROCESS, slice_of_text(texts[index]), NULL));
        assert_string_equal(found.credentials.session_token, "");
        assert_int_equal(found.expires_at, 0);
    }
}

static void assert_refused(enum document_kind kind, const char *text, const char *expected) {
    struct credentials_found found;
    struct error error = {0};

    assert_false(document_parse(&found, kind, slice_of_text(text), &error));
    assert_int_equal(error.code, ERROR_CREDENTIALS);
    if (strstr(error.text, expected) == NULL) {
        fail_msg("\"%s\", not \"%s\"", error.text, expected);
    }
    assert_null(strstr(error.text, "s3cr3t"));
    assert_false(document_parse(&found, kind, slice_of_text(text), NULL));
}

static void refuses_what_is_malformed(void **state) {
    static const char *const not_one_object[] = {
        "",       "{",        "[]",           "1",
        "null",   "\"text\"", DOCUMENT "x",   DOCUMENT DOCUMENT,
        "{\"a\"", "{'a':1}",  "{\"a\":\"b\"", "{\"AccessKeyId\":\"s3cr3t\\u0000\"}"};

    (void)state;
    for (size_t index = 0; index < sizeof not_one_object / sizeof not_one_object[0]; index++) {
        assert_refused(DOCUMENT_SERVICE, not_one_object[index], "is not one JSON object");
    }
    assert_refused(DOCUMENT_SERVICE, "{}", "AccessKeyId is missing");
    assert_refused(DOCUMENT_SERVICE, "{\"AccessKeyId\":1}", "AccessKeyId is not a text");
    assert_refused(DOCUMENT_SERVICE, "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"\"}",
                   "SecretAccessKey is missing");
    assert_refused(DOCUMENT_SERVICE, "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s3cr3t\",\"Token\":\"t\"}",
                   "Expiration is missing");
    assert_refused(
        DOCUMENT_SERVICE,
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s3cr3t x\",\"Token\":\"t\",\"Expiration\":\"" LATER
        "\"}",
        "SecretAccessKey holds byte 0x20 at position 7");
    assert_refused(DOCUMENT_SERVICE, "{\"Code\":\"Failed\\n\",\"Message\":\"at\\u0007 last\"}",
                   "the service answers Failed : at  last");
    assert_refused(DOCUMENT_PROCESS, "{\"AccessKeyId\":\"a\"}", "Version must be the number 1");
    assert_refused(DOCUMENT_PROCESS, "{\"Version\":\"1\"}", "Version must be the number 1");
    assert_refused(DOCUMENT_PROCESS, "{\"Version\":2}", "Version must be the number 1");
    assert_refused(DOCUMENT_SSO, "{}", "roleCredentials is missing");
    assert_refused(DOCUMENT_SSO, "{\"roleCredentials\":[]}", "roleCredentials is missing");
    assert_refused(DOCUMENT_SSO,
                   "{\"roleCredentials\":{\"accessKeyId\":\"a\",\"secretAccessKey\":\"s3cr3t\","
                   "\"sessionToken\":\"t\",\"expiration\":1e300}}",
                   "expiration is no number of milliseconds");
}

static void limits_are_kept(void **state) {
    char *text = malloc(DOCUMENT_MAX + 2);
    struct credentials_found found;
    struct error error = {0};

    (void)state;
    memset(text, ' ', DOCUMENT_MAX + 1);
    memcpy(text, DOCUMENT, sizeof DOCUMENT - 1);
    assert_true(document_parse(&found, DOCUMENT_SERVICE, (struct slice){text, DOCUMENT_MAX}, &error));
    assert_false(document_parse(&found, DOCUMENT_SERVICE, (struct slice){text, DOCUMENT_MAX + 1}, &error));
    assert_non_null(strstr(error.text, "has 65537 bytes"));
    memset(text, '[', DOCUMENT_MAX); // nested deeper than cJSON allows
    assert_false(document_parse(&found, DOCUMENT_SERVICE, (struct slice){text, DOCUMENT_MAX}, &error));
    free(text);
}

static void reads_a_cached_token(void **state) {
    struct error error = {0};
    int64_t expires_at = 0;
    char *token = document_token(
        slice_of_text("{\"accessToken\":\"abc\",\"expiresAt\":\"2026-01-31T12:34:56UTC\",\"region\":\"x\"}"),
        &expires_at, &error);

    (void)state;
    assert_string_equal(token, "abc");
    assert_int_equal(expires_at, 1769862896000000);
    memory_free_secret(token);
    assert_null(document_token(slice_of_text("{\"expiresAt\":\"x\"}"), &expires_at, &error));
    assert_non_null(strstr(error.text, "accessToken is missing"));
    assert_null(
        document_token(slice_of_text("{\"accessToken\":\"a\",\"expiresAt\":\"x\"}"), &expires_at, &error));
}

static void describes_errors_in_one_line(void **state) {
    char text[DOCUMENT_ERROR_SIZE];
    char *longest = malloc(4000);

    (void)state;
    document_error(slice_of_text("{\"code\":\"A\",\"message\":\"b\\nc\"}"), text);
    assert_string_equal(text, "A: b c");
    document_error(slice_of_text("{\"message\":\"b\"}"), text);
    assert_string_equal(text, "b");
    document_error(slice_of_text("<html>"), text);
    assert_string_equal(text, "");
    memset(longest, 'm', 3999);
    memcpy(longest, "{\"code\":\"", 9);
    memcpy(longest + 3990, "\"}", 3);
    document_error(slice_of_text(longest), text);
    assert_int_equal(strlen(text), DOCUMENT_ERROR_SIZE - 1);
    free(longest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_kinds),
        cmocka_unit_test(a_process_may_leave_out_token_and_expiration),
        cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(reads_a_cached_token),
        cmocka_unit_test(describes_errors_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
