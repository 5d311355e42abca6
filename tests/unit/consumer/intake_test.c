// SPDX-License-Identifier: Apache-2.0
// From messages to handlers and back: results, groups, the same event twice, and what is let go.
#include "consumer/intake_harness.h"

static int set_up(void **state) {
    (void)state;
    return intake_open(false);
}

static int tear_down(void **state) {
    (void)state;
    return intake_close();
}

static void assert_counts(struct intake_counts expected) {
    const struct intake_counts *counts = intake_counts(intake);
    assert_int_equal(counts->received, expected.received);
    assert_int_equal(counts->handled, expected.handled);
    assert_int_equal(counts->repeated, expected.repeated);
    assert_int_equal(counts->without_handler, expected.without_handler);
    assert_int_equal(counts->failed, expected.failed);
    assert_int_equal(counts->malformed, expected.malformed);
    assert_int_equal(counts->let_go, expected.let_go);
}

static void hands_an_event_to_its_handlers(void **state) {
    (void)state;
    offer_event(4, NULL, 7);
    assert_int_equal(fake_handlers.count, 1);
    assert_string_equal(fake_handlers.offers[0].event_id, "00000000-0000-0000-0000-000000000007");
    assert_string_equal(fake_handlers.offers[0].event_type, "order.created");
    assert_string_equal(
        fake_handlers.offers[0].json,
        "{\"eventId\":\"00000000-0000-0000-0000-000000000007\",\"eventType\":\"order.created\"}");
    assert_int_equal(fake_handlers.offers[0].deliveries, 5); // the receive count
    assert_settled(4, NOT_SETTLED);
    fake_settle(0, HANDLED_DONE);
    assert_settled(4, INTAKE_DONE);
    assert_counts((struct intake_counts){.received = 1, .handled = 1});
    assert_string_equal(stderr_written(), "");
}

static void tells_what_has_become_of_it(void **state) {
    (void)state;
    for (int number = 0; number < 5; number++) {
        offer(number, NULL);
    }
    fake_settle_with(0, (struct handled){.kind = HANDLED_DONE, .repeated = true});
    assert_settled(0, INTAKE_DONE);
    fake_settle(1, HANDLED_NONE);
    assert_settled(1, INTAKE_DONE);
    assert_non_null(strstr(stderr_written(), "have no handler"));
    fake_settle_with(2,
                     (struct handled){.kind = HANDLED_FAILED, .retry_after_us = 7000000, .reason = "busy"});
    assert_settled(2, INTAKE_FAILED);
    assert_string_equal(settlements[2].reason, "busy");
    assert_int_equal(settlements[2].retry_after_us, 7000000);
    assert_false(settlements[2].outage);
    assert_non_null(strstr(stderr_written(),
                           " an event has failed event_type=order.created "
                           "event_id=00000000-0000-0000-0000-000000000002 receive_count=3 reason=busy\n"));
    fake_settle_with(3, (struct handled){.kind = HANDLED_FAILED, .outage = true, .reason = "away"});
    assert_true(settlements[3].outage);
    fake_settle(4, HANDLED_LET_GO);
    assert_settled(4, INTAKE_LET_GO);
    assert_counts((struct intake_counts){
        .received = 5, .handled = 1, .repeated = 1, .without_handler = 1, .failed = 2, .let_go = 1});
}

static void malformed_messages_fail(void **state) {
    (void)state;
    offer_body(0, NULL, "{\"password\":\"s3cr3t\"}");
    assert_settled(0, INTAKE_FAILED);
    assert_non_null(strstr(settlements[0].reason, "the message is no event"));
    assert_null(strstr(settlements[0].reason, "s3cr3t"));
    assert_false(settlements[0].outage);
    const char *line = stderr_written();
    assert_non_null(strstr(
        line,
        "a message is malformed refused=malformed message_id=m-0 receive_count=1 reason=\"the message is"));
    assert_null(strstr(line, "s3cr3t"));
    assert_int_equal(fake_handlers.count, 0);
    assert_counts((struct intake_counts){.received = 1, .malformed = 1});
}

static void a_group_goes_one_after_the_other(void **state) {
    (void)state;
    for (int number = 0; number < 4; number++) {
        offer(number, "g");
    }
    offer(4, "h"); // not held up by that
    assert_int_equal(fake_handlers.count, 0);
    assert_offered(2, 4);
    fake_settle(0, HANDLED_DONE);
    assert_settled(0, INTAKE_DONE);
    assert_offered(3, 1);
    fake_settle(2, HANDLED_NONE); // done as well
    assert_offered(4, 2);
    fake_settle(3, HANDLED_DONE);
    assert_offered(5, 3);
    offer(5, "g");
    assert_offered(5, 3);
    fake_settle(4, HANDLED_DONE);
    assert_offered(6, 5);
    fake_settle(5, HANDLED_DONE);
    offer(6, "g"); // nothing is left of it
    assert_offered(7, 6);
}

