// SPDX-License-Identifier: Apache-2.0
// What the consumer says when it is asked whether it is well.
#include "sqs/harness.h"

static struct health health;

static void assert_health(bool sqs, const char *why, bool handlers) {
    health.count = 0;
    sqs_consumer_health(harness->consumer, &health);
    assert_int_equal(health.count, 2);
    assert_string_equal(health.checks[0].name, "sqs");
    assert_int_equal(health.checks[0].good, sqs);
    if (strstr(health.checks[0].why, why) == NULL) {
        fail_msg("%s", health.checks[0].why);
    }
    assert_string_equal(health.checks[1].name, "handlers");
    assert_int_equal(health.checks[1].good, handlers);
}

static bool is_well(void *context) {
    (void)context;
    health.count = 0;
    sqs_consumer_health(harness->consumer, &health);
    return health_is_good(&health);
}
static bool is_unwell(void *context) {
    return !is_well(context);
}
static bool tells_trouble(void *context) {
    (void)is_well(context);
    return strstr(health.checks[0].why, "cannot be used") != NULL;
}
static bool tells_throttling(void *context) {
    (void)is_well(context);
    return strstr(health.checks[0].why, "throttled") != NULL;
}

static void is_well_once_the_queue_has_answered(void **state) {
    (void)state;
    harness_new("orders");
    harness_override(ATTRIBUTES, 1, "503 Service Unavailable", "busy");
    harness_start();
    assert_health(false, "the queue has not answered yet", true);
    assert_false(sqs_consumer_is_stopping(harness->consumer));
    harness_await(harness_is_waiting, 1);
    assert_health(true, "", true);
    assert_string_equal(health.checks[0].why, "");
    harness->resting = true;
    assert_health(true, "", false);
    harness_free();
}

static void says_that_an_answer_is_not_about_the_queue(void **state) {
    (void)state;
    harness_new("orders");
    harness_override(ATTRIBUTES, 1, "200 OK", "{\"Attributes\":{}}");
    harness_start();
    assert_true(loop_until(harness->base, tells_trouble, NULL));
    assert_health(false, "the answer has no QueueArn, which was asked for; see whether AWS_ENDPOINT_URL",
                  true);
    harness_await(harness_is_waiting, 1);
    assert_health(true, "", true);
    harness_free();
}

static void says_why_it_cannot_receive(void **state) {
    enum { TRIES = 9 }; // more than are made before it gives up for a while
    (void)state;
    harness_new("orders");
    harness_start();
    harness_await(harness_is_waiting, 1);
    harness_override(RECEIVE, TRIES, "403 Forbidden", HARNESS_ERROR("AccessDeniedException"));
    harness_nothing();
    assert_true(loop_until(harness->base, is_unwell, NULL));
    assert_health(false, "the queue cannot be used for 0 s: AccessDeniedException: sorry", true);
    harness_override(RECEIVE, 0, NULL, NULL);
    harness_put(1);
    assert_true(loop_until(harness->base, is_well, NULL));
    harness_free();
}

static void is_well_but_slow_when_throttled(void **state) {
    enum { TRIES = 9 };
    (void)state;
    harness_new("orders");
    harness_start();
    harness_await(harness_is_waiting, 1);
    harness_override(RECEIVE, TRIES, "400 Bad Request", HARNESS_ERROR("ThrottlingException"));
    harness_nothing();
    assert_true(loop_until(harness->base, tells_throttling, NULL));
    assert_health(true, "throttled for 0 s: ThrottlingException: sorry", true);
    harness_free();
}

static void says_that_it_stops(void **state) {
    (void)state;
    harness_new("orders");
    harness_start();
    harness_await(harness_is_waiting, 1);
    sqs_consumer_stop(harness->consumer);
    assert_true(sqs_consumer_is_stopping(harness->consumer));
    harness_free();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_well_once_the_queue_has_answered),
        cmocka_unit_test(says_that_an_answer_is_not_about_the_queue),
        cmocka_unit_test(says_why_it_cannot_receive),
        cmocka_unit_test(is_well_but_slow_when_throttled),
        cmocka_unit_test(says_that_it_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
