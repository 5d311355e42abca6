// SPDX-License-Identifier: Apache-2.0
// The HTTP client against a scripted server: one answer for each request whatever happens, connections kept
// and bounded, bodies capped.
#include "support/client_harness.h"
#include "support/loop.h"

#include <stdio.h>
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

static void sends_what_it_was_given(void **state) {
    struct client_harness *harness = client_open(client_echo, LONG_US);
    char value[64];

    (void)state;
    client_post(harness, harness->url, "hello");
    assert_int_equal(harness->answers, 0); // never before the caller is back
    client_await(harness, 1);
    struct http_received *request = http_server_requests(harness->server);
    assert_int_equal(strncmp(request->head, "POST / HTTP/1.1\r\n", 17), 0);
    assert_string_equal(request->body, "hello");
    http_server_header(request, "content-type", value, sizeof value);
    assert_string_equal(value, "text/plain");
    http_server_header(request, "x-test", value, sizeof value);
    assert_string_equal(value, "yes");
    assert_int_equal(harness->status[0], 200);
    assert_string_equal(harness->body[0], "hello");
    client_close(harness);
}

static void echo_request_line(void *context, struct http_received *request) {
    char text[256];
    char expect[16];
    int line = (int)strcspn(request->head, "\r");
    http_server_header(request, "Expect", expect, sizeof expect);
    int body = request->body_length < 40 ? (int)request->body_length : 40;
    int length =
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nX-Test: %.*s\r\nContent-Length: %zu\r\n\r\n%.*s%s",
                 line, request->head, strlen(expect) + (size_t)body, body, request->body, expect);

    (void)context;
    http_server_reply_raw(request, text, (size_t)length, false);
}

// One handle does one after the other, and nothing of a request is left in the next.
static void sends_by_every_method(void **state) {
    static const struct {
        struct http_request request;
        const char *line;
        const char *body;
    } cases[] = {
        {{.method = HTTP_POST, .body = {"first", 5}}, "POST / HTTP/1.1", "first"},
        {{.method = HTTP_GET}, "GET / HTTP/1.1", ""},
        {{.method = HTTP_PUT, .headers = {"X-Other: 1"}}, "PUT / HTTP/1.1", ""},
        {{.method = HTTP_GET}, "GET / HTTP/1.1", ""},
        {{.method = HTTP_POST}, "POST / HTTP/1.1", ""},
        {{.method = HTTP_PUT}, "PUT / HTTP/1.1", ""},
        {{.method = HTTP_POST, .body = {"last", 4}}, "POST / HTTP/1.1", "last"},
    };
    struct client_harness *harness = client_open(echo_request_line, LONG_US);
    char value[16];

    (void)state;
    for (int index = 0; index < (int)(sizeof cases / sizeof cases[0]); index++) {
        struct http_request request = cases[index].request;
        request.url = harness->url;
        client_send(harness, request);
        client_await(harness, index + 1);
        assert_int_equal(harness->status[index], 200);
        assert_string_equal(harness->header[index], cases[index].line);
        assert_string_equal(harness->body[index], cases[index].body);
    }
    assert_int_equal(http_server_counts(harness->server)->accepted, 1);
    struct http_received *fourth = http_server_requests(harness->server)->next->next->next;
    http_server_header(fourth, "X-Other", value, sizeof value);
    assert_string_equal(value, "");
    client_close(harness);
}

// libcurl would first wait for a server that is to say whether it wants a large body.
static void sends_a_large_body_at_once(void **state) {
    enum { LARGE = 3 << 20 };
    struct client_harness *harness = client_open(echo_request_line, LONG_US);
    char *body = malloc(LARGE);

    (void)state;
    memset(body, 'x', LARGE);
    client_send(harness, (struct http_request){.url = harness->url, .body = {body, LARGE}});
    client_await(harness, 1);
    assert_int_equal(http_server_requests(harness->server)->body_length, LARGE);
    assert_int_equal(harness->length[0], 40); // and no header that asks
    client_close(harness);
    free(body);
}

static void keeps_the_connection(void **state) {
    struct client_harness *harness = client_open(client_echo, LONG_US);

    (void)state;
    for (int count = 1; count <= 20; count++) {
        client_post(harness, harness->url, "again");
        client_await(harness, count);
        assert_int_equal(harness->status[count - 1], 200);
    }
    assert_int_equal(http_server_counts(harness->server)->requests, 20);
    assert_int_equal(http_server_counts(harness->server)->accepted, 1);
    client_close(harness);
}

