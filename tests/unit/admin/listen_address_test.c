// SPDX-License-Identifier: Apache-2.0
// OUTBOX_LISTEN: how it is written, where it leads, and which Host it answers to.
#include "admin/address.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static struct address parse(const char *text) {
    struct address address;
    struct error error = {0};
    if (!address_parse(&address, text, &error)) {
        fail_msg("%s", error.text);
    }
    return address;
}

static void takes_addresses(void **state) {
    static const struct {
        const char *text, *host;
        int port;
        bool loopback, all;
        const char *url;
    } cases[] = {
        {"127.0.0.1:9465", "127.0.0.1", 9465, true, false, "http://127.0.0.1:9465/livez"},
        {"127.8.9.10:1", "127.8.9.10", 1, true, false, "http://127.8.9.10:1/livez"},
        {"LocalHost:80", "127.0.0.1", 80, true, false, "http://127.0.0.1:80/livez"},
        {"[::1]:65535", "::1", 65535, true, false, "http://[::1]:65535/livez"},
        {"[::ffff:127.0.0.1]:7", "::ffff:127.0.0.1", 7, true, false, "http://[::ffff:127.0.0.1]:7/livez"},
        {"10.1.2.3:0", "10.1.2.3", 0, false, false, "http://10.1.2.3:0/livez"},
        {"[2001:db8::1]:8080", "2001:db8::1", 8080, false, false, "http://[2001:db8::1]:8080/livez"},
        {":9465", "", 9465, false, true, "http://127.0.0.1:9465/livez"},
        {"0.0.0.0:9465", "0.0.0.0", 9465, false, true, "http://127.0.0.1:9465/livez"},
        {"[::]:9465", "::", 9465, false, true, "http://[::1]:9465/livez"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct address address = parse(cases[index].text);
        char url[ADDRESS_URL_SIZE];
        assert_false(address.off);
        assert_string_equal(address.host, cases[index].host);
        assert_int_equal(address.port, cases[index].port);
        assert_int_equal(address.loopback, cases[index].loopback);
        assert_int_equal(address.all, cases[index].all);
        address_url(&address, "/livez", url);
        assert_string_equal(url, cases[index].url);
    }
    assert_true(parse("off").off);
    assert_true(parse("OFF").off);
}

static void says_what_is_wrong(void **state) {
    static const struct {
        const char *text, *rule;
    } cases[] = {
        {"", "the port is missing"},
        {"9465", "the port is missing"},
        {"127.0.0.1", "the port is missing"},
        {"[::1]", "the port is missing"},
        {"[::1", "the port is missing"},
        {"[::1]9465", "the port is missing"},
        {"127.0.0.1:", "the port must be a number"},
        {"127.0.0.1:x", "the port must be a number"},
        {"127.0.0.1:-1", "the port must be a number"},
        {"127.0.0.1: 80", "the port must be a number"},
        {"127.0.0.1:65536", "the port must be a number"},
        {"127.0.0.1:000080", "the port must be a number"},
        {"::1:9465", "must be in brackets"},
        {"[127.0.0.1]:80", "no IPv6 address"},
        {"[]:80", "no IPv6 address"},
        {"[fe80::1%lo]:80", "no IPv6 address"},
        {"127.1:80", "must be an address or localhost"},
        {"relay.example:80", "must be an address or localhost"},
        {"http://127.0.0.1:80", "must be in brackets"},
        {"offf", "the port is missing"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct address address;
        struct error error = {0};
        assert_false(address_parse(&address, cases[index].text, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, cases[index].rule));
        assert_non_null(strstr(error.text, "OUTBOX_LISTEN (--listen) is \""));
        assert_non_null(strstr(error.text, "write 127.0.0.1:9465"));
    }
}

static void bounds_what_is_long(void **state) {
    char text[3000];
    struct address address;
    struct error error = {0};

    (void)state;
    memset(text, '1', sizeof text);
    memcpy(text + sizeof text - 4, ":80", 4);
    assert_false(address_parse(&address, text, &error));
    assert_true(strlen(error.text) < 400);
    address = parse("127.0.0.1:1");
    assert_false(address_answers_to(&address, text));
}

static void answers_on_loopback_to_its_names(void **state) {
    static const char *const ours[] = {"localhost",    "LOCALHOST:9465", "localhost:1", "127.0.0.1",
                                       "127.3.2.1:80", "[::1]:9465",     "[::1]"};
    static const char *const others[] = {"",
                                         "evil.example",
                                         "evil.example:9465",
                                         "localhost.evil.example",
                                         "localhost:9465.evil.example",
                                         "127.0.0.1.evil.example",
                                         "127.0.0.1:9465@evil.example",
                                         "evil.example:80:80",
                                         "127.1:9465",
                                         "2130706433",
                                         "10.0.0.1:9465",
                                         "::1",
                                         "::1:80",
                                         "[::1",
                                         "[::2]:9465",
                                         "[localhost]:80",
                                         "[127.0.0.1]:80",
                                         "localhost:",
                                         "localhost:x",
                                         " localhost",
                                         "localhost:80 "};
    static const char *const loopbacks[] = {"127.0.0.1:9465", "[::1]:9465", "localhost:0"};

    (void)state;
    for (size_t where = 0; where < sizeof loopbacks / sizeof loopbacks[0]; where++) {
        struct address address = parse(loopbacks[where]);
        for (size_t index = 0; index < sizeof ours / sizeof ours[0]; index++) {
            assert_true(address_answers_to(&address, ours[index]));
        }
        for (size_t index = 0; index < sizeof others / sizeof others[0]; index++) {
            assert_false(address_answers_to(&address, others[index]));
        }
        assert_true(address_answers_to(&address, NULL));
    }
}

static void answers_elsewhere_to_any_name(void **state) {
    static const char *const open[] = {":9465", "0.0.0.0:9465", "[::]:9465", "10.0.0.1:9465"};

    (void)state;
    for (size_t index = 0; index < sizeof open / sizeof open[0]; index++) {
        struct address address = parse(open[index]);
        assert_true(address_answers_to(&address, "relay.shop.svc.cluster.local:9465"));
        assert_true(address_answers_to(&address, NULL));
    }
}

static void listens_and_says_who_is_in_the_way(void **state) {
    struct address address = parse("127.0.0.1:0");
    struct error error = {0};
    char text[ADDRESS_TEXT_SIZE];

    (void)state;
    int first = address_listen(&address, &error);
    assert_true(first >= 0);
    address_of_socket(first, text);
    address = parse(text);
    assert_true(address.port > 0);
    assert_int_equal(address_listen(&address, &error), -1);
    assert_int_equal(error.code, ERROR_USAGE);
    assert_non_null(strstr(error.text, text));
    assert_non_null(strstr(error.text, "another relay, listens there; set OUTBOX_LISTEN (--listen)"));
    close(first);

    address = parse("192.0.2.1:0"); // of documentation only, RFC 5737
    assert_int_equal(address_listen(&address, &error), -1);
    assert_non_null(strstr(error.text, "no interface of this machine"));

    address = parse(":0");
    first = address_listen(&address, &error);
    assert_true(first >= 0);
    address_of_socket(first, text);
    assert_true(strncmp(text, "[::]:", 5) == 0 || strncmp(text, "0.0.0.0:", 8) == 0);
    close(first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_addresses),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(bounds_what_is_long),
        cmocka_unit_test(answers_on_loopback_to_its_names),
        cmocka_unit_test(answers_elsewhere_to_any_name),
        cmocka_unit_test(listens_and_says_who_is_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
