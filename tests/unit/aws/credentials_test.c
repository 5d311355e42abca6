// SPDX-License-Identifier: Apache-2.0
// Credentials from settings: what is copied, what is refused, and that no error shows a secret.
#include "aws/credentials.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static struct settings settings_of(const char *id, const char *secret, const char *token) {
    static char texts[3][9000];

    assert_true(strlen(token) < sizeof texts[2]);
    strncpy(texts[0], id, sizeof texts[0] - 1);
    strncpy(texts[1], secret, sizeof texts[1] - 1);
    strncpy(texts[2], token, sizeof texts[2] - 1);
    return (struct settings){
        .aws_access_key_id = texts[0], .aws_secret_access_key = texts[1], .aws_session_token = texts[2]};
}

static void assert_refused(const char *id, const char *secret, const char *token, const char *expected) {
    struct settings settings = settings_of(id, secret, token);
    struct aws_credentials credentials = {.access_key_id = "before"};
    struct error error = {0};

    assert_false(aws_credentials_from_settings(&credentials, &settings, &error));
    assert_int_equal(error.code, ERROR_CREDENTIALS);
    assert_non_null(strstr(error.text, expected));
    assert_string_equal(credentials.access_key_id, "before");
    assert_true(secret[0] == '\0' || strstr(error.text, secret) == NULL);
    assert_true(token[0] == '\0' || strstr(error.text, token) == NULL);
}

static void copies_all_three(void **state) {
    (void)state;
    struct settings settings = settings_of("AKIDEXAMPLE", "wJalr/+secret", "token==");
    struct aws_credentials credentials;
    struct error error;

    assert_true(aws_credentials_from_settings(&credentials, &settings, &error));
    assert_string_equal(credentials.access_key_id, "AKIDEXAMPLE");
    assert_string_equal(credentials.secret_access_key, "wJalr/+secret");
    assert_string_equal(credentials.session_token, "token==");
}

static void a_token_is_optional(void **state) {
    (void)state;
    struct settings settings = settings_of("AKIDEXAMPLE", "secret", "");
    struct aws_credentials credentials = {.session_token = "left over"};
    struct error error;

    assert_true(aws_credentials_from_settings(&credentials, &settings, &error));
    assert_string_equal(credentials.session_token, "");
}

static void missing_ones_name_the_variables(void **state) {
    (void)state;
    assert_refused("", "", "", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    assert_refused("", "", "token", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

static void half_a_pair_is_an_error_of_its_own(void **state) {
    (void)state;
    assert_refused("AKID", "", "", "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not");
    assert_refused("", "hidden", "", "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not");
}

static void bytes_that_break_headers_are_refused(void **state) {
    (void)state;
    assert_refused("AKID\r", "hidden", "", "AWS_ACCESS_KEY_ID holds byte 0x0d at position 5");
    assert_refused("AKID", "hidden\n", "", "AWS_SECRET_ACCESS_KEY holds byte 0x0a at position 7");
    assert_refused("AKID", " hidden", "", "AWS_SECRET_ACCESS_KEY holds byte 0x20 at position 1");
    assert_refused("AKID", "hidden", "to\tken", "AWS_SESSION_TOKEN holds byte 0x09 at position 3");
    assert_refused("AKID", "hidden", "token\x7f", "AWS_SESSION_TOKEN holds byte 0x7f");
    assert_refused("AKID", "hidd\xc3\xa9n", "", "AWS_SECRET_ACCESS_KEY holds byte 0xc3");
}

static void limits_are_exact(void **state) {
    (void)state;
    char text[AWS_SESSION_TOKEN_MAX + 2];
    struct aws_credentials credentials;
    struct error error;

    memset(text, 'x', sizeof text);
    text[AWS_SESSION_TOKEN_MAX] = '\0';
    struct settings longest = settings_of("AKID", "hidden", text);
    assert_true(aws_credentials_from_settings(&credentials, &longest, &error));
    assert_string_equal(credentials.session_token, text);

    text[AWS_SESSION_TOKEN_MAX] = 'x';
    text[AWS_SESSION_TOKEN_MAX + 1] = '\0';
    assert_refused("AKID", "hidden", text, "AWS_SESSION_TOKEN is 8193 characters long, but at most 8192");
    text[AWS_SECRET_ACCESS_KEY_MAX + 1] = '\0';
    assert_refused("AKID", text, "", "AWS_SECRET_ACCESS_KEY is 257 characters long");
    text[AWS_ACCESS_KEY_ID_MAX + 1] = '\0';
    assert_refused(text, "hidden", "", "AWS_ACCESS_KEY_ID is 129 characters long");
}

static void wiping_leaves_nothing(void **state) {
    (void)state;
    struct aws_credentials credentials, zero;

    memset(&credentials, 'x', sizeof credentials);
    memset(&zero, 0, sizeof zero);
    aws_credentials_wipe(&credentials);
    assert_memory_equal(&credentials, &zero, sizeof credentials);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_all_three),
        cmocka_unit_test(a_token_is_optional),
        cmocka_unit_test(missing_ones_name_the_variables),
        cmocka_unit_test(half_a_pair_is_an_error_of_its_own),
        cmocka_unit_test(bytes_that_break_headers_are_refused),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(wiping_leaves_nothing),
    };
    return cmocka_run_group_tests_name("aws/credentials", tests, NULL, NULL);
}
