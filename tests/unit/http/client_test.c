// SPDX-License-Identifier: Apache-2.0
// The HTTP client against a scripted server: one answer for each request whatever happens, connections kept
// and bounded, bodies capped.
#include "http/client.h"
#include "support/http_server.h"
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

enum { ANSWERS_MAX = 64, BODY_CAP = 1 << 20, CONNECTIONS = 3, LONG_US = 60000000, SHORT_US = 50000 };

struct fixture {
    struct event_base *base;
    struct http_server *server;
    struct http_client *client;
    char url[64];
    int expected; // answers to wait for
    int answers;
    int status[ANSWERS_MAX];
    size_t length[ANSWERS_MAX];
    char body[ANSWERS_MAX][64];
    char failure[ANSWERS_MAX][128];
    int waiting_goal;
};

static void on_answer(void *context, const struct http_answer *answer) {
    struct fixture *fixture = context;
    int index = fixture->answers++;

    assert_true(index < ANSWERS_MAX);
    assert_true((answer->status == 0) == (answer->failure != NULL));
    fixture->status[index] = answer->status;
    fixture->length[index] = answer->body.length;
    snprintf(fixture->body[index], sizeof fixture->body[index], "%.*s", (int)answer->body.length,
             answer->body.length < 64 ? answer->body.data : "");
    snprintf(fixture->failure[index], sizeof fixture->failure[index], "%s",
             answer->failure != NULL ? answer->failure : "");
}

static void hold(void *context, struct http_received *request) {
    (void)context;
    (void)request;
}

static void echo(void *context, struct http_received *request) {
    (void)context;
    http_server_reply(request, "200 OK", request->body);
}

static struct fixture *open_trusting(http_server_handler *handler, int64_t timeout_us,
                                     const char *ca_bundle) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct http_options options = {
        .ca_bundle = ca_bundle, .timeout_us = timeout_us, .connections = CONNECTIONS};

    fixture->base = event_base_new();
    fixture->server = http_server_new(fixture->base, handler, fixture);
    fixture->client = http_client_new(fixture->base, &options, NULL);
    assert_non_null(fixture->client);
    snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%d/", http_server_port(fixture->server));
    return fixture;
}

static struct fixture *open_fixture(http_server_handler *handler, int64_t timeout_us) {
    return open_trusting(handler, timeout_us, "");
}

static void close_fixture(struct fixture *fixture) {
    http_client_free(fixture->client);
    if (fixture->server != NULL) {
        http_server_free(fixture->server);
    }
    event_base_free(fixture->base);
    free(fixture);
}

static void post(struct fixture *fixture, const char *url, const char *body) {
    const struct http_request request = {.url = url,
                                         .headers = {"Content-Type: text/plain", "X-Test: yes", "Expect:"},
                                         .body = slice_of_text(body),
                                         .done = on_answer,
                                         .context = fixture};
    http_send(fixture->client, &request);
}

static bool all_answered(void *context) {
    const struct fixture *fixture = context;
    return fixture->answers >= fixture->expected;
}

static void await(struct fixture *fixture, int expected) {
    fixture->expected = expected;
    assert_true(loop_until(fixture->base, all_answered, fixture));
    loop_settle(fixture->base);
    assert_int_equal(fixture->answers, expected); // and not one more
}

static void sends_what_it_was_given(void **state) {
    struct fixture *fixture = open_fixture(echo, LONG_US);
    char value[64];

    (void)state;
    post(fixture, fixture->url, "hello");
    assert_int_equal(fixture->answers, 0); // never before the caller is back
    await(fixture, 1);
    struct http_received *request = http_server_requests(fixture->server);
    assert_int_equal(strncmp(request->head, "POST / HTTP/1.1\r\n", 17), 0);
    assert_string_equal(request->body, "hello");
    http_server_header(request, "content-type", value, sizeof value);
    assert_string_equal(value, "text/plain");
    http_server_header(request, "x-test", value, sizeof value);
    assert_string_equal(value, "yes");
    assert_int_equal(fixture->status[0], 200);
    assert_string_equal(fixture->body[0], "hello");
    close_fixture(fixture);
}

