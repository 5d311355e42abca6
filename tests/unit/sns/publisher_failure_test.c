// SPDX-License-Identifier: Apache-2.0
// The SNS sink when things fail: whatever happens, each event is settled exactly once, only what SNS named in
// Successful as sent, and only what SNS blamed on the event as the event's fault. How topics rest is in
// publisher_rest_test.c, how a culprit is found in publisher_refusal_test.c.
#include "base/clock.h"
#include "sns/publisher.h"
#include "sns/state.h"
#include "support/loop.h"
#include "support/publisher_harness.h"

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

#define ANSWER(successful, failed)                                                                           \
    "<PublishBatchResponse><PublishBatchResult><Successful>" successful "</Successful><Failed>" failed       \
    "</Failed></PublishBatchResult></PublishBatchResponse>"
#define SENT(id) "<member><Id>" id "</Id><MessageId>receipt-" id "</MessageId></member>"
#define FAILED(id, code, sender)                                                                             \
    "<member><Id>" id "</Id><Code>" code "</Code><Message>because</Message><SenderFault>" sender             \
    "</SenderFault></member>"

static struct harness *start_with(const char *status, const char *text) {
    struct harness *harness = harness_new();

    harness->answer = harness_answer_with;
    harness->status = status;
    harness->text = text;
    harness_start(harness);
    return harness;
}

static const struct publisher *state_of(const struct harness *harness) {
    return harness->sink.self;
}

// Requests that fail together: one batch opens the breaker and is tried again after it, the others wait.
static void assert_one_retries_and_others_wait(const struct harness *harness, int end, const char *reason) {
    int retried = harness_count(harness, 0, end, OUTCOME_RETRY);

    assert_true(retried == 10 || retried == end % 10);
    for (int row = 0; row < end; row++) {
        bool retry = harness->rows[row].kind == OUTCOME_RETRY;
        harness_assert_settled(harness, row, row + 1, retry ? OUTCOME_RETRY : OUTCOME_WAIT, reason);
    }
}

// What may have been published, or was too fast, is sent again at once, and nothing else with it.
static void settles_each_entry_by_its_own_answer(void **state) {
    static harness_answer *const script[] = {harness_answer_with, NULL};
    struct harness *harness =
        start_with("200 OK", ANSWER(SENT("0") SENT("4") SENT("7"), FAILED("1", "InvalidParameter", "true")
                                                                       FAILED("2", "InternalError", "false")
                                                                           FAILED("3", "Throttled", "true")));

    (void)state;
    harness->script = script;
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->standard, 6); // so that Id 7 was never sent
    harness_flush(harness);
    harness_await_settled(harness, 6);
    harness_assert_settled(harness, 0, 1, OUTCOME_SENT, NULL);
    harness_assert_settled(harness, 1, 2, OUTCOME_PARK, "SNS: InvalidParameter: because");
    harness_assert_settled(harness, 2, 6, OUTCOME_SENT, NULL);
    assert_int_equal(http_server_counts(harness->server)->requests, 2);
    harness_assert_request(harness, 0, ROWS(0, 1, 2, 3, 4, 5));
    harness_assert_request(harness, 1, ROWS(2, 3, 5));
    assert_int_equal(harness->sink.resting_us(harness->sink.self), 0);
    harness_free(harness);
}

