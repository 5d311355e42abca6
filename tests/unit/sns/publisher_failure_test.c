// SPDX-License-Identifier: Apache-2.0
// The SNS sink when things fail: whatever happens, each event is settled exactly once, only what SNS named in
// Successful as sent, and only what SNS blamed on the event as the event's fault. How topics rest is in
// publisher_rest_test.c.
#include "sns/publisher.h"
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
#define ERROR_ANSWER(type, code)                                                                             \
    "<ErrorResponse><Error><Type>" type "</Type><Code>" code "</Code><Message>because</Message></Error>"     \
    "<RequestId>r</RequestId></ErrorResponse>"

static struct harness *start_with(const char *status, const char *text) {
    struct harness *harness = harness_new();

    harness->answer = harness_answer_with;
    harness->status = status;
    harness->text = text;
    harness_start(harness);
    return harness;
}

// All rows from `first` to before `end`: settled once, not sent, not the event's fault.
static void assert_to_be_tried_again(const struct harness *harness, int first, int end, const char *reason) {
    for (int row = first; row < end; row++) {
        assert_int_equal(harness->rows[row].times, 1);
        assert_false(harness->rows[row].sent);
        assert_false(harness->rows[row].counts);
        assert_non_null(strstr(harness->rows[row].reason, reason));
    }
}

static void settles_each_entry_by_its_own_answer(void **state) {
    struct harness *harness =
        start_with("200 OK", ANSWER(SENT("0") SENT("4") SENT("7"), FAILED("1", "InvalidParameter", "true")
                                                                       FAILED("2", "InternalError", "false")
                                                                           FAILED("3", "Throttled", "true")));

    (void)state;
    harness_offer_many(harness, &harness->standard, 6); // so that Id 7 was never sent
    harness->sink.flush(harness->sink.self);
    harness_await_settled(harness, 6);
    assert_true(harness->rows[0].sent);
    assert_true(harness->rows[4].sent);
    assert_int_equal(harness->sent, 2);
    assert_true(harness->rows[1].counts);
    assert_string_equal(harness->rows[1].reason, "SNS: InvalidParameter: because");
    assert_to_be_tried_again(harness, 2, 3, "SNS: InternalError: because");
    assert_to_be_tried_again(harness, 3, 4, "SNS: Throttled: because");
    assert_to_be_tried_again(harness, 5, 6, "did not say");
    assert_int_equal(harness->sink.resting_us(harness->sink.self), 0);
    harness_free(harness);
}

static void believes_no_contradiction(void **state) {
    struct harness *harness =
        start_with("200 OK", ANSWER(SENT("0") SENT("1") SENT("1"), FAILED("0", "InvalidParameter", "true")));

    (void)state;
    harness_offer_many(harness, &harness->standard, 2);
    harness->sink.flush(harness->sink.self);
    harness_await_settled(harness, 2);
    assert_to_be_tried_again(harness, 0, 2, "did not say");
    harness_free(harness);
}

static void settles_all_when_a_request_is_refused(void **state) {
    static const struct {
        const char *status, *text, *reason;
    } answers[] = {
        {"500 Error", ERROR_ANSWER("Receiver", "InternalError"), "InternalError: because"},
        {"502 Bad Gateway", "<html><body>Bad <b>gateway</body></html>", "HTTP 502"},
        {"503 Busy", "", "HTTP 503"},
        {"403 Forbidden", ERROR_ANSWER("Sender", "AuthorizationError"), "AuthorizationError: because"},
        {"400 Bad Request", ERROR_ANSWER("Sender", "Throttling"), "Throttling: because"},
        {"404 Not Found", ERROR_ANSWER("Sender", "NotFound"), "NotFound: because"},
        {"200 OK", "", "HTTP 200"},
        {"200 OK", "<PublishBatchResponse><PublishBatchResult><Successful>" SENT("0"), "HTTP 200"},
        {"200 OK", ERROR_ANSWER("Receiver", "InternalError"), "InternalError"},
        {"500 Error", ANSWER(SENT("0"), ""), "HTTP 500"},
        {"302 Found", ANSWER(SENT("0"), ""), "HTTP 302"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof answers / sizeof answers[0]; index++) {
        struct harness *harness = start_with(answers[index].status, answers[index].text);
        harness_offer_many(harness, &harness->standard, 25);
        harness->sink.flush(harness->sink.self);
        harness_await_settled(harness, 25);
        assert_to_be_tried_again(harness, 0, 25, answers[index].reason);
        assert_true(harness->sink.resting_us(harness->sink.self) > 0);
        harness_free(harness);
    }
}

static void settles_all_when_the_connection_breaks(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = harness_hang_up;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 25);
    harness->sink.flush(harness->sink.self);
    harness_await_settled(harness, 25);
    assert_to_be_tried_again(harness, 0, 25, "no answer");
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
    assert_to_be_tried_again(harness, 0, 10, "no answer");
    harness_free(harness);
}

static void settles_all_when_nobody_listens(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness_start(harness);
    http_server_free(harness->server);
    harness->server = NULL;
    harness_offer_many(harness, &harness->standard, 25);
    harness->sink.flush(harness->sink.self);
    harness_await_settled(harness, 25);
    assert_to_be_tried_again(harness, 0, 25, "no answer");
    harness_free(harness);
}

static void settles_all_when_no_answer_comes_in_time(void **state) {
    struct harness *harness = harness_new();

    (void)state;
    harness->answer = NULL;
    harness->settings.request_timeout = 50000;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 25);
    harness->sink.flush(harness->sink.self);
    harness_await_settled(harness, 25);
    assert_to_be_tried_again(harness, 0, 25, "no answer");
    harness_free(harness);
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
    harness_hang_up(harness, http_server_requests(harness->server));
    harness_await_settled(harness, harness->offered);
    assert_int_equal(harness->sent, 0);
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
    harness->sink.flush(harness->sink.self);
    assert_int_equal(harness->settled, 6);
    assert_to_be_tried_again(harness, 0, 6, "the request is too large");
    harness_offer_many(harness, &harness->other, 10);
    harness_await_settled(harness, 16);
    assert_int_equal(harness->sent, 10);
    free(data);
    harness_free(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settles_each_entry_by_its_own_answer),
        cmocka_unit_test(believes_no_contradiction),
        cmocka_unit_test(settles_all_when_a_request_is_refused),
        cmocka_unit_test(settles_all_when_the_connection_breaks),
        cmocka_unit_test(settles_all_when_half_an_answer_comes),
        cmocka_unit_test(settles_all_when_nobody_listens),
        cmocka_unit_test(settles_all_when_no_answer_comes_in_time),
        cmocka_unit_test(drains_after_a_failure),
        cmocka_unit_test(settles_a_request_that_cannot_be_made),
    };
    setenv("no_proxy", "*", 1);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
