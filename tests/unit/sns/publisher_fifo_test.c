// SPDX-License-Identifier: Apache-2.0
// FIFO topics in the SNS sink: never two events of a group under way, and whatever happens to one, those
// behind it are not sent before it.
#include "sns/publisher.h"
#include "sns/state.h"
#include "support/loop.h"
#include "support/publisher_harness.h"

#include <stdlib.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { NO_ROW = -1 };

static struct harness *start(harness_answer *answer) {
    struct harness *harness = harness_new();

    harness->answer = answer;
    harness->status = "503 Busy";
    harness->text = "busy";
    harness_start(harness);
    return harness;
}

// Offers one event to each of these groups, in this order.
static void offer_groups(struct harness *harness, const int *groups) {
    for (; *groups >= 0; groups++) {
        harness_offer_group(harness, &harness->fifo, *groups);
    }
}

static bool all_held(void *context) {
    const struct harness *harness = context;
    return http_server_counts(harness->server)->waiting >= harness->goal;
}

// No group has two entries in the requests that wait for an answer.
static void assert_groups_under_way_once(const struct harness *harness) {
    bool seen[10000] = {false};
    const struct http_received *request = http_server_requests(harness->server);

    for (; request != NULL; request = request->next) {
        struct form form;
        harness_read_form(request, &form);
        for (int index = 0; !request->answered && index < form_entry_count(&form); index++) {
            long group = strtol(form_entry_value(&form, index, "MessageGroupId") + 6, NULL, 10);
            assert_false(seen[group]);
            seen[group] = true;
        }
        form_free(&form);
    }
}

static void sends_one_of_a_group_at_a_time_in_order(void **state) {
    enum { EVENTS = 30, GROUPS = 3 };
    struct harness *harness = start(NULL);
    int next_of_group[GROUPS] = {0, 1, 2};
    int answered = 0;

    (void)state;
    for (int row = 0; row < EVENTS; row++) {
        harness_offer_group(harness, &harness->fifo, row % GROUPS);
    }
    harness_flush(harness);
    while (harness->settled < EVENTS) {
        harness->goal = 1;
        assert_true(loop_until(harness->base, all_held, harness));
        loop_settle(harness->base);
        assert_groups_under_way_once(harness);
        struct form form;
        harness_read_form(harness_request(harness, answered), &form);
        for (int index = 0; index < form_entry_count(&form); index++) {
            int row = harness_row_of(&form, index);
            assert_int_equal(row, next_of_group[row % GROUPS]);
            next_of_group[row % GROUPS] += GROUPS;
        }
        int entries = form_entry_count(&form);
        form_free(&form);
        harness_accept(harness, harness_request(harness, answered++));
        harness_await_settled(harness, harness->settled + entries);
    }
    harness_assert_settled(harness, 0, EVENTS, OUTCOME_SENT, NULL);
    harness_free(harness);
}

// With answers in any order, and some that are lost.
static void never_has_two_of_a_group_under_way(void **state) {
    enum { EVENTS = 300, GROUPS = 40 };
    struct harness *harness = start(NULL);
    unsigned random = 12345;
    int last_of_group[GROUPS];
    bool lost[EVENTS] = {false};

    (void)state;
    for (int row = 0; row < EVENTS; row++) {
        random = random * 1103515245U + 12345U;
        harness_offer_group(harness, &harness->fifo, (int)(random >> 16) % GROUPS);
    }
    for (int group = 0; group < GROUPS; group++) {
        last_of_group[group] = NO_ROW;
    }
    harness_flush(harness);
    for (int requests = 0; harness->settled < EVENTS; requests++) {
        harness->goal = 1;
        assert_true(loop_until(harness->base, all_held, harness));
        loop_settle(harness->base);
        assert_groups_under_way_once(harness);
        struct http_received *request = http_server_requests(harness->server);
        while (request->answered) {
            request = request->next;
        }
        struct form form;
        harness_read_form(request, &form);
        int first = harness_row_of(&form, 0);
        if (requests % 7 == 3 &&
            !lost[first]) { // SNS has it, and the answer is lost; once, so that nothing is given up
            lost[first] = true;
            form_free(&form);
            harness_answer_with(harness, request);
            continue;
        }
        for (int index = 0; index < form_entry_count(&form); index++) {
            int row = harness_row_of(&form, index);
            long group = strtol(form_entry_value(&form, index, "MessageGroupId") + 6, NULL, 10);
            assert_true(row > last_of_group[group]);
            last_of_group[group] = row;
        }
        int entries = form_entry_count(&form);
        form_free(&form);
        harness_accept(harness, request);
        harness_await_settled(harness, harness->settled + entries);
    }
    harness_assert_settled(harness, 0, EVENTS, OUTCOME_SENT, NULL);
    harness_free(harness);
}