static void keeps_the_connection(void **state) {
    struct fixture *fixture = open_fixture(echo, LONG_US);

    (void)state;
    for (int count = 1; count <= 20; count++) {
        post(fixture, fixture->url, "again");
        await(fixture, count);
        assert_int_equal(fixture->status[count - 1], 200);
    }
    assert_int_equal(http_server_counts(fixture->server)->requests, 20);
    assert_int_equal(http_server_counts(fixture->server)->accepted, 1);
    close_fixture(fixture);
}

static bool enough_wait(void *context) {
    const struct fixture *fixture = context;
    return http_server_counts(fixture->server)->waiting >= fixture->waiting_goal;
}

// Twelve requests on three connections: the server sees never more than three, and all are answered.
static void bounds_the_connections(void **state) {
    enum { REQUESTS = 12 };
    struct fixture *fixture = open_fixture(hold, LONG_US);
    char bodies[REQUESTS][8];

    (void)state;
    for (int index = 0; index < REQUESTS; index++) {
        snprintf(bodies[index], sizeof bodies[index], "%d", index);
        post(fixture, fixture->url, bodies[index]);
    }
    struct http_received *request = NULL;
    for (int index = 0; index < REQUESTS; index++) {
        fixture->waiting_goal = REQUESTS - index < CONNECTIONS ? REQUESTS - index : CONNECTIONS;
        assert_true(loop_until(fixture->base, enough_wait, fixture));
        request = request == NULL ? http_server_requests(fixture->server) : request->next;
        http_server_reply(request, "200 OK", request->body);
        await(fixture, index + 1);
        assert_string_equal(fixture->body[index], request->body);
    }
    assert_int_equal(http_server_counts(fixture->server)->most_waiting, CONNECTIONS);
    assert_int_equal(http_server_counts(fixture->server)->most_open, CONNECTIONS);
    assert_int_equal(http_server_counts(fixture->server)->accepted, CONNECTIONS);
    close_fixture(fixture);
}

static void passes_every_status_on(void **state) {
    static const char *const statuses[] = {"400 Bad Request", "403 Forbidden", "500 Error", "503 Busy"};
    static const int numbers[] = {400, 403, 500, 503};
    struct fixture *fixture = open_fixture(hold, LONG_US);

    (void)state;
    struct http_received *request = NULL;
    for (int index = 0; index < 4; index++) {
        post(fixture, fixture->url, "x");
        fixture->waiting_goal = 1;
        assert_true(loop_until(fixture->base, enough_wait, fixture));
        request = request == NULL ? http_server_requests(fixture->server) : request->next;
        http_server_reply(request, statuses[index], "no");
        await(fixture, index + 1);
        assert_int_equal(fixture->status[index], numbers[index]);
        assert_string_equal(fixture->body[index], "no");
    }
    close_fixture(fixture);
}

static void redirect(void *context, struct http_received *request) {
    static const char text[] = "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n";

    (void)context;
    http_server_reply_raw(request, text, sizeof text - 1, false);
}

static void follows_no_redirect(void **state) {
    struct fixture *fixture = open_fixture(redirect, LONG_US);

    (void)state;
    post(fixture, fixture->url, "x");
    await(fixture, 1);
    assert_int_equal(fixture->status[0], 302);
    assert_int_equal(http_server_counts(fixture->server)->requests, 1);
    close_fixture(fixture);
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
    struct fixture *fixture = open_fixture(reply_large, LONG_US);
    char length[16];

    (void)state;
    snprintf(length, sizeof length, "%d", BODY_CAP);
    post(fixture, fixture->url, length);
    await(fixture, 1);
    assert_int_equal(fixture->status[0], 200);
    assert_int_equal(fixture->length[0], BODY_CAP);
    snprintf(length, sizeof length, "%d", BODY_CAP + 1);
    post(fixture, fixture->url, length);
    await(fixture, 2);
    assert_int_equal(fixture->status[1], 0);
    assert_int_equal(fixture->length[1], 0);
    assert_true(fixture->failure[1][0] != '\0');
    post(fixture, fixture->url, "5"); // the transfer object is as good as new
    await(fixture, 3);
    assert_string_equal(fixture->body[2], "xxxxx");
    close_fixture(fixture);
}

static void reply_half(void *context, struct http_received *request) {
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";

    (void)context;
    http_server_reply_raw(request, half, strcmp(request->body, "half") == 0 ? sizeof half - 1 : 0, true);
}

