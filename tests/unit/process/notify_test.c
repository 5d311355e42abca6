// SPDX-License-Identifier: Apache-2.0
// Tests of process/notify.h against real datagram sockets: one at a path, one in the abstract namespace.
#include "process/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static int listener;
static char path[64];

static void listen_at(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(address.sun_path, name, length);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    notify_begin();
}

static int begin(void **state) {
    (void)state;
    listener = -1;
    (void)snprintf(path, sizeof path, "/tmp/notify-test-%d", (int)getpid());
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    return 0;
}

static int end(void **state) {
    (void)state;
    if (listener >= 0) {
        (void)close(listener);
    }
    (void)unlink(path);
    return 0;
}

// The next datagram; "" when there is none.
static const char *received(void) {
    static char text[1024];
    ssize_t length = recv(listener, text, sizeof text - 1, 0);
    text[length < 0 ? 0 : length] = '\0';
    return text;
}

static void lines_arrive_at_a_path(void **state) {
    (void)state;
    listen_at(path);
    assert_true(notify_listened());
    assert_true(notify_send("STATUS=published 5"));
    assert_string_equal(received(), "STATUS=published 5");
}

static void lines_arrive_at_an_abstract_name(void **state) {
    char name[64];
    (void)state;
    (void)snprintf(name, sizeof name, "@notify-test-%d", (int)getpid());
    listen_at(name);
    assert_true(notify_send("WATCHDOG=1"));
    assert_string_equal(received(), "WATCHDOG=1");
}

static void children_do_not_speak_for_us(void **state) {
    (void)state;
    (void)setenv("WATCHDOG_USEC", "4000000", 1);
    listen_at(path);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
    assert_int_equal(notify_watchdog_us(), 4000000);
}

static void a_watchdog_of_another_process_is_not_ours(void **state) {
    char pid[16];
    (void)state;
    (void)setenv("WATCHDOG_USEC", "4000000", 1);
    (void)setenv("WATCHDOG_PID", "1", 1);
    listen_at(path);
    assert_int_equal(notify_watchdog_us(), 0);

    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    (void)setenv("NOTIFY_SOCKET", path, 1);
    (void)setenv("WATCHDOG_USEC", "many", 1);
    (void)setenv("WATCHDOG_PID", pid, 1);
    notify_begin();
    assert_int_equal(notify_watchdog_us(), 0);

    (void)setenv("NOTIFY_SOCKET", path, 1);
    (void)setenv("WATCHDOG_USEC", "9", 1);
    (void)setenv("WATCHDOG_PID", pid, 1);
    notify_begin();
    assert_int_equal(notify_watchdog_us(), 9);
}

static void a_reload_is_told_once_it_is_ready(void **state) {
    (void)state;
    listen_at(path);
    notify_reloading();
    notify_reloaded();
    assert_string_equal(received(), "");
    notify_ready("published 0");
    notify_ready("published 1");
    assert_true(notify_is_ready());
    assert_string_equal(received(), "READY=1\nSTATUS=published 0");
    assert_string_equal(received(), "");
    notify_reloading();
    notify_reloaded();
    assert_non_null(strstr(received(), "RELOADING=1\nMONOTONIC_USEC="));
    assert_string_equal(received(), "READY=1");
}

static void a_ready_that_did_not_arrive_is_sent_again(void **state) {
    (void)state;
    listen_at(path);
    (void)unlink(path);
    notify_ready("published 0");
    assert_false(notify_is_ready());
}

static void nobody_listens(void **state) {
    (void)state;
    char too_long[200];
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[0] = '/';
    too_long[sizeof too_long - 1] = '\0';
    const char *const names[] = {"", "/", "relative", "vsock:2:1", too_long};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        (void)setenv("NOTIFY_SOCKET", names[index], 1);
        notify_begin();
        assert_false(notify_listened());
        assert_false(notify_send("READY=1"));
    }
    notify_begin();
    assert_false(notify_listened());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_arrive_at_a_path, begin, end),
        cmocka_unit_test_setup_teardown(lines_arrive_at_an_abstract_name, begin, end),
        cmocka_unit_test_setup_teardown(children_do_not_speak_for_us, begin, end),
        cmocka_unit_test_setup_teardown(a_watchdog_of_another_process_is_not_ours, begin, end),
        cmocka_unit_test_setup_teardown(a_reload_is_told_once_it_is_ready, begin, end),
        cmocka_unit_test_setup_teardown(a_ready_that_did_not_arrive_is_sent_again, begin, end),
        cmocka_unit_test_setup_teardown(nobody_listens, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
