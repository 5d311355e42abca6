// SPDX-License-Identifier: Apache-2.0
// Events handed to an application by HTTP: what it gets.
#include "support/application.h"
#include "support/loop.h"

#include <openssl/evp.h>
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

#define FIRST_SECRET "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"      // "0123456789abcdef01234567"
#define SECOND_SECRET "whsec_c2Vjb25kIHNlY3JldCBvZiAyNSBieXRlcw==" // "second secret of 25 bytes"

static void posts_the_event(void **state) {
    struct application *application = application_start();

    (void)state;
    application_post_any(application);
    runner_assert_done(application->harness);
    assert_int_equal(strncmp(application->request->head, "POST /events?from=outbox HTTP/1.1\r\n", 35), 0);
    assert_string_equal(application->request->body, "{\"data\":\"größer\"}");
    application_assert_header(application, "Content-Type", "application/json");
    application_assert_header(application, "Idempotency-Key", RUNNER_EVENT_ID);
    application_assert_header(application, "Outbox-Event-Type", "order.created");
    application_assert_header(application, "Outbox-Deliveries", ""); // not known; nor are the others
    application_assert_header(application, "traceparent", "");
    application_assert_header(application, "webhook-id", "");
    application_assert_header(application, "webhook-signature", "");
    application_post_any(application);
    assert_int_equal(http_server_counts(application->server)->accepted, 1); // kept
    application_free(application);
}

static void tells_what_is_known(void **state) {
    struct application *application = application_start();
    struct domain_event event = runner_event();

    (void)state;
    event.deliveries = 3;
    event.traceparent = slice_of_text(RUNNER_TRACEPARENT);
    application_post(application, &event);
    application_assert_header(application, "Outbox-Deliveries", "3");
    application_assert_header(application, "traceparent", RUNNER_TRACEPARENT);
    event.traceparent = slice_of_text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\n");
    application_post(application, &event);
    application_assert_header(application, "traceparent", "");
    event.event_type = slice_of_text("Bestellung größer");
    application_post(application, &event);
    application_assert_header(application, "Outbox-Event-Type", "Bestellung größer");
    application_free(application);
}

// It would be a header of its own.
static void sends_no_line_break_in_a_header(void **state) {
    static const struct {
        struct slice type;
        const char *reason;
    } cases[] = {{{"order\r\nX-Admin: 1", 17}, "its event type holds byte 0x0d at position 6"},
                 {{"order\nX", 7}, "its event type holds byte 0x0a at position 6"},
                 {{"order\0X", 7}, "its event type holds byte 0x00 at position 6"},
                 {{"order\x7f", 6}, "its event type holds byte 0x7f at position 6"}};
    struct application *application = application_start();
    struct domain_event event = runner_event();
    char type[257];

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        event.event_type = cases[index].type;
        application_post(application, &event);
        runner_assert_failed(application->harness, false, cases[index].reason);
    }
    memset(type, 'x', sizeof type);
    event.event_type = (struct slice){type, sizeof type};
    application_post(application, &event);
    runner_assert_failed(application->harness, false, "its event type has 257 bytes");
    assert_int_equal(http_server_counts(application->server)->requests, 0);
    event.event_type.length--;
    application_post(application, &event);
    runner_assert_done(application->harness);
    application_free(application);
}

// By another way than the runner: what is signed is what arrived.
static void sign(char *ret, const char *key, const char *id, const char *timestamp, const char *body) {
    char text[512];
    unsigned char hash[32], coded[45];
    size_t length = 0;
    int text_length = snprintf(text, sizeof text, "%s.%s.%s", id, timestamp, body);
    assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, strlen(key),
                              (const unsigned char *)text, (size_t)text_length, hash, sizeof hash, &length));
    EVP_EncodeBlock(coded, hash, sizeof hash);
    sprintf(ret, "v1,%s", (const char *)coded);
}

static void signs_with_every_secret(void **state) {
    static char secrets[] = FIRST_SECRET " " SECOND_SECRET;
    struct application *application = application_new();
    char id[64], timestamp[64], first[64], second[64], both[128];

    (void)state;
    application->harness->settings.webhook_secret = secrets;
    application_begin(application);
    long long before = time(NULL);
    application_post_any(application);
    runner_assert_done(application->harness);
    http_server_header(application->request, "webhook-id", id, sizeof id);
    http_server_header(application->request, "webhook-timestamp", timestamp, sizeof timestamp);
    assert_string_equal(id, RUNNER_EVENT_ID);
    assert_in_range(strtoll(timestamp, NULL, 10), before, time(NULL));
    sign(first, "0123456789abcdef01234567", id, timestamp, application->request->body);
    sign(second, "second secret of 25 bytes", id, timestamp, application->request->body);
    snprintf(both, sizeof both, "%s %s", first, second);
    application_assert_header(application, "webhook-signature", both);
    application_free(application);
}

