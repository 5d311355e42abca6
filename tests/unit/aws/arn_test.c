// SPDX-License-Identifier: Apache-2.0
// Topic ARNs: taken apart, refused with the rule they break, and made from a prefix.
#include "aws/arn.h"

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

#define PREFIX "arn:aws:sns:eu-west-1:123456789012"

static void takes_a_standard_topic_apart(void **state) {
    (void)state;
    struct aws_topic_arn arn;
    struct error error;

    assert_true(aws_topic_arn_parse(&arn, PREFIX ":Orders_2-x", &error));
    assert_string_equal(arn.partition, "aws");
    assert_string_equal(arn.region, "eu-west-1");
    assert_string_equal(arn.account, "123456789012");
    assert_string_equal(arn.name, "Orders_2-x");
    assert_false(arn.is_fifo);
}

static void takes_a_fifo_topic_of_another_partition_apart(void **state) {
    (void)state;
    struct aws_topic_arn arn;
    struct error error;

    assert_true(
        aws_topic_arn_parse(&arn, "arn:aws-us-gov:sns:us-gov-west-1:000000000000:orders.fifo", &error));
    assert_string_equal(arn.partition, "aws-us-gov");
    assert_string_equal(arn.region, "us-gov-west-1");
    assert_string_equal(arn.name, "orders.fifo");
    assert_true(arn.is_fifo);
}

static void refuses_with_value_and_rule(void **state) {
    (void)state;
    static const struct {
        const char *text, *rule;
    } cases[] = {
        {"", "six parts"},
        {"orders", "six parts"},
        {PREFIX, "six parts"},
        {PREFIX ":orders:subscription", "six parts"},
        {"ARN:aws:sns:eu-west-1:123456789012:orders", "begin with arn:"},
        {"arn::sns:eu-west-1:123456789012:orders", "the partition"},
        {"arn:awsx:sns:eu-west-1:123456789012:orders", "the partition"},
        {"arn:aws:sqs:eu-west-1:123456789012:orders", "the service must be sns"},
        {"arn:aws:sns:cn-north-1:123456789012:orders",
         "cn-north-1 is a region of the partition aws-cn, so it must begin with arn:aws-cn:sns:cn-north-1:"},
        {"arn:aws-us-gov:sns:us-east-1:123456789012:orders", "must begin with arn:aws:sns:us-east-1:"},
        {"arn:aws:sns::123456789012:orders", "the region"},
        {"arn:aws:sns:EU-WEST-1:123456789012:orders", "the region"},
        {"arn:aws:sns:eu.west.1:123456789012:orders", "the region"},
        {"arn:aws:sns:eu-west-1-but-this-is-far-too-long:123456789012:orders", "the region"},
        {"arn:aws:sns:eu-west-1:12345678901:orders", "12 digits"},
        {"arn:aws:sns:eu-west-1:1234567890123:orders", "12 digits"},
        {"arn:aws:sns:eu-west-1:12345678901a:orders", "12 digits"},
        {PREFIX ":", "the topic's name"},
        {PREFIX ":.fifo", "the topic's name"},
        {PREFIX ":order.created", "the topic's name"},
        {PREFIX ":orders.fifo.fifo", "the topic's name"},
        {PREFIX ":orders.FIFO", "the topic's name"},
        {PREFIX ":orders\n", "the topic's name"},
        {PREFIX ":bestellungen-f\xc3\xbcr", "the topic's name"},
    };

    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct aws_topic_arn arn = {.name = "before"};
        struct error error = {0};
        assert_false(aws_topic_arn_parse(&arn, cases[index].text, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, cases[index].rule));
        assert_string_equal(arn.name, "before");
    }
}

static void errors_show_the_value(void **state) {
    (void)state;
    struct aws_topic_arn arn;
    struct error error;

    assert_false(aws_topic_arn_parse(&arn, "arn:aws:sqs:eu-west-1:123456789012:jobs", &error));
    assert_non_null(strstr(error.text, "\"arn:aws:sqs:eu-west-1:123456789012:jobs\""));
}

