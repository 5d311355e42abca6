// SPDX-License-Identifier: Apache-2.0
// The codes that all services share, by the lists that AWS gives; sns/failure_test.c has the rest.
#include "aws/failure.h"

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

static const struct {
    const char *code;
    enum aws_failure failure;
} codes[] = {
    {"Throttling", AWS_FAILURE_THROTTLED},
    {"ThrottlingException", AWS_FAILURE_THROTTLED},
    {"RequestThrottled", AWS_FAILURE_THROTTLED},
    {"KMSThrottling", AWS_FAILURE_THROTTLED},
    {"OverLimit", AWS_FAILURE_THROTTLED},
    {"KmsThrottled", AWS_FAILURE_THROTTLED},
    {"RequestTimeout", AWS_FAILURE_TRANSIENT},
    {"InternalFailure", AWS_FAILURE_TRANSIENT},
    {"IDPCommunicationError", AWS_FAILURE_TRANSIENT},
    {"ServiceUnavailable", AWS_FAILURE_TRANSIENT},
    {"ExpiredToken", AWS_FAILURE_CREDENTIALS},
    {"InvalidClientTokenId", AWS_FAILURE_CREDENTIALS},
    {"SignatureDoesNotMatch", AWS_FAILURE_SIGNATURE},
    {"AccessDenied", AWS_FAILURE_DENIED},
    {"AccessDeniedException", AWS_FAILURE_DENIED},
    {"AuthorizationError", AWS_FAILURE_DENIED},
    {"KmsAccessDenied", AWS_FAILURE_DENIED},
    {"KMS.AccessDeniedException", AWS_FAILURE_DENIED},
    {"InvalidAddress", AWS_FAILURE_MISSING},
    {"NotFound", AWS_FAILURE_MISSING},
    {"QueueDoesNotExist", AWS_FAILURE_MISSING},
    {"AWS.SimpleQueueService.NonExistentQueue", AWS_FAILURE_MISSING},
    {"InvalidParameter", AWS_FAILURE_OTHER},
    {"InvalidIdentityToken", AWS_FAILURE_OTHER},
    {"throttling", AWS_FAILURE_OTHER},
    {"Throttling.", AWS_FAILURE_OTHER},
    {"", AWS_FAILURE_OTHER},
};

static void a_code_decides_whatever_the_status(void **state) {
    static const int statuses[] = {200, 400, 403, 404, 409};

    (void)state;
    for (size_t index = 0; index < sizeof codes / sizeof codes[0]; index++) {
        assert_int_equal(aws_failure_of_code(codes[index].code), codes[index].failure);
        for (size_t status = 0; status < sizeof statuses / sizeof statuses[0]; status++) {
            assert_int_equal(aws_failure_of_answer(statuses[status], codes[index].code),
                             codes[index].failure);
        }
    }
    assert_int_equal(aws_failure_of_answer(503, "AccessDenied"), AWS_FAILURE_DENIED);
}

static void a_status_decides_where_no_code_does(void **state) {
    static const int transient[] = {0, 500, 502, 503, 504};
    static const int others[] = {200, 301, 400, 401, 403, 404, 407, 413, 501, 505, 599};

    (void)state;
    for (size_t index = 0; index < sizeof transient / sizeof transient[0]; index++) {
        assert_int_equal(aws_failure_of_answer(transient[index], ""), AWS_FAILURE_TRANSIENT);
        assert_int_equal(aws_failure_of_answer(transient[index], "NewCode"), AWS_FAILURE_TRANSIENT);
    }
    for (size_t index = 0; index < sizeof others / sizeof others[0]; index++) {
        assert_int_equal(aws_failure_of_answer(others[index], ""), AWS_FAILURE_OTHER);
    }
    assert_int_equal(aws_failure_of_answer(429, ""), AWS_FAILURE_THROTTLED);
}

static void a_name_has_no_prefix(void **state) {
    (void)state;
    assert_string_equal(aws_error_name("AWS.SimpleQueueService.NonExistentQueue"), "NonExistentQueue");
    assert_string_equal(aws_error_name("NotFound"), "NotFound");
    assert_string_equal(aws_error_name("a."), "");
    assert_string_equal(aws_error_name(""), "");
}

static const char *word_of(int http_status, const char *code, bool known) {
    static char word[AWS_CODE_WORD_SIZE];
    aws_failure_word(word, http_status, code, known);
    return word;
}

static void only_known_codes_become_words(void **state) {
    (void)state;
    assert_string_equal(word_of(400, "Throttling", false), "Throttling");
    assert_string_equal(word_of(400, "AWS.SimpleQueueService.NonExistentQueue", false), "NonExistentQueue");
    assert_string_equal(word_of(400, "OfOneService", true), "OfOneService");
    assert_string_equal(word_of(400, "OfOneService", false), "http_400");
    assert_string_equal(word_of(503, "", false), "http_503");
    assert_string_equal(word_of(200, "OfOneService", false), "other");
    assert_string_equal(word_of(7, "", false), "other");
    assert_string_equal(word_of(600, "", false), "other");
    assert_string_equal(word_of(0, "", false), "no_answer");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_decides_whatever_the_status),
        cmocka_unit_test(a_status_decides_where_no_code_does),
        cmocka_unit_test(a_name_has_no_prefix),
        cmocka_unit_test(only_known_codes_become_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
