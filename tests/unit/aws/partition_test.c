// SPDX-License-Identifier: Apache-2.0
// Partitions: which one a region is of.
#include "aws/partition.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void a_region_is_of_one_partition(void **state) {
    (void)state;
    static const struct {
        const char *region, *name;
    } cases[] = {
        {"us-east-1", "aws"},
        {"eu-central-2", "aws"},
        {"ap-southeast-7", "aws"},
        {"sa-east-1", "aws"},
        {"ca-west-1", "aws"},
        {"me-south-1", "aws"},
        {"af-south-1", "aws"},
        {"il-central-1", "aws"},
        {"mx-central-1", "aws"},
        {"cn-northwest-1", "aws-cn"},
        {"us-gov-west-1", "aws-us-gov"},
        {"us-iso-east-1", "aws-iso"},
        {"us-isob-west-1", "aws-iso-b"},
        {"eu-isoe-west-1", "aws-iso-e"},
        {"us-isof-south-1", "aws-iso-f"},
        {"eusc-de-east-1", "aws-eusc"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        assert_string_equal(aws_partition_of_region(cases[index].region)->name, cases[index].name);
        assert_true(aws_partition_fits(cases[index].name, cases[index].region));
        assert_false(aws_partition_fits("aws-other", cases[index].region));
    }
    assert_false(aws_partition_fits("aws", "cn-north-1"));
    assert_false(aws_partition_fits("aws-cn", "eu-west-1"));
}

static void an_unknown_region_counts_as_aws_and_fits_anywhere(void **state) {
    (void)state;
    static const char *const regions[] = {"", "local", "xx-north-1", "us", "cn"};
    for (size_t index = 0; index < sizeof regions / sizeof regions[0]; index++) {
        assert_string_equal(aws_partition_of_region(regions[index])->name, "aws");
        assert_true(aws_partition_fits("aws", regions[index]));
        assert_true(aws_partition_fits("aws-new", regions[index]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_is_of_one_partition),
        cmocka_unit_test(an_unknown_region_counts_as_aws_and_fits_anywhere),
    };
    return cmocka_run_group_tests_name("aws/partition", tests, NULL, NULL);
}
