// SPDX-License-Identifier: Apache-2.0
// The environment of programs that are handed events.
#include "support/programs.h"

#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

// The entries of the environment that begin with one of these.
#define SHOWN "'^(OUTBOX_|TRACEPARENT|AWS_|DATABASE_URL|EXEC_TEST)'"

static void tells_about_the_event_in_its_environment(void **state) {
    struct programs *programs = programs_start(0);
    struct domain_event event = runner_event();

    (void)state;
    setenv("TRACEPARENT", "00-11111111111111111111111111111111-1111111111111111-01", 1);
    setenv("OUTBOX_DELIVERIES", "77", 1);
    programs_run(programs, "env | grep -E " SHOWN " | sort >$DIR/env");
    assert_string_equal(programs_content(programs, "env"), "OUTBOX_AGGREGATE_ID=order-1\n"
                                                           "OUTBOX_EVENT_ID=" RUNNER_EVENT_ID "\n"
                                                           "OUTBOX_EVENT_TYPE=order.created\n");
    event.deliveries = 2;
    event.traceparent = slice_of_text(RUNNER_TRACEPARENT);
    event.aggregate_id = (struct slice){NULL, 0};
    programs_run_with(programs, "env | grep -E " SHOWN " | sort >$DIR/env", &event);
    assert_string_equal(programs_content(programs, "env"), "OUTBOX_AGGREGATE_ID=\n"
                                                           "OUTBOX_DELIVERIES=2\n"
                                                           "OUTBOX_EVENT_ID=" RUNNER_EVENT_ID "\n"
                                                           "OUTBOX_EVENT_TYPE=order.created\n"
                                                           "TRACEPARENT=" RUNNER_TRACEPARENT "\n");
    unsetenv("TRACEPARENT");
    unsetenv("OUTBOX_DELIVERIES");
    programs_stop(programs);
}

// Neither as they were, if nobody has overwritten them, nor as empty variables.
static void gets_no_secret_but_all_else(void **state) {
    static const char *const secrets[] = {"DATABASE_URL",
                                          "AWS_ACCESS_KEY_ID",
                                          "AWS_SECRET_ACCESS_KEY",
                                          "AWS_SESSION_TOKEN",
                                          "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                          "OUTBOX_WEBHOOK_SECRET"};
    struct programs *programs = programs_start(0);

    (void)state;
    for (size_t index = 0; index < sizeof secrets / sizeof secrets[0]; index++) {
        setenv(secrets[index], "hunter2", 1);
    }
    setenv("AWS_REGION", "eu-central-1", 1);
    setenv("EXEC_TEST", "a b=c", 1);
    programs_run(programs, "env | grep -E " SHOWN " | grep -v ^OUTBOX_[AE] | sort >$DIR/env; env >$DIR/all");
    assert_string_equal(programs_content(programs, "env"), "AWS_REGION=eu-central-1\nEXEC_TEST=a b=c\n");
    assert_null(strstr(programs_content(programs, "all"), "hunter2"));
    assert_non_null(strstr(programs_content(programs, "all"), "PATH="));
    for (size_t index = 0; index < sizeof secrets / sizeof secrets[0]; index++) {
        unsetenv(secrets[index]);
    }
    unsetenv("AWS_REGION");
    unsetenv("EXEC_TEST");
    programs_stop(programs);
}

static void what_no_environment_can_hold_fails_the_event(void **state) {
    struct programs *programs = programs_start(0);
    struct domain_event event = runner_event();
    char id[4097];

    (void)state;
    event.aggregate_id = (struct slice){"a\0b", 3};
    programs_run_with(programs, "true", &event);
    runner_assert_failed(programs->harness, false, "OUTBOX_AGGREGATE_ID would hold a zero byte");
    memset(id, 'x', sizeof id);
    event.aggregate_id = (struct slice){id, sizeof id};
    programs_run_with(programs, "true", &event);
    runner_assert_failed(programs->harness, false, "OUTBOX_AGGREGATE_ID would have 4097 bytes");
    event.aggregate_id.length--;
    programs_run_with(programs, "test ${#OUTBOX_AGGREGATE_ID} -eq 4096", &event);
    runner_assert_done(programs->harness);
    programs_stop(programs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_about_the_event_in_its_environment),
        cmocka_unit_test(gets_no_secret_but_all_else),
        cmocka_unit_test(what_no_environment_can_hold_fails_the_event),
    };
    clearenv(); // whatever the tests are run with
    setenv("PATH", "/usr/bin:/bin", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