static void settles_entries_by_their_class(void **state) {
    static const struct {
        const char *failed;
        enum outcome_kind kind;
        int requests;
        const char *reason;
    } cases[] = {
        {HARNESS_FAILED("InternalError", "false"), OUTCOME_RETRY, 3, "SNS: InternalError: because"},
        {HARNESS_FAILED("NewCode", "false"), OUTCOME_RETRY, 3, "SNS: NewCode: because"},
        {HARNESS_FAILED("NewCode", "true"), OUTCOME_REFUSED, 1, "SNS: NewCode: because"},
        {HARNESS_FAILED("InvalidParameter", "true"), OUTCOME_PARK, 1, "SNS: InvalidParameter: because"},
        {HARNESS_FAILED("BatchRequestTooLong", "true"), OUTCOME_PARK, 1, "SNS: BatchRequestTooLong: because"},
        {HARNESS_FAILED("KMSDisabled", "true"), OUTCOME_RETRY, 1, "SNS: KMSDisabled: because"},
        {HARNESS_FAILED("ExpiredToken", "true"), OUTCOME_RETRY, 1, "SNS: ExpiredToken: because"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct harness *harness = harness_new();
        harness->answer = harness_fail_culprits;
        harness->failed = cases[index].failed;
        harness->rows[1].is_culprit = harness->rows[2].is_culprit = true;
        harness_start(harness);
        harness_offer_many(harness, &harness->standard, 4);
        harness_flush(harness);
        harness_await_settled(harness, 4);
        harness_assert_settled(harness, 0, 1, OUTCOME_SENT, NULL);
        harness_assert_settled(harness, 1, 3, cases[index].kind, cases[index].reason);
        harness_assert_settled(harness, 3, 4, OUTCOME_SENT, NULL);
        assert_int_equal(http_server_counts(harness->server)->requests, cases[index].requests);
        for (int again = 1; again < cases[index].requests; again++) {
            harness_assert_request(harness, again, ROWS(1, 2));
        }
        assert_int_equal(harness->sink.resting_us(harness->sink.self), 0); // the topic itself works
        assert_int_equal(state_of(harness)->bytes, 0);
        assert_int_equal(state_of(harness)->events, 0);
        harness_free(harness);
    }
}

// A pace that counts what has failed would be too fast.
static void takes_only_what_was_accepted_for_its_pace(void **state) {
    struct harness *harness = harness_new();
    int accepted = 0;

    (void)state;
    harness->answer = harness_fail_culprits;
    harness->failed = HARNESS_FAILED("KMSDisabled", "true");
    harness->rows[1].is_culprit = harness->rows[2].is_culprit = true;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 4);
    harness_flush(harness);
    harness_await_settled(harness, 4);
    for (int slot = 0; slot < LIMITER_SLOTS; slot++) {
        accepted += state_of(harness)->topics->limiter.accepted[slot];
    }
    assert_int_equal(accepted, 2);
    harness_free(harness);
}

static void believes_no_contradiction(void **state) {
    struct harness *harness =
        start_with("200 OK", ANSWER(SENT("0") SENT("1") SENT("1"), FAILED("0", "InvalidParameter", "true")));

    (void)state;
    harness_offer_many(harness, &harness->standard, 2);
    harness_flush(harness);
    harness_await_settled(harness, 2);
    harness_assert_settled(harness, 0, 2, OUTCOME_RETRY, "did not say");
    assert_int_equal(http_server_counts(harness->server)->requests, 3);
    harness_free(harness);
}

// Whatever is no event's fault is the topic's, or everybody's, also where an event is alone: it shows, and is
// not tried again and again. Only what may be the event's own fault is put off with it alone.
static void rests_after_one_event_too(void **state) {
    static const struct {
        const char *failed, *reason;
        int requests;
        bool rests;
    } answers[] = {
        {ANSWER("", FAILED("0", "KMSDisabled", "true")), "SNS: KMSDisabled: because", 1, true},
        {ANSWER("", FAILED("0", "ExpiredToken", "true")), "SNS: ExpiredToken: because", 1, true},
        {ANSWER("", ""), "did not say", 3, true},
        {ANSWER("", FAILED("0", "InternalError", "false")), "SNS: InternalError: because", 3, false},
        {ANSWER("", FAILED("0", "NewCode", "false")), "SNS: NewCode: because", 3, false},
    };

    (void)state;
    for (size_t index = 0; index < sizeof answers / sizeof answers[0]; index++) {
        struct harness *harness = start_with("200 OK", answers[index].failed);
        harness_offer_many(harness, &harness->standard, 1);
        harness_flush(harness);
        harness_await_settled(harness, 1);
        harness_assert_settled(harness, 0, 1, OUTCOME_RETRY, answers[index].reason);
        assert_int_equal(http_server_counts(harness->server)->requests, answers[index].requests);
        assert_true(harness->sink.admits(harness->sink.self, &harness->standard) != answers[index].rests);
        harness_free(harness);
    }
}

