// SPDX-License-Identifier: Apache-2.0
// The signer against the examples AWS published with its SigV4 documentation, and the life of a cached
// signing key.
#include "aws/sigv4.h"

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

#define US_PER_DAY (INT64_C(86400) * 1000000)
#define SCOPE "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"

static const int64_t example_time = INT64_C(1440938160) * 1000000; // 2015-08-30 12:36:00 UTC
static const struct sigv4_header host[] = {{"host", "example.amazonaws.com"}};
static const struct aws_credentials credentials = {
    .access_key_id = "AKIDEXAMPLE",
    .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};

static struct sigv4_request vanilla(const char *method) {
    return (struct sigv4_request){
        .method = method,
        .path = "/",
        .query = "",
        .region = "us-east-1",
        .service = "service",
        .headers = host,
        .header_count = 1,
        .payload = "",
    };
}

static int create(void **state) {
    struct error error;

    *state = sigv4_signer_create(&error);
    return *state == NULL ? -1 : 0;
}

static int release(void **state) {
    sigv4_signer_free(*state);
    return 0;
}

static void assert_signed(void **state, const struct sigv4_request *request,
                          const struct aws_credentials *with, int64_t at, const char *expected) {
    struct sigv4_signature signature;
    struct error error = {0};

    assert_true(sigv4_sign(*state, with, request, at, &signature, &error));
    assert_string_equal(signature.authorization, expected);
}

