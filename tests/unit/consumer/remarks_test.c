// SPDX-License-Identifier: Apache-2.0
// What is logged about single messages, and how much of it.
#include "base/log_flood.h"
#include "consumer/remarks.h"
#include "consumer/stderr_pipe.h"

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
    remarks = remarks_new();
    return stderr_pipe_open();
}

static int tear_down(void **state) {
    (void)state;
    remarks_free(remarks);
    remarks = NULL;
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
    remarks_malformed("malformed", "m-1", 2, "eventId is missing");
    assert_line(" warn  a message is malformed refused=malformed message_id=m-1 receive_count=2 "
                "reason=\"eventId is missing\"\n");
}

static void tells_of_a_failed_event(void **state) {
    (void)state;
    remarks_failed(&event, "the answer has status 500");
    assert_line(" warn  an event has failed event_type=order.created event_id=" EVENT_ID
                " receive_count=3 reason=\"the answer has status 500\"\n");
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

// Whatever their ids and reasons are, for the logger they are of one kind.
static void a_flood_is_cut_off(void **state) {
    struct domain_event other = event;
    char id[20];
    (void)state;
    other.event_type = slice_of_text("order.flooded");
    for (int index = 0; index < 3 * LOG_FLOOD_LINES; index++) {
        snprintf(id, sizeof id, "m-%d", index);
        snprintf(other.event_id, sizeof other.event_id, "%d", index);
        remarks_malformed("signature", id, 1, id);
        remarks_failed(&other, id);
    }
    const char *text = stderr_written();
    assert_int_equal(count_of(text, "a message is malformed"), LOG_FLOOD_LINES);
    assert_int_equal(count_of(text, "an event has failed"), LOG_FLOOD_LINES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_of_a_malformed_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_of_a_failed_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_of_an_event_type_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_a_bounded_number_of_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_is_cut_off, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