// With one batch under way what becomes of each event is exact: `requests` is how often it was tried.
static void settles_all_when_a_request_is_refused(void **state) {
    static const struct {
        const char *status, *text, *reason;
        int requests;
        bool rests; // everything: other topics would fare no better
    } answers[] = {
        {"500 Error", HARNESS_ERROR("Receiver", "InternalError"), "InternalError: because", 3, true},
        {"502 Bad Gateway", "<html><body>Bad <b>gateway</body></html>", "HTTP 502", 3, true},
        {"503 Busy", "", "HTTP 503", 3, true},
        {"403 Forbidden", HARNESS_ERROR("Sender", "AuthorizationError"), "AuthorizationError: because", 1,
         false},
        {"403 Forbidden", HARNESS_ERROR("Sender", "ExpiredToken"), "ExpiredToken: because", 1, true},
        {"404 Not Found", HARNESS_ERROR("Sender", "NotFound"), "NotFound: because", 1, false},
        {"404 Not Found", "<html><body>nginx</body></html>", "HTTP 404", 3, true},
        {"407 Proxy Authentication Required", "<html>squid</html>", "HTTP 407", 3, true},
        {"200 OK", "", "HTTP 200", 3, true},
        {"200 OK", "<PublishBatchResponse><PublishBatchResult><Successful>" SENT("0"), "HTTP 200", 3, true},
        {"200 OK", HARNESS_ERROR("Receiver", "InternalError"), "InternalError", 3, true},
        {"200 OK", ANSWER("", ""), "did not say", 3, true},
        {"500 Error", ANSWER(SENT("0"), ""), "HTTP 500", 3, true},
        {"302 Found", ANSWER(SENT("0"), ""), "HTTP 302", 3, true},
    };

    (void)state;
    for (size_t index = 0; index < sizeof answers / sizeof answers[0]; index++) {
        struct harness *harness = start_with(answers[index].status, answers[index].text);
        harness_offer_many(harness, &harness->standard, 10);
        harness_await_settled(harness, 10);
        harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, answers[index].reason);
        assert_int_equal(http_server_counts(harness->server)->requests, answers[index].requests);
        assert_true((harness->sink.resting_us(harness->sink.self) > 0) == answers[index].rests);
        harness_free(harness);
        harness = start_with(answers[index].status, answers[index].text);
        harness_offer_many(harness, &harness->standard, 25);
        harness_flush(harness);
        harness_await_settled(harness, 25);
        assert_one_retries_and_others_wait(harness, 25, answers[index].reason);
        harness_free(harness);
    }
}

// Throttling is nobody's fault: the same batch goes again, slower, until it is accepted.
static void sends_again_what_was_throttled(void **state) {
    static const struct {
        const char *status, *text;
    } answers[] = {{"400 Bad Request", HARNESS_ERROR("Sender", "Throttling")},
                   {"503 Busy", HARNESS_ERROR("Receiver", "ThrottlingException")},
                   {"429 Too Many", "slow down"}};
    static harness_answer *const script[] = {harness_answer_with, harness_answer_with, harness_answer_with,
                                             harness_answer_with, NULL};

    (void)state;
    for (size_t index = 0; index < sizeof answers / sizeof answers[0]; index++) {
        struct harness *harness = start_with(answers[index].status, answers[index].text);
        harness->script = script;
        harness->answer = harness_accept;
        harness->sink.room(harness->sink.self, true); // however long that takes
        harness_offer(harness, &harness->standard, "{}");
        harness_flush(harness);
        harness_await_settled(harness, 1);
        harness_assert_settled(harness, 0, 1, OUTCOME_SENT, NULL);
        assert_int_equal(http_server_counts(harness->server)->requests, 5); // more than a failure's attempts
        for (int again = 1; again < 5; again++) {
            const struct http_received *first = harness_request(harness, 0);
            const struct http_received *other = harness_request(harness, again);
            assert_int_equal(other->body_length, first->body_length);
            assert_memory_equal(other->body, first->body, first->body_length);
        }
        assert_int_equal(harness->sink.resting_us(harness->sink.self), 0);
        assert_int_equal(harness->recovered, 0);
        harness_free(harness);
    }
}

static void slows_down_when_one_entry_is_throttled(void **state) {
    static harness_answer *const script[] = {harness_fail_culprits, NULL};
    struct harness *harness = harness_new();

    (void)state;
    harness->script = script;
    harness->failed = HARNESS_FAILED("Throttling", "true");
    harness->rows[1].is_culprit = true;
    harness_start(harness);
    harness->sink.room(harness->sink.self, true); // however long that takes
    harness_offer_many(harness, &harness->standard, 4);
    harness_flush(harness);
    harness_await_settled(harness, 4);
    harness_assert_settled(harness, 0, 4, OUTCOME_SENT, NULL);
    harness_assert_request(harness, 1, ROWS(1));
    assert_true(limiter_rate(&state_of(harness)->topics->limiter) > 0);
    harness_free(harness);
}