static void a_failure_lets_go_of_what_is_behind(void **state) {
    struct harness *harness = start(harness_fail_culprits);

    (void)state;
    harness->failed = HARNESS_FAILED("InvalidParameter", "true");
    harness->rows[0].is_culprit = true;
    offer_groups(harness, ROWS(1, 2, 1, 2, 1, 3));
    harness_flush(harness);
    harness_await_settled(harness, 6);
    harness_assert_settled(harness, 0, 1, OUTCOME_PARK, "InvalidParameter");
    harness_assert_settled(harness, 2, 3, OUTCOME_LET_GO, NULL);
    harness_assert_settled(harness, 4, 5, OUTCOME_LET_GO, NULL);
    harness_assert_settled(harness, 1, 2, OUTCOME_SENT, NULL); // other groups go on
    harness_assert_settled(harness, 3, 4, OUTCOME_SENT, NULL);
    harness_assert_settled(harness, 5, 6, OUTCOME_SENT, NULL);
    harness_assert_request(harness, 0, ROWS(0, 1, 5));
    harness_assert_request(harness, 1, ROWS(3));
    assert_int_equal(http_server_counts(harness->server)->requests, 2);
    harness_free(harness);
}

// The claim is still coming in when its first event fails: what comes later of the group is let go at once.
static void a_failure_lets_go_of_later_events_of_the_claim(void **state) {
    struct harness *harness = start(harness_fail_culprits);

    (void)state;
    harness->failed = HARNESS_FAILED("InvalidParameter", "true");
    harness->rows[0].is_culprit = true;
    offer_groups(harness, ROWS(1, 2));
    harness_flush(harness); // of another claim, so that the first goes out
    harness_offer_group(harness, &harness->fifo, 1);
    harness_await_settled(harness, 3);
    harness_assert_settled(harness, 2, 3, OUTCOME_LET_GO, NULL);
    offer_groups(harness, ROWS(1, 2));
    assert_int_equal(harness->settled, 4);
    harness_assert_settled(harness, 3, 4, OUTCOME_LET_GO, NULL);
    harness_flush(harness);
    harness_await_settled(harness, 5);
    harness_assert_settled(harness, 4, 5, OUTCOME_SENT, NULL);
    offer_groups(harness, ROWS(1)); // the next claim
    harness_flush(harness);
    harness_await_settled(harness, 6);
    harness_assert_settled(harness, 5, 6, OUTCOME_SENT, NULL);
    harness_free(harness);
}

// Claims are read side by side: that another one is complete says nothing of this one.
static void a_failure_counts_until_its_own_claim_is_complete(void **state) {
    static char one, other;
    struct harness *harness = start(harness_fail_culprits);

    (void)state;
    harness->failed = HARNESS_FAILED("InvalidParameter", "true");
    harness->rows[0].is_culprit = true;
    harness->claim = &one;
    offer_groups(harness, ROWS(1));
    harness->sink.flush(harness->sink.self, &other); // so that the first goes out
    harness_await_settled(harness, 1);
    harness_assert_settled(harness, 0, 1, OUTCOME_PARK, "InvalidParameter");
    harness->sink.flush(harness->sink.self, &other);
    offer_groups(harness, ROWS(1));
    harness->sink.flush(harness->sink.self, &one);
    harness_await_settled(harness, 2);
    harness_assert_settled(harness, 1, 2, OUTCOME_LET_GO, NULL);
    offer_groups(harness, ROWS(1));
    harness->sink.flush(harness->sink.self, &one);
    harness_await_settled(harness, 3);
    harness_assert_settled(harness, 2, 3, OUTCOME_SENT, NULL);
    harness_free(harness);
}