static void a_group_of_a_standard_queue_has_no_order(void **state) {
    char body[200];
    (void)state;
    for (int number = 0; number < 3; number++) {
        snprintf(body, sizeof body, "{\"eventId\":\"00000000-0000-0000-0000-%012d\",\"eventType\":\"a\"}",
                 number);
        const struct incoming incoming = {.body = slice_of_text(body), .group_id = slice_of_text("g")};
        intake_offer(intake, &incoming, &settlements[number]);
    }
    const struct incoming alone = {.body = slice_of_text("{}"),
                                   .fifo = true}; // nor a message without a group
    intake_offer(intake, &alone, &settlements[3]);
    assert_settled(3, INTAKE_FAILED);
    assert_int_equal(fake_handlers.count, 3);
}

static void a_failure_lets_those_behind_go(void **state) {
    (void)state;
    for (int number = 0; number < 4; number++) {
        offer(number, "g");
    }
    offer(4, "h");
    assert_offered(2, 4);
    fake_settle(0, HANDLED_FAILED);
    assert_settled(0, INTAKE_FAILED);
    for (int number = 1; number < 4; number++) {
        assert_settled(number, INTAKE_LET_GO);
        assert_int_equal(settlements[number].order, number + 1); // behind it, in order
    }
    assert_settled(4, NOT_SETTLED);
    assert_counts((struct intake_counts){.received = 5, .failed = 1, .let_go = 3});
    offer(5, "g"); // begins anew
    offer(6, "g");
    assert_offered(3, 5);
    fake_settle(2, HANDLED_LET_GO); // the same
    assert_settled(5, INTAKE_LET_GO);
    assert_settled(6, INTAKE_LET_GO);
}

static void a_malformed_message_lets_those_behind_go(void **state) {
    (void)state;
    offer(0, "g");
    offer_body(1, "g", "{}");
    offer(2, "g");
    assert_offered(1, 0);
    assert_settled(1, NOT_SETTLED); // its turn has not come
    fake_settle(0, HANDLED_DONE);
    loop_settle(base);
    assert_settled(1, INTAKE_FAILED);
    assert_settled(2, INTAKE_LET_GO);
    assert_int_equal(fake_handlers.count, 1);
    assert_counts((struct intake_counts){.received = 3, .handled = 1, .malformed = 1, .let_go = 1});
}

// What comes in one go must not overtake the first of its group when that fails at once.
static void a_first_that_fails_at_once_is_not_overtaken(void **state) {
    (void)state;
    offer_body(0, "g", "{}");
    offer(1, "g");
    offer(2, "h");
    loop_settle(base);
    assert_settled(0, INTAKE_FAILED);
    assert_settled(1, INTAKE_LET_GO);
    assert_offered(1, 2);
    fake_handlers.immediately = true;
    fake_handlers.how = (struct handled){.kind = HANDLED_FAILED, .reason = "at once"};
    offer(3, "g");
    offer(4, "g");
    assert_offered(2, 3);
    assert_settled(3, INTAKE_FAILED);
    assert_settled(4, INTAKE_LET_GO);
}

static void the_same_event_waits_for_itself(void **state) {
    (void)state;
    offer_event(0, NULL, 7);
    offer_event(1, NULL, 7);
    offer_event(2, NULL, 8);
    offer_body(3, NULL,
               "{\"specversion\":\"1.0\",\"id\":\"00000000-0000-0000-0000-000000000007\",\"type\":\"a\"}");
    assert_offered(2, 8);
    fake_settle(0, HANDLED_FAILED); // however it ended
    assert_settled(1, NOT_SETTLED);
    assert_offered(3, 7);
    assert_int_equal(fake_handlers.offers[2].deliveries, 2);
    fake_settle(2, HANDLED_DONE);
    assert_offered(4, 7);
    assert_int_equal(fake_handlers.offers[3].deliveries, 4);
    fake_settle(3, HANDLED_DONE);
    offer_event(4, NULL, 7);
    assert_offered(5, 7);
}

static void the_same_event_waits_across_groups(void **state) {
    (void)state;
    offer_event(0, "g", 7);
    offer_event(1, "h", 7);
    offer_event(2, "h", 8);
    offer_event(3, "g", 7);
    assert_offered(1, 7);
    fake_settle(0, HANDLED_DONE);
    assert_offered(2, 7); // one of the two that wait for it
    int next = fake_handlers.offers[1].deliveries - 1;
    assert_int_equal(next, 1);
    fake_settle(1, HANDLED_DONE);
    loop_settle(base);
    assert_int_equal(fake_handlers.count, 4);
    fake_settle(2, HANDLED_DONE);
    fake_settle(3, HANDLED_DONE);
    for (int number = 0; number < 4; number++) {
        assert_settled(number, INTAKE_DONE);
    }
}