static void signs_with_a_secret_that_a_reload_has_brought(void **state) {
    static char first[] = FIRST_SECRET, second[] = SECOND_SECRET;
    struct application *application = application_new();
    char id[64], timestamp[64], expected[64];

    (void)state;
    application->harness->settings.webhook_secret = first;
    application_begin(application);
    application->harness->settings.webhook_secret = second;
    application->harness->settings.generation++;
    application_post_any(application);
    runner_assert_done(application->harness);
    http_server_header(application->request, "webhook-id", id, sizeof id);
    http_server_header(application->request, "webhook-timestamp", timestamp, sizeof timestamp);
    sign(expected, "second secret of 25 bytes", id, timestamp, application->request->body);
    application_assert_header(application, "webhook-signature", expected);
    application_free(application);
}

static void goes_to_this_machine_without_a_proxy(void **state) {
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
    struct application *application = application_new();
    char proxy[64];

    (void)state;
    unsetenv("no_proxy");
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", http_server_port(application->server));
    setenv("http_proxy", proxy, 1);
    application_begin(application);
    for (size_t index = 0; index < sizeof hosts / sizeof hosts[0]; index++) {
        snprintf(application->url, sizeof application->url, "http://%s:%d/own", hosts[index],
                 http_server_port(application->server));
        application_post_any(application);
        if (index < 2) { // the server has no IPv6 address
            runner_assert_done(application->harness);
            assert_int_equal(strncmp(application->request->head, "POST /own ", 10), 0);
        } else {
            runner_assert_failed(application->harness, true, "it cannot be reached");
        }
    }
    snprintf(application->url, sizeof application->url, "http://elsewhere.test/other");
    application_post_any(application);
    assert_int_equal(strncmp(application->request->head, "POST http://elsewhere.test/other ", 33), 0);
    unsetenv("http_proxy");
    setenv("no_proxy", "*", 1);
    application_free(application);
}

static const char *log_of_two_posts(char *secret, const char *url) {
    struct application *application = application_new();
    application->harness->settings.webhook_secret = secret;
    snprintf(application->url, sizeof application->url, "%s", url);
    application_begin(application);
    runner_listen_to_log(LOG_WARN);
    application_post_any(application);
    application_post_any(application);
    const char *log = runner_log();
    application_free(application);
    return log;
}

static void warns_once_that_signed_events_can_be_read(void **state) {
    static char secret[] = FIRST_SECRET, none[] = "";

    (void)state;
    const char *log = log_of_two_posts(secret, "http://unknown.invalid/path?token=hunter2");
    const char *line = strstr(log, "signed events go over http");
    assert_non_null(line);
    assert_non_null(strstr(line, "host=unknown.invalid\n"));
    assert_null(strstr(line + 1, "signed events"));
    assert_null(strstr(log, "hunter2"));
    assert_null(strstr(log, "whsec"));
    assert_string_equal(log_of_two_posts(none, "http://unknown.invalid/"), "");
    assert_string_equal(log_of_two_posts(secret, "https://unknown.invalid/"), "");
    assert_string_equal(log_of_two_posts(secret, "http://127.0.0.1:1/"), "");
}

static void is_not_made_with_settings_of_no_use(void **state) {
    static char secret[] = "whsec_hunter2", missing[] = "/no/such/bundle.pem", none[] = "";
    struct runner_harness *harness = runner_harness_new();
    struct error error = {0};

    (void)state;
    harness->settings.webhook_secret = secret;
    assert_null(http_runner_new(harness->base, &harness->settings, &harness->listener, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.text, "OUTBOX_WEBHOOK_SECRET"));
    assert_null(strstr(error.text, "hunter2"));
    harness->settings.webhook_secret = none;
    harness->settings.aws_ca_bundle = missing;
    assert_null(http_runner_new(harness->base, &harness->settings, &harness->listener, &error));
    assert_non_null(strstr(error.text, "/no/such/bundle.pem"));
    http_runner_free(NULL);
    runner_harness_free(harness);
}

static bool is_waiting(void *context) {
    const struct application *application = context;
    return http_server_counts(application->server)->waiting == 3;
}

// Nothing is called afterwards; a sanitizer sees what is not freed.
static void can_be_freed_at_any_time(void **state) {
    struct application *application = application_start();
    struct runner_harness *harness = application->harness;
    struct domain_event event = runner_event();

    (void)state;
    application->answer = NULL;
    for (int count = 0; count < 3; count++) {
        http_runner_start(application->runner, application->url, &event, runner_task(harness));
    }
    assert_true(loop_until(harness->base, is_waiting, application));
    event.event_type = slice_of_text("\n");
    for (int count = 0; count < 2; count++) {
        http_runner_start(application->runner, application->url, &event, runner_task(harness));
    }
    http_runner_free(application->runner);
    application->runner = NULL;
    loop_settle(harness->base);
    assert_int_equal(harness->ended, 0);
    application_free(application);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_the_event),
        cmocka_unit_test(tells_what_is_known),
        cmocka_unit_test(sends_no_line_break_in_a_header),
        cmocka_unit_test(signs_with_every_secret),
        cmocka_unit_test(signs_with_a_secret_that_a_reload_has_brought),
        cmocka_unit_test(goes_to_this_machine_without_a_proxy),
        cmocka_unit_test(warns_once_that_signed_events_can_be_read),
        cmocka_unit_test(is_not_made_with_settings_of_no_use),
        cmocka_unit_test(can_be_freed_at_any_time),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