static void a_topic_stays_shut_until_its_own_claim_is_complete(void **state) {
    static char one, other;
    struct harness *harness = start(harness_accept);

    (void)state;
    harness->claim = &one;
    harness->fifo.paused = true;
    offer_groups(harness, ROWS(1));
    harness->fifo.paused = false;
    harness->sink.flush(harness->sink.self, &other);
    offer_groups(harness, ROWS(1));
    harness->sink.flush(harness->sink.self, &one);
    harness_await_settled(harness, 2);
    harness_assert_settled(harness, 1, 2, OUTCOME_WAIT, "waits for an earlier event of its topic");
    offer_groups(harness, ROWS(1));
    harness->sink.flush(harness->sink.self, &one);
    harness_await_settled(harness, 3);
    harness_assert_settled(harness, 2, 3, OUTCOME_SENT, NULL);
    harness_free(harness);
}

static void what_is_too_large_lets_go_of_later_events(void **state) {
    struct harness *harness = harness_new();
    char large[600] = {0};

    (void)state;
    for (size_t index = 0; index + 1 < sizeof large; index++) {
        large[index] = ' ';
    }
    harness->settings.max_message_bytes = 600;
    harness_start(harness);
    harness_offer(harness, &harness->fifo, large); // aggregate 0
    harness_assert_settled(harness, 0, 1, OUTCOME_PARK, "OUTBOX_MAX_MESSAGE_BYTES");
    offer_groups(harness, ROWS(0, 1));
    assert_int_equal(harness->settled, 2);
    harness_assert_settled(harness, 1, 2, OUTCOME_LET_GO, NULL);
    harness_flush(harness);
    harness_await_settled(harness, 3);
    harness_assert_settled(harness, 2, 3, OUTCOME_SENT, NULL);
    harness_free(harness);
}

// Events that are tried again stay the only ones of their groups.
static void sends_again_only_what_failed(void **state) {
    static harness_answer *const script[] = {harness_fail_culprits, NULL};
    struct harness *harness = start(harness_accept);

    (void)state;
    harness->script = script;
    harness->failed = HARNESS_FAILED("InternalError", "false");
    harness->rows[0].is_culprit = harness->rows[2].is_culprit = true;
    offer_groups(harness, ROWS(1, 2, 3, 1, 2, 3));
    harness_flush(harness);
    harness_await_settled(harness, 6);
    harness_assert_settled(harness, 0, 6, OUTCOME_SENT, NULL);
    harness_assert_request(harness, 0, ROWS(0, 1, 2));
    harness_assert_request(harness, 1, ROWS(4)); // while the others wait to be sent again
    harness_assert_request(harness, 2, ROWS(0, 2));
    harness_assert_request(harness, 3, ROWS(3, 5));
    harness_free(harness);
}

static void gives_up_a_group_after_three_attempts(void **state) {
    struct harness *harness = start(harness_fail_culprits);

    (void)state;
    harness->failed = HARNESS_FAILED("InternalError", "false");
    harness->rows[0].is_culprit = true;
    offer_groups(harness, ROWS(1, 2, 1, 2));
    harness_flush(harness);
    harness_await_settled(harness, 4);
    harness_assert_settled(harness, 0, 1, OUTCOME_RETRY, "InternalError");
    harness_assert_settled(harness, 2, 3, OUTCOME_LET_GO, NULL);
    harness_assert_settled(harness, 1, 2, OUTCOME_SENT, NULL);
    harness_assert_settled(harness, 3, 4, OUTCOME_SENT, NULL);
    assert_int_equal(http_server_counts(harness->server)->requests, 4);
    harness_free(harness);
}

static bool may_not_send_three(const struct harness *harness, int row) {
    (void)harness;
    return row != 3;
}