static void signs_get_vanilla(void **state) {
    struct sigv4_request request = vanilla("GET");
    struct sigv4_signature signature;
    struct error error;

    assert_true(sigv4_sign(*state, &credentials, &request, example_time, &signature, &error));
    assert_string_equal(signature.date, "20150830T123600Z");
    assert_string_equal(signature.authorization,
                        "AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=host;x-amz-date, "
                        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

static void signs_post_vanilla(void **state) {
    struct sigv4_request request = vanilla("POST");

    assert_signed(state, &request, &credentials, example_time,
                  "AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=host;x-amz-date, "
                  "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

static void signs_a_form_and_sorts_headers(void **state) {
    static const struct sigv4_header headers[] = {{"host", "example.amazonaws.com"},
                                                  {"content-type", "application/x-www-form-urlencoded"}};
    struct sigv4_request request = vanilla("POST");

    request.headers = headers;
    request.header_count = 2;
    request.payload = "Param1=value1";
    request.payload_length = 13;
    assert_signed(state, &request, &credentials, example_time,
                  "AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=content-type;host;x-amz-date, "
                  "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

static void signs_a_session_token(void **state) {
    struct sigv4_request request = vanilla("POST");
    struct aws_credentials temporary = credentials;
    static const char token[] =
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmx"
        "fpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0K"
        "PkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZb"
        "qBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    memcpy(temporary.session_token, token, sizeof token);
    assert_signed(state, &request, &temporary, example_time,
                  "AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=host;x-amz-date;x-amz-security-token, "
                  "Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

static void trims_and_folds_blanks_in_values(void **state) {
    static const struct sigv4_header headers[] = {
        {"host", "example.amazonaws.com"}, {"my-header1", " value1"}, {"my-header2", " \"a   b   c\" "}};
    struct sigv4_request request = vanilla("GET");

    request.headers = headers;
    request.header_count = 3;
    assert_signed(state, &request, &credentials, example_time,
                  "AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=host;my-header1;my-header2;x-amz-date, "
                  "Signature=acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

static void signs_a_query(void **state) {
    static const struct sigv4_header headers[] = {
        {"content-type", "application/x-www-form-urlencoded; charset=utf-8"}, {"host", "iam.amazonaws.com"}};
    struct sigv4_request request = vanilla("GET");

    request.query = "Action=ListUsers&Version=2010-05-08";
    request.service = "iam";
    request.headers = headers;
    request.header_count = 2;
    assert_signed(state, &request, &credentials, example_time,
                  "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                  "SignedHeaders=content-type;host;x-amz-date, "
                  "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

static void normalizes_path_and_query(void **state) {
    static const struct {
        const char *path;
        const char *query;
        const char *signature;
    } examples[] = {
        {"/", "Param2=value2&Param1=value1",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"/", "\xe1\x88\xb4=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
        {"/\xe1\x88\xb4", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        {"/example space/", "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
        {"//example//", "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
        {"/example1/example2/../..", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "",
         "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    };

    for (size_t index = 0; index < sizeof examples / sizeof examples[0]; index++) {
        struct sigv4_request request = vanilla("GET");
        char expected[256];
        request.path = examples[index].path;
        request.query = examples[index].query;
        snprintf(expected, sizeof expected,
                 "AWS4-HMAC-SHA256 " SCOPE ", SignedHeaders=host;x-amz-date, Signature=%s",
                 examples[index].signature);
        assert_signed(state, &request, &credentials, example_time, expected);
    }
}

static uint64_t keys_after(void **state, const struct aws_credentials *with,
                           const struct sigv4_request *request, int64_t at) {
    struct sigv4_signature signature;
    struct error error;

    assert_true(sigv4_sign(*state, with, request, at, &signature, &error));
    return sigv4_keys_derived(*state);
}

static void a_key_lives_for_a_day_a_scope_and_a_secret(void **state) {
    struct sigv4_request request = vanilla("POST");
    struct sigv4_request elsewhere = request, other_service = request;
    struct aws_credentials other = credentials;
    int64_t midnight = example_time - example_time % US_PER_DAY + US_PER_DAY;

    elsewhere.region = "us-east-2";
    other_service.service = "sns";
    other.secret_access_key[0] = 'x';
    assert_int_equal(sigv4_keys_derived(*state), 0);
    assert_int_equal(keys_after(state, &credentials, &request, example_time), 1);
    assert_int_equal(keys_after(state, &credentials, &request, example_time), 1);
    assert_int_equal(keys_after(state, &credentials, &request, midnight - 1), 1);
    assert_int_equal(keys_after(state, &credentials, &request, midnight), 2);
    assert_int_equal(keys_after(state, &credentials, &elsewhere, midnight), 3);
    assert_int_equal(keys_after(state, &credentials, &other_service, midnight), 4);
    assert_int_equal(keys_after(state, &other, &other_service, midnight), 5);
    assert_int_equal(keys_after(state, &other, &other_service, midnight + 1), 5);
}

static void an_old_key_never_signs_for_another_scope(void **state) {
    struct sigv4_request request = vanilla("GET");
    struct aws_credentials other = credentials;

    other.secret_access_key[0] = 'x';
    keys_after(state, &other, &request, example_time);
    signs_get_vanilla(state);
    keys_after(state, &credentials, &request, example_time + US_PER_DAY);
    signs_get_vanilla(state);
    signs_get_vanilla(state);
}

static void assert_refused(void **state, const struct sigv4_request *request, const char *text) {
    struct sigv4_signature signature;
    struct error error = {0};

    assert_false(sigv4_sign(*state, &credentials, request, example_time, &signature, &error));
    assert_int_equal(error.code, ERROR_INTERNAL);
    assert_non_null(strstr(error.text, text));
}

static void limits_are_errors(void **state) {
    static char long_value[SIGV4_CANONICAL_MAX + 1];
    static char long_name[SIGV4_AUTHORIZATION_SIZE];
    struct sigv4_header headers[SIGV4_HEADERS_MAX + 1];
    struct sigv4_request request = vanilla("GET");

    memset(long_value, 'v', sizeof long_value - 1);
    memset(long_name, 'n', sizeof long_name - 1);
    for (size_t index = 0; index <= SIGV4_HEADERS_MAX; index++) {
        headers[index] = (struct sigv4_header){"host", "h"};
    }
    request.headers = headers;
    request.header_count = SIGV4_HEADERS_MAX + 1;
    assert_refused(state, &request, "at most 8 are allowed");
    request.header_count = 1;
    request.region = "a-region-of-more-than-32-characters";
    assert_refused(state, &request, "at most 32 characters");
    request.region = "us-east-1";
    request.query = "a=%4";
    assert_refused(state, &request, "two digits");
    request.query = "";
    headers[0].value = long_value;
    assert_refused(state, &request, "more than 32768 bytes");
    headers[0] = (struct sigv4_header){long_name, "v"};
    assert_refused(state, &request, "at most 767");
    signs_get_vanilla(state); // and none of it does harm to what follows
}

static void the_largest_credentials_fit(void **state) {
    struct sigv4_request request = vanilla("POST");
    struct aws_credentials largest;
    struct sigv4_signature signature;
    struct error error;

    memset(&largest, 'x', sizeof largest);
    largest.access_key_id[AWS_ACCESS_KEY_ID_MAX] = '\0';
    largest.secret_access_key[AWS_SECRET_ACCESS_KEY_MAX] = '\0';
    largest.session_token[AWS_SESSION_TOKEN_MAX] = '\0';
    assert_true(sigv4_sign(*state, &largest, &request, example_time, &signature, &error));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, release)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(signs_get_vanilla),
        TEST(signs_post_vanilla),
        TEST(signs_a_form_and_sorts_headers),
        TEST(signs_a_session_token),
        TEST(trims_and_folds_blanks_in_values),
        TEST(signs_a_query),
        TEST(normalizes_path_and_query),
        TEST(a_key_lives_for_a_day_a_scope_and_a_secret),
        TEST(an_old_key_never_signs_for_another_scope),
        TEST(limits_are_errors),
        TEST(the_largest_credentials_fit),
    };
    return cmocka_run_group_tests_name("aws/sigv4", tests, NULL, NULL);
}