static void settles_all_when_the_connection_breaks(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = harness_hang_up;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 25);
    harness_flush(harness);
    harness_await_settled(harness, 25);
    assert_one_retries_and_others_wait(harness, 25, "no answer");
    harness_free(harness);
}

static void survives_two_answers_that_are_lost(void **state) {
    static harness_answer *const script[] = {harness_hang_up, harness_hang_up, NULL};
    struct harness *harness = harness_new();

    (void)state;
    harness->script = script;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_assert_settled(harness, 0, 10, OUTCOME_SENT, NULL);
    assert_int_equal(http_server_counts(harness->server)->requests, 3);
    assert_int_equal(harness->recovered, 0); // nothing had to wait for it
    harness_free(harness);
}

// Or a topic that fails now and then would have no second attempt left one day.
static void gives_back_what_a_second_attempt_has_cost(void **state) {
    static harness_answer *const script[] = {harness_answer_with, NULL};
    struct retry_quota full;
    struct harness *harness = start_with("503 Busy", "busy");

    (void)state;
    retry_quota_init(&full);
    harness->script = script;
    harness->answer = harness_accept;
    harness_offer_many(harness, &harness->standard, 4);
    harness_flush(harness);
    harness_await_settled(harness, 4);
    harness_assert_settled(harness, 0, 4, OUTCOME_SENT, NULL);
    assert_int_equal(state_of(harness)->quota.tokens, full.tokens);
    harness_free(harness);
}

static void reply_half(struct harness *harness, struct http_received *request) {
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<PublishBatchResponse>";

    (void)harness;
    http_server_reply_raw(request, half, sizeof half - 1, true);
}

static void settles_all_when_half_an_answer_comes(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = reply_half;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, "no answer");
    assert_int_equal(http_server_counts(harness->server)->requests, 3);
    harness_free(harness);
}

static void settles_all_when_nobody_listens(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness_start(harness);
    http_server_free(harness->server);
    harness->server = NULL;
    harness_offer_many(harness, &harness->standard, 25);
    harness_flush(harness);
    harness_await_settled(harness, 25);
    assert_one_retries_and_others_wait(harness, 25, "no answer");
    harness_free(harness);
}

static void settles_all_when_no_answer_comes_in_time(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = NULL;
    harness->settings.request_timeout = 50000;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 25);
    harness_flush(harness);
    harness_await_settled(harness, 25);
    assert_one_retries_and_others_wait(harness, 25, "no answer");
    harness_free(harness);
}

// The least time that SNS asks for is kept, whether it is throttled or in trouble.
static void waits_as_long_as_sns_asks(void **state) {
    enum { ASKED_US = 300000 };
    static const char *const statuses[] = {"400 Bad Request\r\nx-amz-retry-after: 300",
                                           "503 Busy\r\nx-amz-retry-after: 300"};
    static const char *const texts[] = {HARNESS_ERROR("Sender", "Throttling"), "busy"};
    static harness_answer *const script[] = {harness_answer_with, NULL};

    (void)state;
    for (int index = 0; index < 2; index++) {
        struct harness *harness = harness_new();
        harness->script = script;
        harness->status = statuses[index];
        harness->text = texts[index];
        harness_start(harness);
        int64_t start_us = clock_monotonic_us();
        harness_offer_many(harness, &harness->standard, 10);
        harness_await_settled(harness, 10);
        harness_assert_settled(harness, 0, 10, OUTCOME_SENT, NULL);
        assert_true(clock_monotonic_us() - start_us >= ASKED_US);
        harness_free(harness);
    }
}

static bool waits_to_be_sent_again(void *context) {
    const struct harness *harness = context;
    return state_of(harness)->topics->delayed.first != NULL;
}

