// SPDX-License-Identifier: Apache-2.0
// What is logged about single messages, and how much of it.
#include "consumer/remarks.h"
#include "consumer/stderr_pipe.h"
#include "support/loop.h"

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

#define EVENT_ID "01234567-89ab-cdef-0123-456789abcdef"

static struct event_base *base;
static struct remarks *remarks;
static const struct domain_event event = {
    .event_id = EVENT_ID, .event_type = {"order.created!", 13}, .deliveries = 3};

static int count_of(const char *text, const char *part) {
    int count = 0;
    for (; (text = strstr(text, part)) != NULL; text++) {
        count++;
    }
    return count;
}

static int set_up(void **state) {
    (void)state;
    base = event_base_new();
    remarks = remarks_new(base);
    return stderr_pipe_open();
}

static int tear_down(void **state) {
    (void)state;
    remarks_free(remarks);
    remarks = NULL;
    event_base_free(base);
    return stderr_pipe_close();
}

static void assert_line(const char *expected) {
    const char *line = stderr_written();
    const char *rest = strchr(line, ' ');
    assert_non_null(rest);
    assert_string_equal(rest, expected);
}

static void tells_of_a_malformed_message(void **state) {
    (void)state;
    remarks_malformed(remarks, "m-1", 2, "eventId is missing");
    assert_line(
        " warn  a message is malformed message_id=m-1 receive_count=2 reason=\"eventId is missing\"\n");
}

static void tells_of_a_failed_event(void **state) {
    (void)state;
    remarks_failed(remarks, &event, "the answer has status 500");
    assert_line(" warn  an event has failed event_id=" EVENT_ID
                " event_type=order.created receive_count=3 reason=\"the answer has status 500\"\n");
}

static void tells_of_an_event_type_once(void **state) {
    (void)state;
    remarks_unhandled(remarks, event.event_type);
    assert_line(" info  events of this type have no handler, and are dropped event_type=order.created\n");
    remarks_unhandled(remarks, event.event_type);
    assert_string_equal(stderr_written(), "");
    remarks_unhandled(remarks, slice_of_text("order.create"));
    assert_line(" info  events of this type have no handler, and are dropped event_type=order.create\n");
}

static void names_a_bounded_number_of_types(void **state) {
    char type[20];
    (void)state;
    for (int index = 0; index < 3 * REMARKED_TYPES_MAX; index++) {
        snprintf(type, sizeof type, "type%d", index);
        remarks_unhandled(remarks, slice_of_text(type));
    }
    const char *text = stderr_written();
    assert_int_equal(count_of(text, "have no handler"), REMARKED_TYPES_MAX);
    assert_int_equal(count_of(text, "more event types without a handler are not named"), 1);
}

static void a_flood_is_cut_off_and_counted(void **state) {
    (void)state;
    for (int index = 0; index < REMARKS_PER_SECOND + 5; index++) {
        remarks_malformed(remarks, "m", 1, "r");
    }
    remarks_failed(remarks, &event, "r"); // of another kind
    const char *text = stderr_written();
    assert_int_equal(count_of(text, "a message is malformed"), REMARKS_PER_SECOND);
    assert_int_equal(count_of(text, "an event has failed"), 1);
    assert_int_equal(count_of(text, "\n"), REMARKS_PER_SECOND + 1);
    remarks_free(remarks); // does not keep it to itself
    remarks = NULL;
    assert_line(" warn  more messages are malformed than are shown left_out=5\n");
}

static char told[1000];

static bool has_told(void *context) {
    (void)context;
    const char *written = stderr_written();
    size_t before = strlen(told);
    memcpy(told + before, written, strnlen(written, sizeof told - before - 1));
    return told[0] != '\0';
}

static void what_was_left_out_is_told_after_a_second(void **state) {
    (void)state;
    for (int index = 0; index < REMARKS_PER_SECOND + 7; index++) {
        remarks_failed(remarks, &event, "r");
    }
    (void)stderr_written();
    assert_true(loop_until(base, has_told, NULL));
    assert_non_null(strstr(told, "more events have failed than are shown left_out=7\n"));
    struct domain_event other =
        event; // and then they are shown again; of the same one the logger has had enough
    other.event_id[0] = '9';
    remarks_failed(remarks, &other, "r");
    assert_int_equal(count_of(stderr_written(), "an event has failed"), 1);
    remarks_free(remarks);
    remarks = NULL;
    assert_string_equal(stderr_written(), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_of_a_malformed_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_of_a_failed_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_of_an_event_type_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_a_bounded_number_of_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_is_cut_off_and_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_left_out_is_told_after_a_second, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
