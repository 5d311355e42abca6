// SPDX-License-Identifier: Apache-2.0
// Events handed to an application by HTTP: what becomes of its answer.
#include "support/application.h"

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

enum { SHORT_US = 1000000, HOUR_S = 3600 };

static void judges_the_status(void **state) {
    static const struct {
        const char *answer, *reason;
        bool outage;
    } cases[] = {
        {"HTTP/1.1 400 Bad\r\nContent-Length: 23\r\n\r\nno such order\r\nanother\n",
         "HTTP 400: no such order", false},
        {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "HTTP 401", false},
        {"HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\n\x1b[m", "HTTP 404: [m", false},
        {"HTTP/1.1 408 No\r\nContent-Length: 0\r\n\r\n", "HTTP 408", false},
        {"HTTP/1.1 429 No\r\nContent-Length: 4\r\n\r\nslow", "HTTP 429: slow", true},
        {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "HTTP 500", false},
        {"HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n", "HTTP 501", false},
        {"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", "HTTP 502", true},
        {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "HTTP 503", true},
        {"HTTP/1.1 504 No\r\nContent-Length: 0\r\n\r\n", "HTTP 504", true},
        {"HTTP/1.1 302 Found\r\nLocation: https://other.example:8443/hunter2?token=hunter2\r\n"
         "Content-Length: 0\r\n\r\n",
         "HTTP 302: redirects are not followed, this one leads to https://other.example:8443", false},
        {"HTTP/1.1 308 Moved\r\nLocation: /hunter2/\r\nContent-Length: 0\r\n\r\n",
         "HTTP 308: redirects are not followed", false},
        {"HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP 304: redirects are not followed", false},
        {"not HTTP at all\r\n\r\n", "no answer: ", false},
        {"", "no answer: ", false}, // it hangs up
    };
    struct application *application = application_start();

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        application->answer = cases[index].answer;
        application_post_any(application);
        runner_assert_failed(application->harness, cases[index].outage, cases[index].reason);
        assert_int_equal(application->harness->tasks[index].handled.retry_after_us, 0);
        assert_null(strstr(application->harness->tasks[index].reason, "hunter2"));
        assert_null(strstr(application->harness->tasks[index].reason, "another"));
    }
    application_free(application);
}

static void takes_any_success(void **state) {
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone",
                                          "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
                                          "HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n",
                                          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"};
    struct application *application = application_start();

    (void)state;
    for (size_t index = 0; index < sizeof answers / sizeof answers[0]; index++) {
        application->answer = answers[index];
        application_post_any(application);
        runner_assert_done(application->harness);
    }
    application_free(application);
}

// However much it says besides.
static void takes_a_success_with_a_large_body(void **state) {
    enum { LARGE = 3 << 20 };
    char *answer = malloc(LARGE + 128);
    struct application *application = application_start();

    (void)state;
    int head = sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE);
    memset(answer + head, 'x', LARGE);
    answer[head + LARGE] = '\0';
    application->answer = answer;
    application_post_any(application);
    runner_assert_done(application->harness);
    memcpy(answer, "HTTP/1.1 500 NO", 15);
    application_post_any(application);
    runner_assert_failed(application->harness, false, "HTTP 500: xxxxxxxx");
    application_free(application);
    free(answer);
}

static int64_t retry_after_of(struct application *application, const char *status, const char *value) {
    char answer[256];
    snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", status,
             value);
    application->answer = answer;
    application_post_any(application);
    return application->harness->tasks[application->harness->begun - 1].handled.retry_after_us;
}

static void obeys_retry_after(void **state) {
    static const struct {
        const char *value;
        int64_t s;
    } cases[] = {{"7", 7},
                 {"0", 0},
                 {"3600", HOUR_S},
                 {"3601", HOUR_S},
                 {"99999999999999999999999999", HOUR_S},
                 {"-7", 0},
                 {"7s", 0},
                 {"", 0},
                 {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
                 {"Sun, 06 Nov 2094 08:49:37 GMT", 0}, // it was a Saturday
                 {"Sat, 06 Nov 2094 08:49:37 GMT", HOUR_S}};
    struct application *application = application_start();
    char date[64];
    time_t soon = time(NULL) + 100;
    struct tm parts;

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        assert_int_equal(retry_after_of(application, "503 Busy", cases[index].value),
                         cases[index].s * 1000000);
    }
    assert_int_equal(retry_after_of(application, "429 Slow", "7"), 7000000);
    assert_int_equal(retry_after_of(application, "500 No", "7"), 0);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&soon, &parts));
    assert_in_range(retry_after_of(application, "503 Busy", date), 90000000, 100000000);
    application_free(application);
}

static void an_application_that_is_not_there_is_an_outage(void **state) {
    struct application *application = application_start();

    (void)state;
    http_server_free(application->server);
    application->server = NULL;
    application_post_any(application);
    runner_assert_failed(application->harness, true, "it cannot be reached: ");
    snprintf(application->url, sizeof application->url, "http://unknown.invalid/");
    application_post_any(application);
    runner_assert_failed(application->harness, true, "it cannot be reached: ");
    application_free(application);
}

// The event itself may be what it cannot cope with.
static void an_application_that_does_not_answer_is_none(void **state) {
    static const char *const answers[] = {NULL, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"};
    struct application *application = application_new();

    (void)state;
    application->harness->settings.handler_timeout = SHORT_US;
    application_begin(application);
    for (size_t index = 0; index < sizeof answers / sizeof answers[0]; index++) {
        application->answer = answers[index];
        application_post_any(application);
        runner_assert_failed(application->harness, false, "no answer: ");
        runner_assert_failed(application->harness, false, "timed out");
    }
    application_free(application);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_the_status),
        cmocka_unit_test(takes_any_success),
        cmocka_unit_test(takes_a_success_with_a_large_body),
        cmocka_unit_test(obeys_retry_after),
        cmocka_unit_test(an_application_that_is_not_there_is_an_outage),
        cmocka_unit_test(an_application_that_does_not_answer_is_none),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