// A claim that may have lost its right lets go before it sends, and what is behind with it.
static void lets_go_when_it_may_not_send(void **state) {
    struct harness *harness = start(harness_accept);

    (void)state;
    harness->may_send = may_not_send_three;
    offer_groups(harness, ROWS(1, 1));
    harness_flush(harness);
    harness_await_settled(harness, 2);
    harness_assert_settled(harness, 0, 2, OUTCOME_SENT, NULL);
    offer_groups(harness, ROWS(1, 2, 2, 1));
    harness_flush(harness);
    loop_settle(harness->base);
    assert_int_equal(harness->settled, 6);
    harness_assert_settled(harness, 2, 6, OUTCOME_LET_GO, NULL);
    assert_int_equal(http_server_counts(harness->server)->requests, 2);
    harness->may_send = NULL;
    offer_groups(harness, ROWS(1, 2));
    harness_flush(harness);
    harness_await_settled(harness, 8);
    harness_assert_settled(harness, 6, 8, OUTCOME_SENT, NULL);
    harness_free(harness);
}

static bool may_send_nothing(const struct harness *harness, int row) {
    (void)harness;
    (void)row;
    return false;
}

// It is asked each time, also before what is sent again.
static void asks_again_before_it_sends_again(void **state) {
    struct harness *harness = start(NULL);

    (void)state;
    offer_groups(harness, ROWS(1, 1));
    harness_flush(harness);
    harness_await_requests(harness, 1);
    harness->may_send = may_send_nothing;
    harness_answer_with(harness, harness_request(harness, 0));
    harness_await_settled(harness, 2);
    harness_assert_settled(harness, 0, 2, OUTCOME_LET_GO, NULL);
    assert_int_equal(http_server_counts(harness->server)->requests, 1);
    harness_free(harness);
}

static void does_not_ask_for_standard_topics(void **state) {
    struct harness *harness = start(harness_accept);

    (void)state;
    harness->may_send = may_send_nothing;
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_assert_settled(harness, 0, 10, OUTCOME_SENT, NULL);
    harness_free(harness);
}

static void a_paused_topic_takes_nothing_more_of_the_claim(void **state) {
    struct harness *harness = start(harness_accept);

    (void)state;
    offer_groups(harness, ROWS(1));
    harness->fifo.paused = true;
    offer_groups(harness, ROWS(1));
    harness_assert_settled(harness, 1, 2, OUTCOME_WAIT, TOPIC_PAUSED);
    harness->fifo.paused = false; // in the middle of the claim
    offer_groups(harness, ROWS(1));
    harness_assert_settled(harness, 2, 3, OUTCOME_WAIT, "waits for an earlier event of its topic");
    harness_flush(harness);
    harness_await_settled(harness, 3);
    harness_assert_settled(harness, 0, 1, OUTCOME_SENT, NULL);
    offer_groups(harness, ROWS(1));
    harness_flush(harness);
    harness_await_settled(harness, 4);
    harness_assert_settled(harness, 3, 4, OUTCOME_SENT, NULL);
    harness_free(harness);
}

static void drops_one_claim_and_keeps_the_other(void **state) {
    static char one, other;
    struct harness *harness = start(NULL);

    (void)state;
    harness->claim = &one;
    offer_groups(harness, ROWS(1, 1));
    harness_flush(harness);
    harness_await_requests(harness, 1);
    harness->claim = &other;
    offer_groups(harness, ROWS(2, 2, 3));
    harness->sink.drop(harness->sink.self, &one);
    harness_assert_settled(harness, 1, 2, OUTCOME_LET_GO, NULL);
    assert_int_equal(harness->settled, 1); // what is under way is not touched
    harness->answer = harness_accept;
    harness_flush(harness);
    harness_accept(harness, harness_request(harness, 0));
    harness_await_settled(harness, 5);
    harness_assert_settled(harness, 0, 1, OUTCOME_SENT, NULL);
    harness_free(harness);
}

static void drops_all(void **state) {
    struct harness *harness = start(NULL);

    (void)state;
    offer_groups(harness, ROWS(1, 1, 2));
    harness_flush(harness);
    harness_await_requests(harness, 1);
    harness_offer_many(harness, &harness->standard, 3);
    harness->sink.drop(harness->sink.self, NULL);
    harness_assert_settled(harness, 1, 2, OUTCOME_LET_GO, NULL);
    harness_assert_settled(harness, 3, 6, OUTCOME_LET_GO, NULL);
    harness_accept(harness, harness_request(harness, 0));
    harness_await_settled(harness, 6);
    assert_int_equal(harness->sent, 2);
    harness_flush(harness);
    loop_settle(harness->base);
    assert_int_equal(http_server_counts(harness->server)->requests, 1);
    harness_free(harness);
}