// What is under way goes on, and what comes later finds a connection.
static void gives_back_memory_between_requests(void **state) {
    struct client_harness *harness = client_open(client_hold, LONG_US);

    (void)state;
    client_post(harness, harness->url, "first");
    client_post(harness, harness->url, "second");
    client_await_waiting(harness, 2);
    http_server_reply(http_server_requests(harness->server), "200 OK", "first");
    client_await(harness, 1);
    http_client_trim(harness->client);
    http_client_trim(harness->client);
    http_server_reply(http_server_requests(harness->server)->next, "200 OK", "second");
    client_await(harness, 2);
    http_client_trim(harness->client);
    client_post(harness, harness->url, "third");
    client_await_waiting(harness, 1);
    http_server_reply(http_server_requests(harness->server)->next->next, "200 OK", "third");
    client_await(harness, 3);
    assert_string_equal(harness->body[0], "first");
    assert_string_equal(harness->body[1], "second");
    assert_string_equal(harness->body[2], "third");
    assert_int_equal(http_server_counts(harness->server)->accepted, 2);
    client_close(harness);
}

// Twelve requests go out at once, each on its own connection, of which three are kept.
static void keeps_few_connections(void **state) {
    enum { REQUESTS = 12 };
    struct client_harness *harness = client_open(client_hold, LONG_US);

    (void)state;
    for (int index = 0; index < REQUESTS; index++) {
        client_post(harness, harness->url, "x");
    }
    client_await_waiting(harness, REQUESTS);
    assert_int_equal(http_server_counts(harness->server)->open, REQUESTS);
    struct http_received *request = http_server_requests(harness->server);
    for (; request != NULL; request = request->next) {
        http_server_reply(request, "200 OK", "");
    }
    client_await(harness, REQUESTS);
    assert_int_equal(http_server_counts(harness->server)->open, CONNECTIONS);
    client_close(harness);
}

static void passes_every_status_on(void **state) {
    static const char *const statuses[] = {"400 Bad Request", "403 Forbidden", "500 Error", "503 Busy"};
    static const int numbers[] = {400, 403, 500, 503};
    struct client_harness *harness = client_open(client_hold, LONG_US);

    (void)state;
    struct http_received *request = NULL;
    for (int index = 0; index < 4; index++) {
        client_post(harness, harness->url, "x");
        client_await_waiting(harness, 1);
        request = request == NULL ? http_server_requests(harness->server) : request->next;
        http_server_reply(request, statuses[index], "no");
        client_await(harness, index + 1);
        assert_int_equal(harness->status[index], numbers[index]);
        assert_string_equal(harness->body[index], "no");
    }
    client_close(harness);
}

static void redirect(void *context, struct http_received *request) {
    static const char text[] = "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n";

    (void)context;
    http_server_reply_raw(request, text, sizeof text - 1, false);
}

static void follows_no_redirect(void **state) {
    struct client_harness *harness = client_open(redirect, LONG_US);

    (void)state;
    client_post(harness, harness->url, "x");
    client_await(harness, 1);
    assert_int_equal(harness->status[0], 302);
    assert_int_equal(http_server_counts(harness->server)->requests, 1);
    client_close(harness);
}

static void reply_large(void *context, struct http_received *request) {
    size_t length = strtoul(request->body, NULL, 10);
    char *body = malloc(length + 1);

    (void)context;
    memset(body, 'x', length);
    body[length] = '\0';
    http_server_reply(request, "200 OK", body);
    free(body);
}

static void caps_the_body(void **state) {
    struct client_harness *harness = client_open(reply_large, LONG_US);
    char length[16];

    (void)state;
    snprintf(length, sizeof length, "%d", BODY_CAP);
    client_post(harness, harness->url, length);
    client_await(harness, 1);
    assert_int_equal(harness->status[0], 200);
    assert_int_equal(harness->length[0], BODY_CAP);
    snprintf(length, sizeof length, "%d", BODY_CAP + 1);
    client_post(harness, harness->url, length);
    client_await(harness, 2);
    assert_int_equal(harness->status[1], 0);
    assert_int_equal(harness->length[1], 0);
    assert_true(harness->failure[1][0] != '\0');
    client_post(harness, harness->url, "5"); // the transfer object is as good as new
    client_await(harness, 3);
    assert_string_equal(harness->body[2], "xxxxx");
    client_close(harness);
}

