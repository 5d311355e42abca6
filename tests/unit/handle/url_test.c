// SPDX-License-Identifier: Apache-2.0
// Which URLs may be handlers.
#include "handle/runner.h"
#include "handle/url.h"

#include <stdio.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void takes_http_and_https(void **state) {
    static const struct {
        const char *url, *host;
    } cases[] = {
        {"http://localhost:8080/events", "localhost"},
        {"https://shop.example.com", "shop.example.com"},
        {"HTTPS://shop.example.com/a?b=c&d=%20", "shop.example.com"},
        {"http://[::1]:8080/", "[::1]"},
        {"http://app/people/@me", "app"},
        {"http://0x7f000001/", "127.0.0.1"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        char host[URL_HOST_SIZE];
        struct error error = {0};
        assert_true(http_runner_check(cases[index].url, &error));
        url_host(cases[index].url, host);
        assert_string_equal(host, cases[index].host);
    }
    assert_true(url_is_plain("HTTP://app/"));
    assert_false(url_is_plain("https://app/"));
}

static void refuses_everything_else(void **state) {
    static const struct {
        const char *url, *reason;
    } cases[] = {
        {"", "the URL (not shown: it can hold a secret): it must begin with http:// or https://"},
        {"hooks.example/hunter2", "it must begin with"},
        {"ftp://localhost/", "it must begin with"},
        {"http:/localhost/", "it must begin with"},
        {"http://", "it names no host"},
        {"http:///localhost/", "it names no host"},
        {"http://?x", "it names no host"},
        {"http:///user:hunter2@localhost/", "it names no host"},
        {"http://user:hunter2@localhost/", "it must name no user and no password"},
        {"http://hunter2@localhost/", "it must name no user and no password"},
        {"http://@localhost/", "it must name no user and no password"},
        {"http://localhost\\user:hunter2@localhost/", "it must name no user and no password"},
        {"ftp://user:hunter2@localhost/", "(not shown: it holds an @)"},
        {"http://user:hunter2/hunter2@localhost/#x", "(not shown: it holds an @)"},
        {"https://hooks.example:8443/hunter2?token=hunter2#part",
         "the URL at \"https://hooks.example:8443\": it must have no fragment"},
        {"https://hooks.example?hunter2#part", "the URL at \"https://hooks.example\": it must have no"},
        {"https://hooks.example\\hunter2", "the URL at \"https://hooks.example\": "},
        {"http://localhost/a b", "byte 0x20 at position 19"},
        {"http://localhost/\r\nX-Other: 1", "byte 0x0d at position 18"},
        {"http://localhost/\x7f", "byte 0x7f at position 18"},
        {"http://gr\xc3\xbcn.example/", "byte 0xc3 at position 10"},
        {"http://localhost:99999/hunter2", "port"},
        {"http://[::1/", "the URL at \"http://[::1\": "},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct error error = {0};
        assert_false(http_runner_check(cases[index].url, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strcasestr(error.text, cases[index].reason));
        assert_null(strstr(error.text, "hunter2"));
    }
}

static void shows_no_more_than_its_origin(void **state) {
    static const struct {
        const char *url, *origin;
    } cases[] = {
        {"https://hooks.example/services/T/B/hunter2", "https://hooks.example"},
        {"HTTP://localhost:8080?token=hunter2", "HTTP://localhost:8080"},
        {"http://[::1]:8080/", "http://[::1]:8080"},
        {"http://app/people/@me", "http://app"},
        {"https://app", "https://app"},
        {"https://user:hunter2@app/", ""},
        {"/login/hunter2", ""},
        {"", ""},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct slice origin = url_origin(cases[index].url);
        assert_int_equal(origin.length, strlen(cases[index].origin));
        assert_memory_equal(origin.data, cases[index].origin, origin.length);
    }
}

static void has_an_end(void **state) {
    char url[2051];
    struct error error = {0};

    (void)state;
    memset(url, 'a', sizeof url);
    memcpy(url, "http://app/", 11);
    url[2048] = '\0';
    assert_true(http_runner_check(url, &error));
    url[2048] = 'a';
    url[2049] = '\0';
    assert_false(http_runner_check(url, &error));
    assert_string_equal(error.text, "the URL has 2049 bytes; it may have 2048");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_http_and_https),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(shows_no_more_than_its_origin),
        cmocka_unit_test(has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
