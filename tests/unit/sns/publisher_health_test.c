// SPDX-License-Identifier: Apache-2.0
// What the SNS sink says when it is asked whether it is well.
#include "observe/metrics.h"
#include "support/publisher_harness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

// Defined here it takes the place of the C library's.
static time_t ahead_s;

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc has reserved ones
int clock_gettime(clockid_t id, struct timespec *ret) {
    int result = (int)syscall(SYS_clock_gettime, id, ret);
    ret->tv_sec += ahead_s;
    return result;
}

static struct harness *start_with(const char *status, const char *text) {
    struct harness *harness = harness_new();
    harness->answer = harness_answer_with;
    harness->status = status;
    harness->text = text;
    harness_start(harness);
    return harness;
}

static void assert_health(const struct harness *harness, bool good, const char *why) {
    struct health health = {0};
    harness->sink.health(harness->sink.self, &health);
    assert_int_equal(health.count, 1);
    assert_string_equal(health.checks[0].name, "sns");
    assert_int_equal(health.checks[0].good, good);
    if (strncmp(health.checks[0].why, why, strlen(why)) != 0 ||
        (why[0] == '\0' && health.checks[0].why[0] != '\0')) {
        fail_msg("%s", health.checks[0].why);
    }
}

// The metric says of the topic what health does.
static int64_t rests(const struct harness *harness) {
    return metric_value(metric_series(METRIC_TOPIC_RESTING, harness->standard.arn, NULL));
}

static void is_well_as_long_as_one_topic_works(void **state) {
    struct harness *harness = start_with("404 Not Found", HARNESS_ERROR("Sender", "NotFound"));

    (void)state;
    assert_health(harness, true, ""); // before anything was sent
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    assert_health(harness, false, "1 of 1 topics rests: ");
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 20);
    assert_health(harness, true, "1 of 2 topics rests: ");
    harness_free(harness);
}

static struct harness *start_with_a_short_rest(void) {
    struct harness *harness = harness_new();
    harness->settings.retry_base = 1000;
    harness->answer = harness_answer_with;
    harness->status = "404 Not Found";
    harness->text = HARNESS_ERROR("Sender", "NotFound");
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_await_rest(harness);
    return harness;
}

// Another relay may have sent what was to be tried again.
static void is_well_when_nothing_has_come_to_probe_with(void **state) {
    struct harness *harness = start_with_a_short_rest();

    (void)state;
    ahead_s = 50;
    assert_health(harness, false, "1 of 1 topics rests: ");
    assert_int_equal(rests(harness), 1);
    ahead_s = 70;
    assert_health(harness, true, "");
    assert_int_equal(rests(harness), 0);
    ahead_s = 0;
    harness_free(harness);
}

static void is_unwell_until_a_probe_has_worked(void **state) {
    struct harness *harness = start_with_a_short_rest();

    (void)state;
    assert_health(harness, false, "1 of 1 topics rests: ");
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 20);
    assert_health(harness, true, "");
    harness_free(harness);
}

static void is_unwell_with_credentials_that_are_refused(void **state) {
    struct harness *harness = start_with("403 Forbidden", HARNESS_ERROR("Sender", "ExpiredToken"));

    (void)state;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    assert_health(harness, false, "everything rests: SNS: ExpiredToken: because");
    harness_free(harness);
}

// A container endpoint that does not answer.
static void is_unwell_without_credentials(void **state) {
    static char none[] = "", nobody[] = "http://127.0.0.1:1/";
    struct harness *harness = harness_new();

    (void)state;
    harness->settings.aws_access_key_id = none;
    harness->settings.aws_secret_access_key = none;
    harness->settings.aws_container_credentials_full_uri = nobody;
    harness_start(harness);
    assert_health(harness, false, "no credentials: the first ones are being fetched");
    harness_free(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_well_as_long_as_one_topic_works),
        cmocka_unit_test(is_unwell_until_a_probe_has_worked),
        cmocka_unit_test(is_well_when_nothing_has_come_to_probe_with),
        cmocka_unit_test(is_unwell_with_credentials_that_are_refused),
        cmocka_unit_test(is_unwell_without_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
