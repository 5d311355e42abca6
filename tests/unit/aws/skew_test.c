// SPDX-License-Identifier: Apache-2.0
// What a refused signature says about our clock, and how often it is believed.
#include "aws/skew.h"
#include "base/log.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define AWS_DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static const int64_t AWS_US = INT64_C(784111777000000);
static const int64_t MINUTE_US = 60 * INT64_C(1000000);

static void corrects_a_clock_in_either_direction(void **state) {
    static const int64_t minutes[] = {5, 60, 60 * 24 * 365, -5, -60, -60 * 24 * 365};
    (void)state;
    for (size_t index = 0; index < sizeof minutes / sizeof minutes[0]; index++) {
        int64_t behind_us = minutes[index] * MINUTE_US;
        struct aws_skew skew = {0};
        assert_true(
            aws_skew_explains(&skew, skew.offset_us, "RequestTimeTooSkewed", AWS_DATE, AWS_US - behind_us));
        assert_true(skew.offset_us == behind_us);
    }
}

static void believes_the_codes_of_a_wrong_clock(void **state) {
    static const char *const codes[] = {"AuthFailure",          "InvalidSignatureException",
                                        "RequestExpired",       "RequestInTheFuture",
                                        "RequestTimeTooSkewed", "SignatureDoesNotMatch"};
    static const char *const others[] = {"", "ExpiredToken", "InvalidClientTokenId", "Throttling",
                                         "requestexpired"};
    (void)state;
    for (size_t index = 0; index < sizeof codes / sizeof codes[0]; index++) {
        struct aws_skew skew = {0};
        assert_true(aws_skew_explains(&skew, 0, codes[index], AWS_DATE, 0));
        assert_true(skew.offset_us == AWS_US);
    }
    for (size_t index = 0; index < sizeof others / sizeof others[0]; index++) {
        struct aws_skew skew = {0};
        assert_false(aws_skew_explains(&skew, 0, others[index], AWS_DATE, 0));
        assert_true(skew.offset_us == 0);
    }
}

// The clock is right to four minutes: then it is the secret that is wrong.
static void leaves_a_clock_that_is_right(void **state) {
    static const int64_t differences[] = {0, 1, -1, 4 * 60000000, -4 * 60000000};
    (void)state;
    for (size_t index = 0; index < sizeof differences / sizeof differences[0]; index++) {
        struct aws_skew skew = {0};
        assert_false(
            aws_skew_explains(&skew, 0, "SignatureDoesNotMatch", AWS_DATE, AWS_US + differences[index]));
        assert_true(skew.offset_us == 0);
    }
}

static void needs_a_date(void **state) {
    static const char *const dates[] = {NULL, "", "now", "Sun, 06 Nov 1994 08:49:37 CET"};
    (void)state;
    for (size_t index = 0; index < sizeof dates / sizeof dates[0]; index++) {
        struct aws_skew skew = {.offset_us = 7};
        assert_false(aws_skew_explains(&skew, 7, "RequestTimeTooSkewed", dates[index], 0));
        assert_true(skew.offset_us == 7);
    }
}

// Of two requests that were under way with the old offset, the first corrects it; both were signed wrongly. A
// request that was signed with the new one, and is refused, was not.
static void judges_a_request_by_its_own_offset(void **state) {
    const int64_t unix_us = AWS_US - 60 * MINUTE_US;
    struct aws_skew skew = {0};
    (void)state;
    assert_true(aws_skew_explains(&skew, 0, "RequestExpired", AWS_DATE, unix_us));
    assert_true(aws_skew_explains(&skew, 0, "RequestExpired", AWS_DATE, unix_us + 3 * MINUTE_US));
    assert_true(skew.offset_us == 60 * MINUTE_US); // close enough, so not corrected again
    assert_false(aws_skew_explains(&skew, skew.offset_us, "RequestExpired", AWS_DATE, unix_us));
}

static void follows_a_clock_that_is_set_right(void **state) {
    struct aws_skew skew = {.offset_us = 60 * MINUTE_US};
    (void)state;
    assert_true(aws_skew_explains(&skew, skew.offset_us, "RequestInTheFuture", AWS_DATE, AWS_US));
    assert_true(skew.offset_us == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrects_a_clock_in_either_direction),
        cmocka_unit_test(believes_the_codes_of_a_wrong_clock),
        cmocka_unit_test(leaves_a_clock_that_is_right),
        cmocka_unit_test(needs_a_date),
        cmocka_unit_test(judges_a_request_by_its_own_offset),
        cmocka_unit_test(follows_a_clock_that_is_set_right),
    };
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