// What has failed counts as a failure, of the topic or of its events, also where there is no time left to try
// again.
static void gives_up_what_waits_to_be_sent_again_with_its_claim(void **state) {
    (void)state;
    for (int answered = 0; answered < 2; answered++) {
        struct harness *harness = start_with("503 Busy", "busy");
        harness->answer = answered ? harness_fail_culprits : harness_answer_with;
        harness->failed = HARNESS_FAILED("InternalError", "false");
        harness->rows[1].is_culprit = true;
        harness_offer_many(harness, &harness->standard, 4);
        harness_flush(harness);
        assert_true(loop_until(harness->base, waits_to_be_sent_again, harness));
        harness->sink.drop(harness->sink.self, harness->claim);
        assert_int_equal(harness->settled, 4);
        harness_assert_settled(harness, 1, 2, OUTCOME_RETRY, answered ? "InternalError" : "busy");
        assert_int_equal(harness->sink.resting_us(harness->sink.self) > 0, !answered);
        assert_int_equal(state_of(harness)->bytes, 0);
        assert_false(waits_to_be_sent_again(harness));
        assert_null(state_of(harness)->topics->queue.first);
        harness_free(harness);
    }
}

// Failures give the memory back as well.
static void drains_after_a_failure(void **state) {
    enum { LENGTH = 255 * 1024 };
    struct harness *harness = harness_new();
    char *data = malloc(LENGTH + 1);

    (void)state;
    memset(data, '[', LENGTH);
    data[LENGTH] = '\0';
    harness->answer = NULL;
    harness->settings.max_in_flight = 1;
    harness_start(harness);
    while (!harness->sink.full(harness->sink.self)) {
        harness_offer(harness, &harness->standard, data);
    }
    harness_await_requests(harness, 1);
    harness->status = "404 Not Found";
    harness->text = HARNESS_ERROR("Sender", "NotFound");
    harness_answer_with(harness, http_server_requests(harness->server));
    harness_await_settled(harness, harness->offered);
    harness_assert_settled(harness, 0, 1, OUTCOME_RETRY, "NotFound");
    harness_assert_settled(harness, 1, harness->offered, OUTCOME_WAIT, "NotFound");
    assert_int_equal(harness->drained, 1);
    assert_false(harness->sink.full(harness->sink.self));
    free(data);
    harness_free(harness);
}

// More than any setting allows: it must not matter that this request fails before it was ever sent.
static void settles_a_request_that_cannot_be_made(void **state) {
    enum { LENGTH = 7 << 20 };
    struct harness *harness = harness_new();
    char *data = malloc(LENGTH + 1);

    (void)state;
    memset(data, '[', LENGTH);
    data[LENGTH] = '\0';
    harness->settings.max_message_bytes = 2 * LENGTH;
    harness_start(harness);
    harness_offer(harness, &harness->standard, data);
    harness_offer_many(harness, &harness->standard, 5);
    harness_flush(harness);
    harness_await_settled(harness, 6);
    harness_assert_settled(harness, 0, 6, OUTCOME_RETRY, "the request is too large");
    assert_int_equal(http_server_counts(harness->server)->requests, 0);
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 16);
    assert_int_equal(harness->sent, 10);
    free(data);
    harness_free(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settles_each_entry_by_its_own_answer),
        cmocka_unit_test(settles_entries_by_their_class),
        cmocka_unit_test(takes_only_what_was_accepted_for_its_pace),
        cmocka_unit_test(believes_no_contradiction),
        cmocka_unit_test(rests_after_one_event_too),
        cmocka_unit_test(settles_all_when_a_request_is_refused),
        cmocka_unit_test(sends_again_what_was_throttled),
        cmocka_unit_test(slows_down_when_one_entry_is_throttled),
        cmocka_unit_test(settles_all_when_the_connection_breaks),
        cmocka_unit_test(survives_two_answers_that_are_lost),
        cmocka_unit_test(gives_back_what_a_second_attempt_has_cost),
        cmocka_unit_test(settles_all_when_half_an_answer_comes),
        cmocka_unit_test(settles_all_when_nobody_listens),
        cmocka_unit_test(settles_all_when_no_answer_comes_in_time),
        cmocka_unit_test(waits_as_long_as_sns_asks),
        cmocka_unit_test(gives_up_what_waits_to_be_sent_again_with_its_claim),
        cmocka_unit_test(drains_after_a_failure),
        cmocka_unit_test(settles_a_request_that_cannot_be_made),
    };
    setenv("no_proxy", "*", 1);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
