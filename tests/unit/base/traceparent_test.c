// SPDX-License-Identifier: Apache-2.0
// Which traceparents are sent on.
#include "base/traceparent.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void takes_what_w3c_allows(void **state) {
    static const char *const valid[] = {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                        "00-00000000000000000000000000000001-0000000000000001-00",
                                        "fe-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff"};

    (void)state;
    for (size_t index = 0; index < sizeof valid / sizeof valid[0]; index++) {
        assert_true(traceparent_is_valid(slice_of_text(valid[index])));
    }
}

static void takes_nothing_else(void **state) {
    static const char *const invalid[] = {
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\n",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7\r01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };

    (void)state;
    for (size_t index = 0; index < sizeof invalid / sizeof invalid[0]; index++) {
        assert_false(traceparent_is_valid(slice_of_text(invalid[index])));
    }
    assert_false(traceparent_is_valid((struct slice){NULL, 0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_w3c_allows),
        cmocka_unit_test(takes_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