static int first_claim, second_claim;

// Two events under way, of two groups, which their claim does not wait for any more.
static struct harness *start_late(void) {
    struct harness *harness = start(NULL);
    harness->claim = &first_claim;
    offer_groups(harness, ROWS(1, 2));
    harness_flush(harness);
    harness_await_requests(harness, 1);
    harness->sink.leave(harness->sink.self, &second_claim);
    assert_int_equal(harness->left, 0);
    assert_false(harness->sink.is_late(harness->sink.self, harness->fifo.arn));
    harness->sink.leave(harness->sink.self, &first_claim);
    assert_int_equal(harness->left, 2);
    harness_assert_settled(harness, 0, 2, OUTCOME_RETRY,
                           "SNS has not answered yet; it may have accepted this event");
    assert_in_range(harness->rows[0].retry_after_us, harness->settings.request_timeout - 10000000,
                    harness->settings.request_timeout + 1000000);
    return harness;
}

static bool is_settled_late(void *context) {
    const struct harness *harness = context;
    return harness->settled_late == harness->left;
}

static bool is_throttled(void *context) {
    const struct publisher *publisher = ((const struct harness *)context)->sink.self;
    return limiter_rate(&publisher->topics->limiter) > 0;
}

// What comes after an event that was too much for now must not overtake it, also where there is room again.
static void a_throttled_topic_stays_shut_until_its_own_claim_is_complete(void **state) {
    static harness_answer *const script[] = {harness_answer_with, NULL};
    struct harness *harness = start(harness_accept);

    (void)state;
    harness->script = script;
    harness->status = "400 Bad Request\r\nx-amz-retry-after: 900";
    harness->text = HARNESS_ERROR("Sender", "Throttling");
    harness->claim = &first_claim;
    offer_groups(harness, ROWS(1));
    harness_flush(harness);
    assert_true(loop_until(harness->base, is_throttled, harness));
    harness->claim = &second_claim;
    offer_groups(harness, ROWS(2));
    harness_assert_settled(harness, 1, 2, OUTCOME_RETRY, "SNS throttles this topic");
    harness_await_settled(harness, 2);
    harness_assert_settled(harness, 0, 1, OUTCOME_SENT, NULL);
    offer_groups(harness, ROWS(2));
    harness_assert_settled(harness, 2, 3, OUTCOME_RETRY, "SNS throttles this topic");
    harness_flush(harness);
    offer_groups(harness, ROWS(2));
    harness_flush(harness);
    harness_await_settled(harness, 4);
    harness_assert_settled(harness, 3, 4, OUTCOME_SENT, NULL);
    harness_free(harness);
}

static void a_late_topic_takes_nothing_until_it_answers(void **state) {
    struct harness *harness = start_late();

    (void)state;
    assert_true(harness->sink.is_late(harness->sink.self, harness->fifo.arn));
    assert_false(harness->sink.is_late(harness->sink.self, harness->standard.arn));
    assert_false(harness->sink.admits(harness->sink.self, &harness->fifo));
    harness->claim = &second_claim;
    offer_groups(harness, ROWS(3));
    harness_assert_settled(harness, 2, 3, OUTCOME_WAIT, "has not answered");
    harness_flush(harness);
    int recovered = harness->recovered;
    harness_accept(harness, harness_request(harness, 0));
    harness->answer = harness_accept;
    assert_true(loop_until(harness->base, is_settled_late, harness));
    assert_int_equal(harness->late_kind, OUTCOME_SENT);
    assert_int_equal(harness->recovered, recovered + 1);
    assert_false(harness->sink.is_late(harness->sink.self, harness->fifo.arn));
    assert_true(harness->sink.admits(harness->sink.self, &harness->fifo));
    offer_groups(harness, ROWS(1));
    harness_flush(harness);
    harness_await_settled(harness, 4);
    harness_assert_settled(harness, 3, 4, OUTCOME_SENT, NULL);
    harness_free(harness);
}