// However much it is: the status counts.
static void throws_away_what_is_not_to_be_kept(void **state) {
    static const size_t kept[] = {1, 10, 20};
    struct client_harness *harness = client_open(reply_large, LONG_US);
    char length[16];

    (void)state;
    for (int index = 0; index < 3; index++) {
        snprintf(length, sizeof length, "%d", index == 2 ? 15 : 3 * BODY_CAP);
        client_send(harness, (struct http_request){.url = harness->url,
                                                   .body = slice_of_text(length),
                                                   .body_kept = kept[index]});
        client_await(harness, index + 1);
        assert_int_equal(harness->status[index], 200);
        assert_int_equal(harness->length[index], index == 2 ? 15 : kept[index]);
    }
    assert_int_equal(http_server_counts(harness->server)->accepted, 1);
    client_close(harness);
}

static void allows_a_larger_body_where_asked(void **state) {
    enum { ALLOWED = 3 << 20 };
    struct client_harness *harness = client_open(reply_large, LONG_US);
    char length[16];
    struct http_request request = {
        .url = harness->url, .headers = {"Content-Type: text/plain"}, .answer_limit = ALLOWED};

    (void)state;
    for (int index = 0; index < 2; index++) {
        snprintf(length, sizeof length, "%d", ALLOWED + index);
        request.body = slice_of_text(length);
        client_send(harness, request);
        client_await(harness, index + 1);
    }
    assert_int_equal(harness->status[0], 200);
    assert_int_equal(harness->length[0], ALLOWED);
    assert_int_equal(harness->status[1], 0);
    snprintf(length, sizeof length, "%d", BODY_CAP + 1); // the next one on this transfer has the usual limit
    client_post(harness, harness->url, length);
    client_await(harness, 3);
    assert_int_equal(harness->status[2], 0);
    client_close(harness);
}

static void reply_half(void *context, struct http_received *request) {
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";

    (void)context;
    http_server_reply_raw(request, half, strtoul(request->body, NULL, 10), true);
}

// Wherever it is cut.
static void reports_a_lost_answer(void **state) {
    static const char *const lengths[] = {"0", "1", "12", "15", "17", "30", "38", "39", "40", "41", "44"};
    struct client_harness *harness = client_open(reply_half, LONG_US);

    (void)state;
    for (int index = 0; index < (int)(sizeof lengths / sizeof lengths[0]); index++) {
        client_post(harness, harness->url, lengths[index]);
        client_await(harness, index + 1);
        assert_int_equal(harness->status[index], 0);
        assert_true(harness->failure[index][0] != '\0');
        assert_false(harness->unreached[index]);
    }
    client_close(harness);
}

static void gives_up_in_time(void **state) {
    struct client_harness *harness = client_open(client_hold, SHORT_US);

    (void)state;
    client_post(harness, harness->url, "x");
    client_await(harness, 1);
    assert_int_equal(harness->status[0], 0);
    assert_non_null(strstr(harness->failure[0], "timed out"));
    assert_false(harness->unreached[0]);
    client_close(harness);
}

// However long others take.
static void gives_up_in_the_requests_own_time(void **state) {
    struct client_harness *harness = client_open(client_hold, LONG_US);

    (void)state;
    for (int index = 0; index < CONNECTIONS; index++) {
        client_post(harness, harness->url, "x");
    }
    client_await_waiting(harness, CONNECTIONS);
    for (int index = 0; index < 2; index++) {
        client_send(harness, (struct http_request){.url = harness->url, .timeout_us = SHORT_US});
        client_await(harness, index + 1);
        assert_int_equal(harness->status[index], 0);
        assert_non_null(strstr(harness->failure[index], "timed out"));
    }
    client_close(harness);
}

// The client's own time is over long before.
static void waits_for_ever_where_asked_to(void **state) {
    struct client_harness *harness = client_open(client_hold, SHORT_US);

    (void)state;
    client_send(harness, (struct http_request){.url = harness->url, .timeout_us = HTTP_FOREVER});
    client_await_waiting(harness, 1);
    for (int count = 1; count <= 2; count++) {
        client_post(harness, harness->url, "x");
        client_await(harness, count);
        assert_non_null(strstr(harness->failure[count - 1], "timed out"));
    }
    http_server_reply(http_server_requests(harness->server), "200 OK", "at last");
    client_await(harness, 3);
    assert_int_equal(harness->status[2], 200);
    client_close(harness);
}

