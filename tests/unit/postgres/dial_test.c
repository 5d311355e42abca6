// SPDX-License-Identifier: Apache-2.0
// Tests of postgres/dial.h without a server: listeners that accept and stay silent or hang up, ports where
// nobody listens. What a server that answers needs is in tests/system/failover_test.sh.
#include "postgres/dial.h"

#include <netinet/in.h>
#include <stdio.h>
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

struct fixture {
    struct event_base *base;
    struct dial *dial;
    int silent; // the kernel takes connections for it, and nobody reads them
    int closed; // bound, but not listening: connections are refused
    int silent_port;
    int closed_port;
    int accepted;
    int calls;
    struct error error;
};

static int bind_anywhere(int *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(bound >= 0);
    assert_int_equal(bind(bound, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return bound;
}

static int set_up(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){.base = event_base_new()};
    fixture.silent = bind_anywhere(&fixture.silent_port);
    fixture.closed = bind_anywhere(&fixture.closed_port);
    assert_int_equal(listen(fixture.silent, 8), 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    dial_free(fixture->dial);
    event_base_free(fixture->base);
    close(fixture->silent);
    close(fixture->closed);
    return 0;
}

static void on_done(void *context, PGconn *pg, const struct host *host, const struct error *error) {
    struct fixture *fixture = context;
    assert_null(pg);
    assert_null(host);
    fixture->calls++;
    fixture->error = *error;
    dial_free(fixture->dial);
    fixture->dial = NULL;
}

static const char *failure_of(struct fixture *fixture, const char *conninfo, const struct host *only) {
    fixture->calls = 0;
    fixture->dial = dial_start(fixture->base, conninfo, "outbox-relay", only, on_done, fixture);
    assert_int_equal(fixture->calls, 0); // always from the loop
    event_base_dispatch(fixture->base);
    assert_int_equal(fixture->calls, 1);
    assert_int_equal(fixture->error.code, ERROR_DATABASE);
    assert_null(strstr(fixture->error.text, "sesame"));
    return fixture->error.text;
}

static void every_server_is_tried_and_named(void **state) {
    struct fixture *fixture = *state;
    char conninfo[200];
    char silent[100];
    char closed[100];
    snprintf(
        conninfo, sizeof conninfo,
        "postgresql://shop:sesame@127.0.0.1:%d,127.0.0.1:%d,no-such-host.invalid:1/shop?connect_timeout=2",
        fixture->silent_port, fixture->closed_port);
    snprintf(silent, sizeof silent,
             "connection to server at \"127.0.0.1\" (127.0.0.1), port %d failed: no answer within 2 s",
             fixture->silent_port);
    snprintf(closed, sizeof closed,
             "connection to server at \"127.0.0.1\", port %d failed: Connection refused",
             fixture->closed_port);
    const char *text = failure_of(fixture, conninfo, NULL);
    assert_non_null(strstr(text, "cannot connect to PostgreSQL: "));
    assert_non_null(strstr(text, silent));
    assert_non_null(strstr(text, closed));
    assert_non_null(strstr(text, "could not translate host name \"no-such-host.invalid\" to address"));
    assert_null(strstr(text, "Is the server running"));
}

static void one_server_alone_when_so_asked(void **state) {
    struct fixture *fixture = *state;
    char conninfo[100];
    char port[20];
    char name[] = "127.0.0.1";
    snprintf(conninfo, sizeof conninfo, "host=127.0.0.1,127.0.0.1 port=%d,%d", fixture->silent_port,
             fixture->closed_port);
    snprintf(port, sizeof port, "%d", fixture->closed_port);
    const char *text = failure_of(fixture, conninfo, &(struct host){name, name, port});
    assert_non_null(strstr(text, port));
    assert_null(strstr(text, ";"));
}

static void what_libpq_refuses_is_told(void **state) {
    struct fixture *fixture = *state;
    assert_non_null(strstr(failure_of(fixture, "host=a,b port=1,2,3", NULL),
                           "could not match 3 port numbers to 2 hosts"));
    assert_non_null(strstr(failure_of(fixture, "service=no-such-service", NULL), "no-such-service"));
    assert_non_null(strstr(failure_of(fixture, "host=a sslmode=perhaps password=sesame", NULL), "sslmode"));
}

// A server's refusal (PostgreSQL, "Error and Notice Message Fields"), in German, with a line of its code.
static void refuse(evutil_socket_t socket, short events, void *context) {
    static const char fields[] = "SFATAL\0VFATAL\0C28P01\0MPasswort: falsch\0Fauth.c\0L326\0Rauth_failed\0";
    (void)events;
    struct fixture *fixture = context;
    fixture->accepted = accept(socket, NULL, NULL);
    assert_true(fixture->accepted >= 0);
    const char head[] = {'E', 0, 0, 0, 4 + sizeof fields};
    assert_int_equal(write(fixture->accepted, head, sizeof head), sizeof head);
    assert_int_equal(write(fixture->accepted, fields, sizeof fields), sizeof fields);
    assert_int_equal(shutdown(fixture->accepted, SHUT_WR), 0);
}

static void what_a_server_says_is_told_with_its_sqlstate(void **state) {
    struct fixture *fixture = *state;
    char conninfo[100];
    snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%d sslmode=disable gssencmode=disable",
             fixture->silent_port);
    struct event *asked = event_new(fixture->base, fixture->silent, EV_READ, refuse, fixture);
    event_add(asked, NULL);
    const char *text = failure_of(fixture, conninfo, NULL);
    event_free(asked);
    close(fixture->accepted);
    assert_non_null(strstr(text, "failed: FATAL:  Passwort: falsch (SQLSTATE 28P01)"));
    assert_null(strstr(text, "auth.c"));
}

static void freed_in_the_middle(void **state) {
    struct fixture *fixture = *state;
    char conninfo[100];
    snprintf(conninfo, sizeof conninfo, "host=127.0.0.1 port=%d", fixture->silent_port);
    fixture->dial = dial_start(fixture->base, conninfo, "outbox-relay", NULL, on_done, fixture);
    event_base_loop(fixture->base, EVLOOP_ONCE);
    dial_free(fixture->dial);
    fixture->dial = NULL;
    event_base_dispatch(fixture->base);
    assert_int_equal(fixture->calls, 0);
    dial_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_server_is_tried_and_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_server_alone_when_so_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_libpq_refuses_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_server_says_is_told_with_its_sqlstate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(freed_in_the_middle, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