static void names_end_at_256(void **state) {
    (void)state;
    char text[AWS_TOPIC_ARN_SIZE + 16];
    struct aws_topic_arn arn;
    struct error error;

    int prefix = snprintf(text, sizeof text, "%s:", PREFIX);
    memset(text + prefix, 'x', 257);
    text[prefix + 256] = '\0';
    assert_true(aws_topic_arn_parse(&arn, text, &error));
    memcpy(text + prefix + 251, ".fifo", 5);
    assert_true(aws_topic_arn_parse(&arn, text, &error));
    assert_true(arn.is_fifo);
    text[prefix + 251] = 'x';
    text[prefix + 256] = 'x';
    text[prefix + 257] = '\0';
    assert_false(aws_topic_arn_parse(&arn, text, &error));
}

static void the_longest_arn_fits_its_size(void **state) {
    (void)state;
    char text[1024];
    struct aws_topic_arn arn;
    struct error error;

    int length = snprintf(text, sizeof text, "arn:aws-%028d:sns:%032d:%012d:%0256d", 0, 0, 0, 0);
    for (int index = 8; index < 36; index++) {
        text[index] = 'x'; // a partition has no digits
    }
    assert_true(aws_topic_arn_parse(&arn, text, &error));
    assert_in_range(length, 1, AWS_TOPIC_ARN_SIZE - 1);
}

static void makes_an_arn_from_prefix_and_type(void **state) {
    (void)state;
    char arn[AWS_TOPIC_ARN_SIZE];
    struct error error;

    assert_true(aws_topic_arn_from_prefix(PREFIX, "order.item_added.v2", arn, sizeof arn, &error));
    assert_string_equal(arn, PREFIX ":order-item_added-v2");
}

static void a_made_arn_must_fit_and_be_one(void **state) {
    (void)state;
    char arn[AWS_TOPIC_ARN_SIZE];
    char exact[sizeof PREFIX ":order"];
    struct error error;

    assert_true(aws_topic_arn_from_prefix(PREFIX, "order", exact, sizeof exact, &error));
    assert_false(aws_topic_arn_from_prefix(PREFIX, "order", exact, sizeof exact - 1, &error));
    assert_non_null(strstr(error.text, "give the type a route"));
    assert_false(aws_topic_arn_from_prefix(PREFIX, "order", exact, 0, &error));
    assert_false(aws_topic_arn_from_prefix(PREFIX ":orders", "order.created", arn, sizeof arn, &error));
    assert_non_null(strstr(error.text, "prefix \"" PREFIX ":orders\" (which must look like"));
    assert_false(aws_topic_arn_from_prefix(PREFIX, "order created", arn, sizeof arn, &error));
    assert_false(aws_topic_arn_from_prefix(PREFIX, "", arn, sizeof arn, &error));
    assert_int_equal(error.code, ERROR_USAGE);
}

static void regions_are_short_lower_case_names(void **state) {
    (void)state;
    assert_true(aws_region_valid("eu-west-1"));
    assert_true(aws_region_valid("abcdefghijklmnopqrstuvwxyz012345"));
    assert_false(aws_region_valid("abcdefghijklmnopqrstuvwxyz0123456"));
    assert_false(aws_region_valid(""));
    assert_false(aws_region_valid("eu-west-1.evil.example/"));
    assert_false(aws_region_valid("eu-west-1\r\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_standard_topic_apart),
        cmocka_unit_test(takes_a_fifo_topic_of_another_partition_apart),
        cmocka_unit_test(refuses_with_value_and_rule),
        cmocka_unit_test(errors_show_the_value),
        cmocka_unit_test(names_end_at_256),
        cmocka_unit_test(the_longest_arn_fits_its_size),
        cmocka_unit_test(makes_an_arn_from_prefix_and_type),
        cmocka_unit_test(a_made_arn_must_fit_and_be_one),
        cmocka_unit_test(regions_are_short_lower_case_names),
    };
    return cmocka_run_group_tests_name("aws/arn", tests, NULL, NULL);
}
