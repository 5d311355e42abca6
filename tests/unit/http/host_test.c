// SPDX-License-Identifier: Apache-2.0
// Which hosts are this machine itself.
#include "http/host.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void knows_this_machine(void **state) {
    static const char *const hosts[] = {"localhost", "LocalHost", "127.0.0.1",      "127.255.255.255",
                                        "::1",       "[::1]",     "0:0:0:0:0:0:0:1"};

    (void)state;
    for (size_t index = 0; index < sizeof hosts / sizeof hosts[0]; index++) {
        assert_true(host_is_loopback(hosts[index]));
    }
}

static void takes_no_other_for_it(void **state) {
    static const char *const hosts[] = {"",
                                        "[",
                                        "[]",
                                        "[::1",
                                        "::2",
                                        "[::2]",
                                        "0.0.0.0",
                                        "126.255.255.255",
                                        "128.0.0.1",
                                        "127.0.0.1.example.com",
                                        "localhost.example.com",
                                        "localhosts",
                                        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]",
                                        "example.com"};

    (void)state;
    for (size_t index = 0; index < sizeof hosts / sizeof hosts[0]; index++) {
        assert_false(host_is_loopback(hosts[index]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_this_machine),
        cmocka_unit_test(takes_no_other_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
