// SPDX-License-Identifier: Apache-2.0
// A queue's ARN taken apart, and what is none.
#include "check/queue_arn.h"

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

static void takes_an_arn_apart(void **state) {
    struct queue_arn arn;

    (void)state;
    assert_true(queue_arn_parse(&arn, "arn:aws-cn:sqs:cn-north-1:123456789012:my_queue-1.fifo"));
    assert_string_equal(arn.text, "arn:aws-cn:sqs:cn-north-1:123456789012:my_queue-1.fifo");
    assert_string_equal(arn.partition, "aws-cn");
    assert_string_equal(arn.region, "cn-north-1");
    assert_string_equal(arn.account, "123456789012");
    assert_string_equal(arn.name, "my_queue-1.fifo");
    assert_true(arn.is_fifo);
    assert_true(queue_arn_parse(&arn, "arn:aws:sqs:eu-west-1:123456789012:q"));
    assert_false(arn.is_fifo);
}

static void refuses_what_is_no_queue(void **state) {
    static const char *const texts[] = {
        "",
        "q",
        ":sqs:",
        "arn:aws:sns:eu-west-1:123456789012:q",
        "arn:aws:sqs:eu-west-1:12345678901:q",
        "arn:aws:sqs:eu-west-1:123456789012:",
        "arn:aws:sqs:eu-west-1:123456789012:q:r",
        "arn:aws:sqs:eu-west-1:123456789012:q'; rm -rf ~'",
        "arn:aws:sqs:EU:123456789012:q",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/q",
        "arn:aws:sqs:sqs:eu-west-1:123456789012:q",
    };
    struct queue_arn arn = {.name = "before"};

    (void)state;
    for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
        if (queue_arn_parse(&arn, texts[index])) {
            fail_msg("%s is taken for a queue", texts[index]);
        }
    }
    assert_string_equal(arn.name, "before");
}

static void a_name_has_80_characters_at_most(void **state) {
    struct queue_arn arn;
    char text[256];

    (void)state;
    snprintf(text, sizeof text, "arn:aws:sqs:eu-west-1:123456789012:%0*d", 80, 0);
    assert_true(queue_arn_parse(&arn, text));
    snprintf(text, sizeof text, "arn:aws:sqs:eu-west-1:123456789012:%0*d", 81, 0);
    assert_false(queue_arn_parse(&arn, text));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_an_arn_apart),
        cmocka_unit_test(refuses_what_is_no_queue),
        cmocka_unit_test(a_name_has_80_characters_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