static void a_blocked_event_is_let_go_with_its_group(void **state) {
    (void)state;
    offer_event(0, NULL, 7);
    offer_event(1, "g", 7);
    offer_event(2, "g", 8);
    assert_offered(1, 7);
    fake_handlers.offers[0].begun = true;
    intake_drop(intake);
    assert_settled(1, INTAKE_LET_GO);
    assert_settled(2, INTAKE_LET_GO);
    assert_settled(0, NOT_SETTLED);
    fake_settle(0, HANDLED_DONE);
    offer_event(3, NULL, 7);
    assert_offered(2, 7);
}

static void drops_what_no_handler_has_begun(void **state) {
    (void)state;
    offer(0, "g");
    offer(1, "g");
    offer_event(2, NULL, 20);
    offer_event(3, NULL, 20);
    offer(4, NULL);
    loop_settle(base);
    assert_int_equal(fake_handlers.count, 3);
    offer(5, "h"); // ready, but not offered
    fake_handlers.offers[1].begun = true;
    intake_drop(intake);
    for (int number = 0; number < 6; number++) {
        assert_settled(number, number == 4 ? NOT_SETTLED : INTAKE_LET_GO);
    }
    assert_int_equal(fake_handlers.open, 1);
    fake_settle(1, HANDLED_DONE);
    loop_settle(base);
    assert_int_equal(fake_handlers.count, 3);
    assert_counts((struct intake_counts){.received = 6, .handled = 1, .let_go = 5});
    intake_drop(intake); // nothing is left
    offer(7, "g");
    assert_offered(4, 7);
}

static int depth;

// Calls within calls do not pile up: a stack that grew with each message would overflow.
static void drop_within(int number) {
    (void)number;
    assert_true(++depth <= 3);
    intake_drop(intake);
    depth--;
}

static void can_be_dropped_from_within_a_call(void **state) {
    enum { GROUP = 10, ALL = 12 };
    (void)state;
    when_settled = drop_within;
    for (int number = 0; number < ALL; number++) {
        offer(number, number < GROUP ? "g" : NULL);
    }
    loop_settle(base);
    fake_handlers.offers[2].begun = true; // message 0: the last that was offered
    fake_settle(0, HANDLED_FAILED);
    for (int number = 1; number < ALL; number++) {
        assert_true(settlements[number].kind != NOT_SETTLED);
    }
    assert_settled(0, NOT_SETTLED);
    fake_settle(2, HANDLED_FAILED);
    assert_int_equal(settled_count, ALL);
}

static int next_number;

static void offer_within(int number) {
    if (number < 5) {
        offer(next_number++, "g");
    }
}

static void can_be_offered_more_from_within_a_call(void **state) {
    (void)state;
    when_settled = offer_within;
    next_number = 10;
    for (int number = 0; number < 3; number++) {
        offer(number, "g");
    }
    assert_offered(1, 0);
    fake_settle(0, HANDLED_FAILED);
    assert_settled(2, INTAKE_LET_GO);
    assert_offered(2, 10); // those that were offered then stand in a group of their own
    assert_settled(10, NOT_SETTLED);
    assert_settled(12, NOT_SETTLED);
    assert_int_equal(next_number, 13);
}

// A stack that grew with each would overflow.
static void long_groups_end_at_once(void **state) {
    enum { MANY = HARNESS_MESSAGES / 2 };
    (void)state;
    fake_handlers.immediately = true;
    fake_handlers.how = (struct handled){.kind = HANDLED_DONE};
    for (int number = 0; number < MANY; number++) {
        offer(number, "g");
    }
    for (int round = 0; round < MANY && settled_count < MANY; round++) {
        loop_settle(base);
    }
    assert_int_equal(settled_count, MANY);
    fake_handlers.how = (struct handled){.kind = HANDLED_FAILED, .reason = "at once"};
    for (int number = MANY; number < 2 * MANY; number++) {
        offer(number, "g");
    }
    loop_settle(base);
    assert_int_equal(settled_count, 2 * MANY);
    assert_settled(2 * MANY - 1, INTAKE_LET_GO);
}

enum { ROUNDS = 20000, GROUPS = 5, EVENTS = 40 };

static int group_of[HARNESS_MESSAGES]; // 0: none
static int offered_count;
static int last_done[GROUPS];
static int barrier[GROUPS]; // what was in hand when one of the group was not done must not be done any more

static void check_order(int number) {
    int group = group_of[number];
    if (group == 0) {
        return;
    }
    if (settlements[number].kind == INTAKE_DONE) {
        assert_true(number > last_done[group]);
        assert_true(number >= barrier[group]);
        last_done[group] = number;
    } else {
        barrier[group] = offered_count;
    }
}

