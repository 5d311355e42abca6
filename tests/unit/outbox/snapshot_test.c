// SPDX-License-Identifier: Apache-2.0
// Tests of the snapshots of outbox/scan.h.
#include "base/buffer.h"
#include "outbox/scan.h"

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void a_quiet_server(void **state) {
    (void)state;
    struct snapshot snapshot;
    assert_true(snapshot_parse(&snapshot, "726:726::727"));
    assert_int_equal(snapshot.xmax, 726);
    assert_int_equal(snapshot.next, 727);
    assert_int_equal(snapshot.running_count, 0);
    snapshot_free(&snapshot);
}

static void running_transactions_and_the_largest_ids(void **state) {
    (void)state;
    struct snapshot snapshot;
    assert_true(
        snapshot_parse(&snapshot, "3:18446744073709551615:3,18446744073709551614:18446744073709551615"));
    assert_true(snapshot.xmax == UINT64_MAX && snapshot.next == UINT64_MAX);
    assert_int_equal(snapshot.running_count, 2);
    assert_true(snapshot.running[0] == 3 && snapshot.running[1] == UINT64_MAX - 1);
    snapshot_free(&snapshot);
    assert_null(snapshot.running);
    assert_int_equal(snapshot.xmax, 0);
}

static void xmin_may_be_below_the_first_that_is_listed(void **state) {
    (void)state;
    struct snapshot snapshot;
    assert_true(snapshot_parse(&snapshot, "5:10:7:10"));
    assert_int_equal(snapshot.running[0], 7);
    snapshot_free(&snapshot);
}

static void as_many_as_there_are(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    struct snapshot snapshot;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "0:10000:");
    for (int index = 0; index < COUNT; index++) {
        buffer_append_format(&text, index > 0 ? ",%d" : "%d", index * 2);
    }
    buffer_append_text(&text, ":10000");
    assert_true(snapshot_parse(&snapshot, buffer_text(&text)));
    assert_int_equal(snapshot.running_count, COUNT);
    for (uint64_t index = 0; index < COUNT; index++) {
        assert_int_equal(snapshot.running[index], index * 2);
    }
    snapshot_free(&snapshot);
    buffer_free(&text);
}

static void anything_else_is_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        "",
        ":",
        ":::",
        "10:20",
        "10:20:",
        "10:20::",
        "10:20:10,12",
        "10:20:10,12:",
        "10:20:,:20",
        "10:20:10,:20",
        "10:20:,10:20",
        "10:20:10,,12:20",
        "10:20:12,10:20", // not ascending
        "10:20:10,10:20", // twice
        "10:20:9:20",     // below xmin
        "10:20:20:20",    // not below xmax
        "20:10::20",      // xmin above xmax
        "10:20::19",      // next below xmax
        "10:20:10:20:",   // more
        "10:20:10:20 ",   // more
        "10:20:10:20,21", // more
        " 10:20:10:20",   // strtoull would skip it
        "+10:20:10:20",   // and take this
        "-10:20:10:20",   // and this
        "10:-20::20",
        "10:20: 10:20",
        "10:20:10:0x20",
        "10:20:10:ten",
        "10:20;10:20",
        "18446744073709551616:18446744073709551616::18446744073709551616",
        "10:99999999999999999999999999::20",
    };
    for (size_t index = 0; index < sizeof refused / sizeof *refused; index++) {
        struct snapshot snapshot;
        if (snapshot_parse(&snapshot, refused[index])) {
            fail_msg("\"%s\" was accepted", refused[index]);
        }
        assert_null(snapshot.running); // nothing to release
    }
}

static void forgetting_removes_one(void **state) {
    (void)state;
    struct snapshot snapshot;
    assert_true(snapshot_parse(&snapshot, "3:10:3,5,9:10"));
    snapshot_forget(&snapshot, 4);
    snapshot_forget(&snapshot, 10);
    assert_int_equal(snapshot.running_count, 3);
    snapshot_forget(&snapshot, 5);
    assert_int_equal(snapshot.running_count, 2);
    assert_true(snapshot.running[0] == 3 && snapshot.running[1] == 9);
    snapshot_forget(&snapshot, 9);
    snapshot_forget(&snapshot, 3);
    snapshot_forget(&snapshot, 3);
    assert_int_equal(snapshot.running_count, 0);
    snapshot_free(&snapshot);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_server),
        cmocka_unit_test(running_transactions_and_the_largest_ids),
        cmocka_unit_test(xmin_may_be_below_the_first_that_is_listed),
        cmocka_unit_test(as_many_as_there_are),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(forgetting_removes_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
