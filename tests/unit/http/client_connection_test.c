// SPDX-License-Identifier: Apache-2.0
// Whom the HTTP client connects to: any of the addresses behind a name, a proxy or none; and how long it
// tries.
#include "support/client_harness.h"
#include "support/loop.h"
#include "support/names.h"

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

enum { CONNECT_US = 2000000 };

static void echo_and_close(void *context, struct http_received *request) {
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    (void)context;
    http_server_reply_raw(request, text, sizeof text - 1, true);
}

// Servers on all addresses of many.test but the first, which is the harness's own.
struct others {
    struct http_server *servers[NAMES_MANY - 1];
};

static struct others start_others(struct client_harness *harness, http_server_handler *handler) {
    struct others others;
    int port = http_server_port(harness->server);

    for (int index = 0; index < NAMES_MANY - 1; index++) {
        char address[16];
        snprintf(address, sizeof address, "127.0.0.%d", index + 2);
        others.servers[index] = http_server_new_at(harness->base, address, port, handler, harness);
        assert_non_null(others.servers[index]);
    }
    snprintf(harness->url, sizeof harness->url, "http://many.test:%d/", port);
    return others;
}

static void stop(struct others *others) {
    for (int index = 0; index < NAMES_MANY - 1; index++) {
        http_server_free(others->servers[index]);
    }
}

// Forty connections would go to fewer than all four addresses once in 25000 runs; to one, never.
static void spreads_connections_over_the_addresses(void **state) {
    struct client_harness *harness = client_open(echo_and_close, LONG_US);
    struct others others = start_others(harness, echo_and_close);
    int asked = names_asked();

    (void)state;
    for (int count = 0; count < 40; count++) {
        assert_int_equal(client_try(harness), 200);
    }
    int used = http_server_counts(harness->server)->requests > 0;
    for (int index = 0; index < NAMES_MANY - 1; index++) {
        used += http_server_counts(others.servers[index])->requests > 0;
    }
    assert_in_range(used, 2, NAMES_MANY);
    assert_int_equal(names_asked() - asked, 40); // a name that moves is followed by the next connection
    stop(&others);
    client_close(harness);
}

static void keeps_a_connection_to_a_name(void **state) {
    struct client_harness *harness = client_open(client_echo, LONG_US);
    struct others others = start_others(harness, client_echo);
    int asked = names_asked();
    int accepted = 0;

    (void)state;
    for (int count = 0; count < 40; count++) {
        assert_int_equal(client_try(harness), 200);
    }
    for (int index = 0; index < NAMES_MANY - 1; index++) {
        accepted += http_server_counts(others.servers[index])->accepted;
    }
    assert_int_equal(accepted + http_server_counts(harness->server)->accepted, 1);
    assert_int_equal(names_asked() - asked, 1);
    stop(&others);
    client_close(harness);
}

// Each address gets half of the time that is left; libcurl 7.88 waits for that even where it is refused.
static void passes_over_addresses_that_are_dead(void **state) {
    enum { TRIES = 3 };
    struct client_harness *harness = client_open(echo_and_close, LONG_US);

    (void)state;
    snprintf(harness->url, sizeof harness->url, "http://many.test:%d/", http_server_port(harness->server));
    for (int count = 0; count < TRIES; count++) {
        client_send(harness, (struct http_request){.url = harness->url, .connect_timeout_us = CONNECT_US});
    }
    client_await(harness, TRIES);
    for (int count = 0; count < TRIES; count++) {
        assert_int_equal(harness->status[count], 200);
    }
    client_close(harness);
}

// Nobody else can be served while a lookup blocks: the request that waits for it is given up alone.
static void gives_up_a_lookup_in_time(void **state) {
    struct client_harness *harness = client_open(client_echo, LONG_US);
    const struct http_request request = {
        .method = HTTP_GET, .url = "http://silent.test/", .connect_timeout_us = SHORT_US};

    (void)state;
    client_send(harness, request);
    client_await(harness, 1);
    assert_int_equal(harness->status[0], 0);
    assert_true(harness->unreached[0]);
    assert_true(names_waiting());
    client_send(harness, request);
    loop_settle(harness->base);
    client_close(harness); // nor does the end wait for it
    assert_true(names_waiting());
    names_release();
}

static void says_which_name_is_unknown(void **state) {
    struct client_harness *harness = client_open(client_echo, LONG_US);

    (void)state;
    client_post(harness, "http://unknown.test/", "x");
    client_await(harness, 1);
    assert_int_equal(harness->status[0], 0);
    assert_non_null(strstr(harness->failure[0], "unknown.test"));
    assert_true(harness->unreached[0]);
    client_close(harness);
}

// A socket whose queue of connections is full answers nobody.
static int listen_deaf(int *ret_filler) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *ret_filler = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(*ret_filler, (struct sockaddr *)&address, length), 0);
    return listener;
}

static int port_of(int listener) {
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void gives_up_a_connection_in_its_own_time(void **state) {
    static const struct http_request times[] = {
        {.connect_timeout_us = SHORT_US},                        // of a long request
        {.timeout_us = SHORT_US, .connect_timeout_us = LONG_US}, // never longer than the request
        {.timeout_us = 1, .connect_timeout_us = 1},              // and none is without end
    };
    struct client_harness *harness = client_open(client_echo, LONG_US);
    int filler;
    int listener = listen_deaf(&filler);
    char url[64];

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port_of(listener));
    for (size_t index = 0; index < sizeof times / sizeof times[0]; index++) {
        struct http_request request = times[index];
        request.url = url;
        client_send(harness, request);
        client_await(harness, (int)index + 1);
        assert_int_equal(harness->status[index], 0);
        assert_non_null(strcasestr(harness->failure[index], "time"));
        assert_true(harness->unreached[index]);
    }
    close(filler);
    close(listener);
    client_close(harness);
}

