// SPDX-License-Identifier: Apache-2.0
// Tests of migrate/query.h as far as no server is needed: what is refused before connecting, and that no
// error shows any part of a password.
#include "migrate/query.h"

#include <stdlib.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void malformed_urls_are_refused_without_being_shown(void **state) {
    (void)state;
    static const char *const urls[] = {
        "hunter2",
        "postgre://user:hunter2@host/name",
        "postgre://user:hunter2@host/name?sslmode=require",
        "postgresql://user:hunter2@host/name?colour=blue",
        "postgresql://user:hunter2@host:hunter2/name",
        "postgresql://user:hunter2/x@host/name",   // an unencoded / in the password
        "postgresql://user:x@hunter2@host/name",   // an unencoded @
        "postgresql://user:x%zzhunter2@host/name", // a broken percent-encoding
        "host=localhost password='hunter2",
        "host=localhost password=x hunter2",
    };
    for (size_t index = 0; index < sizeof urls / sizeof urls[0]; index++) {
        struct error error = {.code = ERROR_NONE};
        assert_null(query_connect(urls[index], "outbox-relay test", &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_null(strstr(error.text, "hunter2"));
        assert_non_null(strstr(error.text, "DATABASE_URL"));
    }
}

// Nothing listens on TCP port 1 of the loopback address.
static void an_unreachable_server_is_named(void **state) {
    (void)state;
    static const char *const urls[] = {"postgresql://user:hunter2@127.0.0.1:1/name",
                                       "host=127.0.0.1 port=1 user=user password=hunter2"};
    for (size_t index = 0; index < 2; index++) {
        struct error error = {.code = ERROR_NONE};
        assert_null(query_connect(urls[index], "outbox-relay test", &error));
        assert_int_equal(error.code, ERROR_DATABASE);
        assert_non_null(strstr(error.text, "cannot connect to PostgreSQL: "));
        assert_non_null(strstr(error.text, "127.0.0.1"));
        assert_null(strstr(error.text, "hunter2"));
    }
}

static void without_a_url_the_pg_variables_rule(void **state) {
    (void)state;
    struct error error = {.code = ERROR_NONE};
    assert_int_equal(setenv("PGHOST", "127.0.0.1", 1) + setenv("PGPORT", "1", 1), 0);
    assert_null(query_connect("", "outbox-relay test", &error));
    assert_int_equal(error.code, ERROR_DATABASE);
    assert_non_null(strstr(error.text, "127.0.0.1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_urls_are_refused_without_being_shown),
        cmocka_unit_test(an_unreachable_server_is_named),
        cmocka_unit_test(without_a_url_the_pg_variables_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
