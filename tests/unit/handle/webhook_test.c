// SPDX-License-Identifier: Apache-2.0
// Signatures as Standard Webhooks has them: the published example, and what the command openssl computes:
//     printf '%s' ID.TIMESTAMP.BODY | openssl dgst -sha256 -mac HMAC -macopt hexkey:KEY -binary | base64
#include "handle/webhook.h"

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

#define PUBLISHED "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SHORTEST "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3" // "0123456789abcdef01234567"
// 64 bytes of 0xff
#define LONGEST                                                                                              \
    "whsec_/////////////////////////////////////////////////////////////////////////////////////w=="

static void assert_signs(const char *secrets, const char *id, int64_t timestamp_s, const char *body,
                         const char *signature) {
    char signed_as[WEBHOOK_SIGNATURE_SIZE];
    struct error error = {0};
    struct webhook *webhook = webhook_new(secrets, &error);

    assert_string_equal(error.text, "");
    assert_non_null(webhook);
    for (int count = 0; count < 2; count++) { // what was signed before leaves nothing behind
        assert_true(webhook_sign(webhook, id, timestamp_s, slice_of_text(body), signed_as));
        assert_string_equal(signed_as, signature);
    }
    webhook_free(webhook);
}

static void signs_the_published_example(void **state) {
    (void)state;
    assert_signs(PUBLISHED, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}",
                 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void signs_with_keys_of_any_length(void **state) {
    static const char id[] = "0fb321da-8bb8-4b1b-a078-762fd2ee6845", body[] = "{\"data\":\"größer\"}";

    (void)state;
    assert_signs(SHORTEST, id, 1769862896, body, "v1,tvDI4j5MKLum88n6r9/QlGg1ORVIUoM9cLceWDbqkQo=");
    assert_signs(LONGEST, id, 1769862896, body, "v1,Nr9D3Xfm54BOtvtMwvkhYD7AT1EysFsmlcYkXIO51Wg=");
}

static void signs_with_all_secrets(void **state) {
    static const char id[] = "0fb321da-8bb8-4b1b-a078-762fd2ee6845", body[] = "{\"data\":\"größer\"}";
    char signature[WEBHOOK_SIGNATURE_SIZE];
    struct webhook *webhook = webhook_new(
        LONGEST " " LONGEST " " LONGEST " " LONGEST " " LONGEST " " LONGEST " " LONGEST " " LONGEST, NULL);

    (void)state;
    assert_signs(" " SHORTEST "\n\t" LONGEST "\n", id, 1769862896, body,
                 "v1,tvDI4j5MKLum88n6r9/QlGg1ORVIUoM9cLceWDbqkQo= "
                 "v1,Nr9D3Xfm54BOtvtMwvkhYD7AT1EysFsmlcYkXIO51Wg=");
    assert_non_null(webhook);
    assert_true(webhook_sign(webhook, id, 1769862896, slice_of_text(body), signature));
    assert_int_equal(strlen(signature), WEBHOOK_SIGNATURE_SIZE - 1); // the most that there is room for
    webhook_free(webhook);
}

static void refuses_what_is_no_secret(void **state) {
    static const struct {
        const char *secrets, *reason;
    } cases[] = {
        {" ", "secret 1: it is blank"},
        {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret 1: it does not begin with whsec_"},
        {"whsec", "secret 1: it does not begin with whsec_"},
        {"WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret 1: it does not begin with whsec_"},
        {"whsec_", "secret 1: what follows whsec_ is not base64"},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "secret 1: what follows whsec_ is not base64"},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa_w", "secret 1: what follows whsec_ is not base64"},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==Sw==", "secret 1: what follows whsec_ is not base64"},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaL===", "secret 1: what follows whsec_ is not base64"},
        {"whsec_====", "secret 1: what follows whsec_ is not base64"},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=", "secret 1: it has not 24 to 64 bytes"},
        {PUBLISHED " whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLQ==", "secret 2: it has not 24 to 64 bytes"},
        {"whsec_//////////////////////////////////////////////////////////////////////////////////////8=",
         "secret 1: it has not 24 to 64 bytes"},
        {PUBLISHED " " PUBLISHED " " PUBLISHED " " PUBLISHED " " PUBLISHED " " PUBLISHED " " PUBLISHED
                   " " PUBLISHED " " PUBLISHED,
         "more than 8 secrets"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct error error = {0};
        assert_null(webhook_new(cases[index].secrets, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, cases[index].reason));
        assert_non_null(strstr(error.text, "OUTBOX_WEBHOOK_SECRET"));
        assert_null(strstr(error.text, "MfKQ"));
    }
}

static void much_too_long_a_secret_does_no_harm(void **state) {
    char secret[4096];

    (void)state;
    memset(secret, 'A', sizeof secret);
    memcpy(secret, "whsec_", 6);
    secret[6 + 4000] = '\0';
    assert_null(webhook_new(secret, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_the_published_example),
        cmocka_unit_test(signs_with_keys_of_any_length),
        cmocka_unit_test(signs_with_all_secrets),
        cmocka_unit_test(refuses_what_is_no_secret),
        cmocka_unit_test(much_too_long_a_secret_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