static void set_proxy(const char *variable, const struct client_harness *harness) {
    char proxy[96];
    snprintf(proxy, sizeof proxy, "http://user:pass-word@127.0.0.1:%d", http_server_port(harness->server));
    setenv(variable, proxy, 1);
}

static int clear_proxies(void **state) {
    static const char *const variables[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                            "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    (void)state;
    for (size_t index = 0; index < sizeof variables / sizeof variables[0]; index++) {
        unsetenv(variables[index]);
    }
    return 0;
}

// What the proxy was asked first: nothing reaches elsewhere.test by itself.
static void assert_asks_proxy(struct client_harness *harness, const char *url, const char *request_line) {
    char credentials[64];

    client_post(harness, url, "x");
    client_await(harness, 1);
    struct http_received *request = http_server_requests(harness->server);
    assert_non_null(request);
    assert_int_equal(strncmp(request->head, request_line, strlen(request_line)), 0);
    http_server_header(request, "Proxy-Authorization", credentials, sizeof credentials);
    assert_string_equal(credentials, "Basic dXNlcjpwYXNzLXdvcmQ=");
    client_close(harness);
}

static void asks_the_proxy_of_the_environment(void **state) {
    static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

    for (size_t index = 0; index < sizeof variables / sizeof variables[0]; index++) {
        struct client_harness *harness = client_open(echo_and_close, LONG_US);
        clear_proxies(state);
        set_proxy(variables[index], harness);
        assert_asks_proxy(harness, "https://elsewhere.test/", "CONNECT elsewhere.test:443 HTTP/1.1\r\n");
    }
    struct client_harness *harness = client_open(echo_and_close, LONG_US);
    clear_proxies(state);
    set_proxy("http_proxy", harness);
    assert_asks_proxy(harness, "http://elsewhere.test/", "POST http://elsewhere.test/ HTTP/1.1\r\n");
}

static void leaves_out_the_proxy_where_it_is_told(void **state) {
    static const char *const excluded[] = {"127.0.0.1", "10.0.0.0/8,127.0.0.0/8", "*"};

    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    for (size_t index = 0; index < sizeof excluded / sizeof excluded[0]; index++) {
        struct client_harness *harness = client_open(client_echo, LONG_US);
        setenv(index == 0 ? "NO_PROXY" : "no_proxy", excluded[index], 1);
        assert_int_equal(client_try(harness), 200);
        client_close(harness);
    }
}

// A request that is `direct` leaves nothing behind for the next one on its handle.
static void goes_directly_when_asked(void **state) {
    struct client_harness *harness = client_open(client_echo, LONG_US);

    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    for (int count = 0; count < 2; count++) {
        client_send(harness, (struct http_request){.url = harness->url, .direct = true});
        client_await(harness, 2 * count + 1);
        assert_int_equal(harness->status[2 * count], 200);
        assert_int_equal(client_try(harness), 0);
    }
    client_close(harness);
}

static void refuse_as_proxy(void *context, struct http_received *request) {
    static const char *const answers[] = {
        "HTTP/1.1 407 Proxy Authentication Required\r\nX-Test: proxy\r\nContent-Length: 4\r\n\r\nno!\n",
        "HTTP/1.1 502 Bad Gateway\r\nX-Test: proxy\r\nContent-Length: 4\r\n\r\nno!\n"};
    const struct client_harness *harness = context;
    const char *answer = answers[harness->answers];
    http_server_reply_raw(request, answer, strlen(answer), true);
}

// A page of the proxy is no answer, and its password stands in no text.
static void takes_no_word_of_a_proxy_for_an_answer(void **state) {
    struct client_harness *harness = client_open(refuse_as_proxy, LONG_US);

    (void)state;
    set_proxy("https_proxy", harness);
    for (int index = 0; index < 2; index++) {
        client_post(harness, "https://elsewhere.test/", "x");
        client_await(harness, index + 1);
        assert_int_equal(harness->status[index], 0);
        assert_int_equal(harness->length[index], 0);
        assert_string_equal(harness->header[index], "");
        assert_non_null(strstr(harness->failure[index], index == 0 ? "407" : "502"));
        assert_null(strstr(harness->failure[index], "pass-word"));
        assert_true(harness->unreached[index]);
    }
    client_close(harness);
}

#define TEST(name) cmocka_unit_test_setup(name, clear_proxies)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(spreads_connections_over_the_addresses),
        TEST(keeps_a_connection_to_a_name),
        TEST(passes_over_addresses_that_are_dead),
        TEST(gives_up_a_lookup_in_time),
        TEST(says_which_name_is_unknown),
        TEST(gives_up_a_connection_in_its_own_time),
        TEST(asks_the_proxy_of_the_environment),
        TEST(leaves_out_the_proxy_where_it_is_told),
        TEST(goes_directly_when_asked),
        TEST(takes_no_word_of_a_proxy_for_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