static void a_topic_is_late_with_one_event(void **state) {
    struct harness *harness = start(NULL);

    (void)state;
    harness->claim = &first_claim;
    offer_groups(harness, ROWS(1));
    harness_flush(harness);
    harness_await_requests(harness, 1);
    harness->sink.leave(harness->sink.self, &first_claim);
    assert_true(harness->sink.is_late(harness->sink.self, harness->fifo.arn));
    harness_accept(harness, harness_request(harness, 0));
    assert_true(loop_until(harness->base, is_settled_late, harness));
    assert_false(harness->sink.is_late(harness->sink.self, harness->fifo.arn));
    harness_free(harness);
}

static void what_is_answered_is_not_late(void **state) {
    struct harness *harness = start(harness_accept);

    (void)state;
    harness->claim = &first_claim;
    offer_groups(harness, ROWS(1));
    harness_flush(harness);
    harness_await_settled(harness, 1);
    harness->sink.leave(harness->sink.self, &first_claim);
    assert_int_equal(harness->left, 0);
    harness_free(harness);
}

// Nobody may send it now but who reads it anew.
static void what_is_late_is_not_sent_again(void **state) {
    struct harness *harness = start_late();

    (void)state;
    harness_hang_up(harness, harness_request(harness, 0));
    assert_true(loop_until(harness->base, is_settled_late, harness));
    assert_int_not_equal(harness->late_kind, OUTCOME_SENT);
    assert_false(harness->sink.is_late(harness->sink.self, harness->fifo.arn));
    assert_true(harness->sink.resting_us(harness->sink.self) > 0); // it counts as a failure of the topic
    assert_int_equal(http_server_counts(harness->server)->requests, 1);
    harness_free(harness);
}

// At once, and not when the topic may send again.
static void what_is_late_and_throttled_is_let_go(void **state) {
    struct harness *harness = start_late();

    (void)state;
    harness->status = "400 Bad Request\r\nx-amz-retry-after: 900";
    harness->text = HARNESS_ERROR("Sender", "Throttling");
    harness_answer_with(harness, harness_request(harness, 0));
    assert_true(loop_until(harness->base, is_throttled, harness));
    assert_true(is_settled_late(harness));
    assert_int_equal(harness->late_kind, OUTCOME_LET_GO);
    assert_int_equal(http_server_counts(harness->server)->requests, 1);
    harness_free(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_one_of_a_group_at_a_time_in_order),
        cmocka_unit_test(never_has_two_of_a_group_under_way),
        cmocka_unit_test(a_failure_lets_go_of_what_is_behind),
        cmocka_unit_test(a_failure_lets_go_of_later_events_of_the_claim),
        cmocka_unit_test(a_failure_counts_until_its_own_claim_is_complete),
        cmocka_unit_test(a_topic_stays_shut_until_its_own_claim_is_complete),
        cmocka_unit_test(a_throttled_topic_stays_shut_until_its_own_claim_is_complete),
        cmocka_unit_test(what_is_too_large_lets_go_of_later_events),
        cmocka_unit_test(sends_again_only_what_failed),
        cmocka_unit_test(gives_up_a_group_after_three_attempts),
        cmocka_unit_test(lets_go_when_it_may_not_send),
        cmocka_unit_test(asks_again_before_it_sends_again),
        cmocka_unit_test(does_not_ask_for_standard_topics),
        cmocka_unit_test(a_paused_topic_takes_nothing_more_of_the_claim),
        cmocka_unit_test(drops_one_claim_and_keeps_the_other),
        cmocka_unit_test(drops_all),
        cmocka_unit_test(a_late_topic_takes_nothing_until_it_answers),
        cmocka_unit_test(a_topic_is_late_with_one_event),
        cmocka_unit_test(what_is_answered_is_not_late),
        cmocka_unit_test(what_is_late_is_not_sent_again),
        cmocka_unit_test(what_is_late_and_throttled_is_let_go),
    };
    setenv("no_proxy", "*", 1);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
