// SPDX-License-Identifier: Apache-2.0
// Which connections are cut, and that nothing else happens to them.
#include "admin/connections.h"
#include "support/loop.h"

#include <stdbool.h>
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

enum { LONG_US = 60000000, SHORT_US = 20000, COUNT = 4 };

struct pair {
    int ours, theirs;
    struct connection *connection;
};

static struct event_base *base;
static struct connections *connections;
static struct pair pairs[COUNT];

static void add(int index) {
    int sockets[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
    pairs[index] = (struct pair){sockets[0], sockets[1], connections_add(connections, sockets[0])};
}

static bool is_cut(void *context) {
    char byte;
    const struct pair *pair = context;
    return recv(pair->theirs, &byte, 1, MSG_PEEK) == 0;
}

static void begin(int most, int64_t life_us) {
    base = event_base_new();
    connections = connections_new(base, most, life_us);
    for (int index = 0; index < COUNT; index++) {
        pairs[index] = (struct pair){-1, -1, NULL};
    }
}

static void take_away(int index) {
    connections_remove(connections, pairs[index].connection);
    close(pairs[index].ours);
    close(pairs[index].theirs);
    pairs[index].connection = NULL;
}

static void end(void) {
    for (int index = 0; index < COUNT; index++) {
        if (pairs[index].connection != NULL) {
            take_away(index);
        }
    }
    connections_free(connections);
    event_base_free(base);
}

static void cuts_the_oldest_when_there_are_too_many(void **state) {
    (void)state;
    begin(2, LONG_US);
    add(0);
    add(1);
    assert_false(is_cut(&pairs[0]));
    add(2);
    assert_true(is_cut(&pairs[0]));
    assert_false(is_cut(&pairs[1]));
    take_away(0); // the cut one is not counted twice
    add(3);
    assert_true(is_cut(&pairs[1]));
    assert_false(is_cut(&pairs[2]));
    assert_false(is_cut(&pairs[3]));
    end();
}

static void counts_those_that_have_ended_no_more(void **state) {
    (void)state;
    begin(2, LONG_US);
    add(0);
    add(1);
    take_away(0);
    add(2);
    assert_false(is_cut(&pairs[1]));
    assert_false(is_cut(&pairs[2]));
    end();
}

static void cuts_what_lasts_too_long(void **state) {
    (void)state;
    begin(COUNT, SHORT_US);
    add(0);
    add(1);
    take_away(0);
    assert_true(loop_until(base, is_cut, &pairs[1]));
    add(2);
    assert_true(loop_until(base, is_cut, &pairs[2]));
    end();
}

static void forgets_what_is_left(void **state) {
    (void)state;
    begin(COUNT, LONG_US);
    add(0);
    connections_free(connections);
    close(pairs[0].ours);
    close(pairs[0].theirs);
    event_base_free(base);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_the_oldest_when_there_are_too_many),
        cmocka_unit_test(counts_those_that_have_ended_no_more),
        cmocka_unit_test(cuts_what_lasts_too_long),
        cmocka_unit_test(forgets_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
