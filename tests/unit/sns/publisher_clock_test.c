// SPDX-License-Identifier: Apache-2.0
// The SNS sink on a machine whose clock is wrong: what is refused for that is signed again, once, by the
// clock of the answer, and nothing rests.
#include "base/log.h"
#include "sns/publisher.h"
#include "support/loop.h"
#include "support/publisher_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { HOUR = 3600, TOLERANCE = 600 };

#define SKEWED HARNESS_ERROR("Sender", "RequestTimeTooSkewed")

static int difference; // by how much AWS's clock is ahead of ours, in seconds

static void refuse_with(struct http_received *request, const char *text) {
    char date[64];
    char answer[1024];
    time_t now = time(NULL) + difference;
    struct tm parts;
    assert_non_null(gmtime_r(&now, &parts));
    assert_true(strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0);
    int length =
        snprintf(answer, sizeof answer, "HTTP/1.1 403 Forbidden\r\nDate: %s\r\nContent-Length: %zu\r\n\r\n%s",
                 date, strlen(text), text);
    http_server_reply_raw(request, answer, (size_t)length, false);
}

static void refuse(struct harness *harness, struct http_received *request) {
    (void)harness;
    refuse_with(request, SKEWED);
}

static void refuse_the_secret(struct harness *harness, struct http_received *request) {
    (void)harness;
    refuse_with(request, HARNESS_ERROR("Sender", "SignatureDoesNotMatch"));
}

// How far ahead of our clock a request was signed.
static int signed_ahead(const struct harness *harness, int index) {
    char date[64];
    struct tm parts = {0};
    http_server_header(harness_request(harness, index), "X-Amz-Date", date, sizeof date);
    assert_non_null(strptime(date, "%Y%m%dT%H%M%SZ", &parts));
    return (int)(timegm(&parts) - time(NULL));
}

static void assert_signed_ahead(const struct harness *harness, int index, int seconds) {
    assert_in_range(signed_ahead(harness, index) - seconds + TOLERANCE, 0, 2 * TOLERANCE);
}

static void signs_again_by_the_other_clock(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        static harness_answer *const script[] = {refuse, NULL};
        struct harness *harness = harness_new();
        difference = sign * HOUR;
        harness->script = script;
        harness->answer = harness_accept;
        harness_start(harness);
        harness_offer_many(harness, &harness->standard, 10);
        harness_await_settled(harness, 10);
        harness_assert_settled(harness, 0, 10, OUTCOME_SENT, NULL);
        harness_offer_many(harness, &harness->other, 10);
        harness_await_settled(harness, 20);
        harness_await_requests(harness, 3); // the offset stays
        assert_signed_ahead(harness, 0, 0);
        assert_signed_ahead(harness, 1, sign * HOUR);
        assert_signed_ahead(harness, 2, sign * HOUR);
        assert_int_equal(harness->recovered, 0); // nothing ever rested
        harness_free(harness);
    }
}

// All that were under way are signed again, not only the first to be refused; in order, where there is one.
static void signs_all_again_that_were_under_way(void **state) {
    (void)state;
    for (int is_fifo = 0; is_fifo < 2; is_fifo++) {
        struct harness *harness = harness_new();
        struct topic *topic = is_fifo ? &harness->fifo : &harness->standard;
        difference = HOUR;
        harness->answer = NULL;
        harness_start(harness);
        harness_offer_many(harness, topic, 40);
        harness_flush(harness);
        harness_await_requests(harness, 4);
        harness->answer = harness_accept;
        for (int index = 0; index < 4; index++) {
            refuse(harness, harness_request(harness, index));
        }
        harness_await_settled(harness, 40);
        harness_assert_settled(harness, 0, 40, OUTCOME_SENT, NULL);
        harness_await_requests(harness, 8);
        harness_free(harness);
    }
}

static void takes_a_second_refusal_for_bad_credentials(void **state) {
    struct harness *harness = harness_new();
    (void)state;
    difference = HOUR;
    harness->answer = refuse;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_await_requests(harness, 2);
    harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, "RequestTimeTooSkewed");
    assert_true(harness->sink.resting_us(harness->sink.self) > 0);
    harness_free(harness);
}

static void does_not_blame_a_clock_that_is_right(void **state) {
    struct harness *harness = harness_new();
    (void)state;
    difference = 0;
    harness->answer = refuse_the_secret;
    harness_start(harness);
    harness_offer_many(harness, &harness->standard, 10);
    harness_await_settled(harness, 10);
    harness_await_requests(harness, 1);
    harness_assert_settled(harness, 0, 10, OUTCOME_RETRY, "SignatureDoesNotMatch");
    harness_free(harness);
}

// The request that probes may be the one that shows that the clock is wrong.
static void goes_on_when_a_probe_was_signed_wrongly(void **state) {
    static harness_answer *const script[] = {harness_answer_with, refuse, NULL};
    static const char *const texts[] = {HARNESS_ERROR("Sender", "ExpiredToken"),
                                        HARNESS_ERROR("Sender", "NotFound")};
    (void)state;
    for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
        struct harness *harness = harness_new();
        difference = -HOUR;
        harness->settings.retry_base = 1000;
        harness->status = "403 Forbidden";
        harness->text = texts[index];
        harness->script = script;
        harness->answer = harness_accept;
        harness_start(harness);
        harness_offer_many(harness, &harness->standard, 10);
        harness_await_settled(harness, 10);
        harness_await_rest(harness);
        harness_offer_many(harness, &harness->standard, 10);
        harness_await_settled(harness, 20);
        harness_assert_settled(harness, 10, 20, OUTCOME_SENT, NULL);
        assert_int_equal(harness->recovered, 1);
        harness_free(harness);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_again_by_the_other_clock),
        cmocka_unit_test(signs_all_again_that_were_under_way),
        cmocka_unit_test(takes_a_second_refusal_for_bad_credentials),
        cmocka_unit_test(does_not_blame_a_clock_that_is_right),
        cmocka_unit_test(goes_on_when_a_probe_was_signed_wrongly),
    };
    setenv("no_proxy", "*", 1);
    log_configure(LOG_ERROR, LOG_AS_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
