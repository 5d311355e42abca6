// SPDX-License-Identifier: Apache-2.0
// HTTP on the loop: what reaches whoever answers, what reaches the client, and that a crowd keeps nobody out.
#include "admin/address.h"
#include "admin/server.h"
#include "support/loop.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

enum { CROWD = 300, GROUP = 20, ANSWER_SIZE = 4096 };

static struct fixture {
    struct event_base *base;
    struct server *server;
    struct sockaddr_in address;
    int answered;
    char seen[256]; // of the last request
    const char *body;
    size_t limit; // of the answer; 0: as it is
} fixture;

static void on_request(void *context, const struct server_request *request, struct server_reply *reply) {
    struct fixture *test = context;
    test->answered++;
    (void)snprintf(test->seen, sizeof test->seen, "%s %s %s %d", request->method, request->path,
                   request->host != NULL ? request->host : "-", request->verbose);
    reply->body.limit = test->limit > 0 ? test->limit : reply->body.limit;
    buffer_append_text(&reply->body, test->body);
}

static int set_up(void **state) {
    struct address address;
    struct error error = {0};
    socklen_t size = sizeof fixture.address;
    (void)state;
    fixture = (struct fixture){.base = event_base_new(), .body = "body\n"};
    assert_true(address_parse(&address, "127.0.0.1:0", &error));
    int listening = address_listen(&address, &error);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&fixture.address, &size), 0);
    fixture.server = server_new(fixture.base, listening, on_request, &fixture, &error);
    assert_non_null(fixture.server);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    server_free(fixture.server);
    event_base_free(fixture.base);
    return 0;
}

// Fails when the server has not taken others in time, instead of waiting for ever.
static int connect_client(void) {
    const struct timeval patience = {.tv_sec = 5};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(client, (struct sockaddr *)&fixture.address, sizeof fixture.address), 0);
    return client;
}

static bool is_over(void *context) {
    char byte;
    return recv(*(int *)context, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

// The whole answer, which ends with the connection.
static const char *talk(const char *request) {
    static char answer[ANSWER_SIZE];
    size_t length = 0;
    ssize_t count;
    int client = connect_client();
    assert_int_equal(send(client, request, strlen(request), 0), (ssize_t)strlen(request));
    do {
        assert_true(loop_until(fixture.base, is_over, &client));
        count = recv(client, answer + length, sizeof answer - 1 - length, 0);
        length += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    answer[length] = '\0';
    close(client);
    return answer;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static void passes_requests_on(void **state) {
    static const struct {
        const char *request, *seen;
    } cases[] = {
        {"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /livez localhost 0"},
        {"GET /readyz?verbose HTTP/1.1\r\nHost: a:1\r\n\r\n", "GET /readyz a:1 1"},
        {"GET /readyz?verbose=1&x HTTP/1.1\r\nhost: a\r\n\r\n", "GET /readyz a 1"},
        {"GET /readyz?verbos HTTP/1.1\r\nHost: a\r\n\r\n", "GET /readyz a 0"},
        {"GET /%6civez HTTP/1.1\r\nHost: a\r\n\r\n", "GET /livez a 0"},
        {"GET / HTTP/1.0\r\n\r\n", "GET / - 0"},
        {"DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE /x a 0"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        const char *answer = talk(cases[index].request);
        assert_memory_equal(answer, "HTTP/1.", 7);
        assert_true(ends_with(answer, "\r\n\r\nbody\n"));
        assert_string_equal(fixture.seen, cases[index].seen);
    }
}

static void answers_one_request_a_connection(void **state) {
    (void)state;
    const char *answer = talk("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
    assert_int_equal(fixture.answered, 1);
    assert_true(ends_with(talk("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"), "\r\n\r\n"));
}

// The body is announced, and never comes.
static void waits_for_no_body(void **state) {
    (void)state;
    assert_true(
        ends_with(talk("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx"), "\r\n\r\nbody\n"));
    assert_int_equal(fixture.answered, 1);
}

static void takes_answers_without_end_for_failures(void **state) {
    (void)state;
    fixture.limit = 3;
    const char *answer = talk("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_memory_equal(answer, "HTTP/1.1 500 ", 13);
    fixture.limit = 0;
    fixture.body = "";
    answer = talk("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(strstr(answer, "\r\nContent-Length: 0\r\n"));
}

static void is_kept_by_no_crowd(void **state) {
    int crowd[CROWD];
    (void)state;
    for (int index = 0; index < CROWD; index++) {
        crowd[index] = connect_client();
        if (index % GROUP == 0) {
            loop_settle(fixture.base);
        }
    }
    for (int index = 0; index < GROUP; index++) {
        assert_true(ends_with(talk("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"), "\r\n\r\nbody\n"));
    }
    for (int index = 0; index < CROWD; index++) {
        close(crowd[index]);
    }
}

static void closes_what_is_open_when_it_ends(void **state) {
    char byte;
    (void)state;
    int client = connect_client();
    loop_settle(fixture.base);
    server_free(fixture.server);
    fixture.server = NULL;
    assert_true(recv(client, &byte, 1, 0) <= 0);
    close(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(passes_requests_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_one_request_a_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_no_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_answers_without_end_for_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_kept_by_no_crowd, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closes_what_is_open_when_it_ends, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