// The same numbers each time.
static uint32_t chance;

static int any(void) {
    chance = chance * 1664525 + 1013904223;
    return (int)(chance >> 8);
}

static void offer_any(void) {
    static const char *const names[GROUPS] = {NULL, "a", "b", "c", "d"};
    int number = offered_count++;
    int group = group_of[number] = any() % GROUPS;
    if (any() % 20 == 0) {
        offer_body(number, names[group], "{}");
    } else {
        offer_event(number, names[group], any() % EVENTS);
    }
}

static void settle_any(void) {
    int index = any() % fake_handlers.count;
    while (fake_handlers.offers[index].delivery == NULL) {
        index = (index + 1) % fake_handlers.count;
    }
    fake_settle(index, (enum handled_kind)(any() % 10 < 7 ? HANDLED_DONE : any() % 4));
}

static int group_offered(int index) {
    return group_of[fake_handlers.offers[index].deliveries - 1]; // the receive count is the number, and one
}

static void assert_nothing_twice(void) {
    for (int one = 0; one < fake_handlers.count; one++) {
        for (int two = 0; two < one && fake_handlers.offers[one].delivery != NULL; two++) {
            if (fake_handlers.offers[two].delivery != NULL) {
                assert_string_not_equal(fake_handlers.offers[one].event_id,
                                        fake_handlers.offers[two].event_id);
                assert_true(group_offered(one) == 0 || group_offered(one) != group_offered(two));
            }
        }
    }
}

// Random messages, ends and drops: each is settled once, no group and no event is under way twice, and what
// is done of a group is so in order.
static void keeps_its_promises_whatever_comes(void **state) {
    (void)state;
    chance = 1;
    memset(last_done, 0xFF, sizeof last_done);
    when_settled = check_order;
    for (int round = 0; round < ROUNDS; round++) {
        int choice = any() % 100;
        if (choice < 45) {
            offer_any();
        } else if (choice < 90 && fake_handlers.open > 0) {
            settle_any();
        } else if (choice == 99) {
            intake_drop(intake);
        } else {
            event_base_loop(base, EVLOOP_NONBLOCK);
        }
        if (round % 50 == 0) {
            assert_nothing_twice();
        }
    }
    intake_drop(intake);
    assert_int_equal(settled_count, offered_count);
    const struct intake_counts *counts = intake_counts(intake);
    assert_int_equal(counts->received, offered_count);
    assert_int_equal(counts->handled + counts->without_handler + counts->failed + counts->malformed +
                         counts->let_go,
                     offered_count);
    assert_true(counts->handled > ROUNDS / 10 && counts->let_go > ROUNDS / 100);
}

static void passes_on_what_handlers_say(void **state) {
    const struct error error = {.code = ERROR_USAGE, .text = "no such function"};
    (void)state;
    fake_handlers.listener.ready(fake_handlers.listener.context);
    assert_int_equal(ready_count, 1);
    fake_handlers.listener.broken(fake_handlers.listener.context, &error);
    assert_int_equal(broken_count, 1);
    fake_handlers.listener.recovered(fake_handlers.listener.context);
    assert_int_equal(recovered_count, 1);
    assert_false(intake_resting(intake));
    fake_handlers.resting = true;
    assert_true(intake_resting(intake));
}

static void can_be_freed_with_all_under_way(void **state) {
    (void)state;
    for (int number = 0; number < 10; number++) {
        offer_event(number, number % 2 == 0 ? "g" : NULL, number / 3);
    }
    event_base_loop(base, EVLOOP_NONBLOCK);
    offer(10, "h");
    assert_int_equal(settled_count, 0);
}

static void says_why_there_can_be_none(void **state) {
    struct settings settings = {0};
    struct error error = {0};
    (void)state;
    settings_fill(&settings);
    fake_handlers.broken = true;
    assert_null(intake_new(base, &settings, "orders", &listener, &error));
    assert_string_equal(error.text, "--on is wrong");
    intake_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hands_an_event_to_its_handlers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_what_has_become_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed_messages_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_group_goes_one_after_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_group_of_a_standard_queue_has_no_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_lets_those_behind_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_malformed_message_lets_those_behind_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_first_that_fails_at_once_is_not_overtaken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_event_waits_for_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_event_waits_across_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_blocked_event_is_let_go_with_its_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(drops_what_no_handler_has_begun, set_up, tear_down),
        cmocka_unit_test_setup_teardown(can_be_dropped_from_within_a_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(can_be_offered_more_from_within_a_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_groups_end_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_its_promises_whatever_comes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(passes_on_what_handlers_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(can_be_freed_with_all_under_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_why_there_can_be_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