static void reports_a_refused_connection(void **state) {
    struct client_harness *harness = client_open(client_hold, LONG_US);

    (void)state;
    http_server_free(harness->server);
    harness->server = NULL;
    client_post(harness, harness->url, "x");
    client_await(harness, 1);
    assert_int_equal(harness->status[0], 0);
    assert_true(harness->failure[0][0] != '\0');
    assert_true(harness->unreached[0]);
    client_close(harness);
}

// The connection that was kept is tried before a new one.
static void reports_a_server_that_has_gone(void **state) {
    struct client_harness *harness = client_open(client_echo, LONG_US);

    (void)state;
    assert_int_equal(client_try(harness), 200);
    http_server_free(harness->server);
    harness->server = NULL;
    assert_int_equal(client_try(harness), 0);
    assert_true(harness->unreached[1]);
    client_close(harness);
}

static void answer_or_die(void *context, struct http_received *request) {
    struct client_harness *harness = context;
    if (http_server_counts(harness->server)->requests == 1) {
        http_server_reply(request, "200 OK", "");
    } else {
        http_server_free(harness->server);
        harness->server = NULL;
    }
}

// The second request reaches it, which ends it; that another connection is refused then changes nothing.
static void reports_a_server_that_goes_when_it_is_asked(void **state) {
    struct client_harness *harness = client_open(answer_or_die, LONG_US);

    (void)state;
    assert_int_equal(client_try(harness), 200);
    assert_int_equal(client_try(harness), 0);
    assert_null(harness->server);
    assert_false(harness->unreached[1]);
    client_close(harness);
}

static void refuses_bad_urls(void **state) {
    static const char *const urls[] = {
        "", "http://", "file:///etc/passwd", "ftp://127.0.0.1/", "http://[::1", "http://127.0.0.1:99999/"};
    struct client_harness *harness = client_open(client_hold, LONG_US);

    (void)state;
    for (int index = 0; index < (int)(sizeof urls / sizeof urls[0]); index++) {
        client_post(harness, urls[index], "x");
        assert_int_equal(harness->answers, index);
        client_await(harness, index + 1);
        assert_int_equal(harness->status[index], 0);
        assert_int_equal(harness->length[index], 0);
    }
    client_close(harness);
}

// What is under way is dropped, and nothing is called afterwards; a sanitizer sees what is not freed.
static void can_be_freed_at_any_time(void **state) {
    struct client_harness *harness = client_open(client_hold, LONG_US);

    (void)state;
    for (int index = 0; index < 2 * CONNECTIONS; index++) {
        client_post(harness, harness->url, "x");
    }
    client_await_waiting(harness, CONNECTIONS);
    http_client_free(harness->client);
    harness->client = NULL;
    loop_settle(harness->base);
    assert_int_equal(harness->answers, 0);
    client_close(harness);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_by_every_method),
        cmocka_unit_test(sends_a_large_body_at_once),
        cmocka_unit_test(sends_what_it_was_given),
        cmocka_unit_test(keeps_the_connection),
        cmocka_unit_test(gives_back_memory_between_requests),
        cmocka_unit_test(keeps_few_connections),
        cmocka_unit_test(passes_every_status_on),
        cmocka_unit_test(follows_no_redirect),
        cmocka_unit_test(caps_the_body),
        cmocka_unit_test(throws_away_what_is_not_to_be_kept),
        cmocka_unit_test(allows_a_larger_body_where_asked),
        cmocka_unit_test(reports_a_lost_answer),
        cmocka_unit_test(gives_up_in_time),
        cmocka_unit_test(waits_for_ever_where_asked_to),
        cmocka_unit_test(reports_a_refused_connection),
        cmocka_unit_test(reports_a_server_that_has_gone),
        cmocka_unit_test(reports_a_server_that_goes_when_it_is_asked),
        cmocka_unit_test(refuses_bad_urls),
        cmocka_unit_test(gives_up_in_the_requests_own_time),
        cmocka_unit_test(can_be_freed_at_any_time),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