static void reports_a_lost_answer(void **state) {
    static const char *const bodies[] = {"half", "none"};
    struct fixture *fixture = open_fixture(reply_half, LONG_US);

    (void)state;
    for (int index = 0; index < 2; index++) {
        post(fixture, fixture->url, bodies[index]);
        await(fixture, index + 1);
        assert_int_equal(fixture->status[index], 0);
        assert_true(fixture->failure[index][0] != '\0');
    }
    close_fixture(fixture);
}

static void gives_up_in_time(void **state) {
    struct fixture *fixture = open_fixture(hold, SHORT_US);

    (void)state;
    post(fixture, fixture->url, "x");
    await(fixture, 1);
    assert_int_equal(fixture->status[0], 0);
    assert_non_null(strstr(fixture->failure[0], "timed out"));
    close_fixture(fixture);
}

static void reports_a_refused_connection(void **state) {
    struct fixture *fixture = open_fixture(hold, LONG_US);

    (void)state;
    http_server_free(fixture->server);
    fixture->server = NULL;
    post(fixture, fixture->url, "x");
    await(fixture, 1);
    assert_int_equal(fixture->status[0], 0);
    assert_true(fixture->failure[0][0] != '\0');
    close_fixture(fixture);
}

static void refuses_bad_urls(void **state) {
    static const char *const urls[] = {
        "", "http://", "file:///etc/passwd", "ftp://127.0.0.1/", "http://[::1", "http://127.0.0.1:99999/"};
    struct fixture *fixture = open_fixture(hold, LONG_US);

    (void)state;
    for (int index = 0; index < (int)(sizeof urls / sizeof urls[0]); index++) {
        post(fixture, urls[index], "x");
        assert_int_equal(fixture->answers, index);
        await(fixture, index + 1);
        assert_int_equal(fixture->status[index], 0);
        assert_int_equal(fixture->length[index], 0);
    }
    close_fixture(fixture);
}

// Nothing is sent to whom cannot be verified, not even when there is nothing to verify with.
static void needs_its_certificates(void **state) {
    struct fixture *fixture = open_trusting(hold, LONG_US, "/dev/null");
    char url[64];

    (void)state;
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", http_server_port(fixture->server));
    post(fixture, url, "x");
    await(fixture, 1);
    assert_int_equal(fixture->status[0], 0);
    assert_non_null(strstr(fixture->failure[0], "/dev/null"));
    close_fixture(fixture);
}

static void says_which_bundle_cannot_be_read(void **state) {
    const struct http_options options = {
        .ca_bundle = "/nonexistent/bundle.pem", .timeout_us = LONG_US, .connections = CONNECTIONS};
    struct event_base *base = event_base_new();
    struct error error = {0};

    (void)state;
    assert_null(http_client_new(base, &options, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.text, "/nonexistent/bundle.pem"));
    event_base_free(base);
}

// What is under way is dropped, and nothing is called afterwards; a sanitizer sees what is not freed.
static void can_be_freed_at_any_time(void **state) {
    struct fixture *fixture = open_fixture(hold, LONG_US);

    (void)state;
    for (int index = 0; index < 2 * CONNECTIONS; index++) {
        post(fixture, fixture->url, "x");
    }
    fixture->waiting_goal = CONNECTIONS;
    assert_true(loop_until(fixture->base, enough_wait, fixture));
    http_client_free(fixture->client);
    fixture->client = NULL;
    loop_settle(fixture->base);
    assert_int_equal(fixture->answers, 0);
    close_fixture(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_what_it_was_given),
        cmocka_unit_test(keeps_the_connection),
        cmocka_unit_test(bounds_the_connections),
        cmocka_unit_test(passes_every_status_on),
        cmocka_unit_test(follows_no_redirect),
        cmocka_unit_test(caps_the_body),
        cmocka_unit_test(reports_a_lost_answer),
        cmocka_unit_test(gives_up_in_time),
        cmocka_unit_test(reports_a_refused_connection),
        cmocka_unit_test(refuses_bad_urls),
        cmocka_unit_test(needs_its_certificates),
        cmocka_unit_test(can_be_freed_at_any_time),
        cmocka_unit_test(says_which_bundle_cannot_be_read),
    };
    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
