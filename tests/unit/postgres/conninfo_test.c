// SPDX-License-Identifier: Apache-2.0
// Tests of postgres/conninfo.h.
#include "postgres/conninfo.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void what_libpq_understands_is_taken(void **state) {
    (void)state;
    static const char *const taken[] = {
        "", // the PG* variables
        "postgresql://",
        "postgres://shop@db.example.com/shop",
        "postgresql://shop:sesame@db.example.com:5432/shop?sslmode=verify-full",
        "postgresql://shop:s%2Fes%40me@db.example.com:5432/shop",
        "postgresql://shop:sesame@[2001:db8::1]:5432/shop",
        "postgresql://shop:ses?a[me#@db.example.com/shop",
        "postgresql://shop@one:5432,two:5433/shop?target_session_attrs=read-write",
        "postgresql:///shop?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/shop",
        "host=db.example.com dbname=shop user=shop password=sesame",
        "host='db.example.com' password='open \\'sesame\\''",
        "service=shop",
        "host=a,b port=5432,5433",
        "password=se/s@me host=db.example.com",
    };
    for (size_t index = 0; index < sizeof taken / sizeof *taken; index++) {
        struct error error = {0};
        if (!conninfo_check(taken[index], &error)) {
            fail_msg("\"%s\" was refused: %s", taken[index], error.text);
        }
        assert_int_equal(error.code, ERROR_NONE);
    }
}

// The error is the same for all of them, letter by letter: so nothing of any of them is in it.
static void everything_else_is_refused_and_nothing_of_it_shown(void **state) {
    (void)state;
    static const char *const refused[] = {
        "sesame",
        "shop:sesame@db.example.com/shop",
        "db.example.com",
        "mysql://shop:sesame@db.example.com/shop",
        "mysql://shop:sesame=1@db.example.com/shop",
        "POSTGRESQL://shop:sesame@db.example.com/shop",
        " postgresql://shop:sesame@db.example.com/shop",
        "postgresql://shop:se/same@db.example.com/shop",   // "se" as the port
        "postgresql://shop:se@same@db.example.com/shop",   // "same@db..." as the host
        "postgresql://shop:sesame%@db.example.com/shop",   // a lone percent sign
        "postgresql://shop:sesame%zz@db.example.com/shop", // no hexadecimal digits
        "postgresql://shop:sesame%00@db.example.com/shop",
        "postgresql://shop@[2001:db8::1/shop",
        "postgresql://shop@db.example.com:543x/shop",
        "postgresql://shop@db.example.com/shop?sesame=1",
        "postgresql://shop@db.example.com/shop?sslmode",
        "host=db.example.com password=open sesame",
        "host=db.example.com password='sesame",
        "host=db.example.com pasword=sesame",
        "host=db@sesame",
        "port=sesame",
        "=",
    };
    struct error first = {0};
    assert_false(conninfo_check(refused[0], &first));
    assert_int_equal(first.code, ERROR_USAGE);
    assert_non_null(strstr(first.text, "DATABASE_URL"));
    for (size_t index = 0; index < sizeof refused / sizeof *refused; index++) {
        struct error error = {0};
        if (conninfo_check(refused[index], &error)) {
            fail_msg("\"%s\" was taken", refused[index]);
        }
        assert_string_equal(error.text, first.text);
    }
}

static void who_connects_may_change_but_not_where_to(void **state) {
    (void)state;
    static const char first[] = "postgresql://relay:one@db.example.com:5432/shop?sslmode=require";
    assert_true(conninfo_same_database(first, first));
    assert_true(
        conninfo_same_database(first, "postgresql://other:two@db.example.com:5432/shop?sslmode=require"));
    assert_true(conninfo_same_database(
        first, "host=db.example.com port=5432 dbname=shop sslmode=require passfile=/x"));
    assert_true(conninfo_same_database("", ""));
    static const char *const others[] = {
        "",
        "postgresql://relay:one@db.example.com:5432/shops?sslmode=require",
        "postgresql://relay:one@db2.example.com:5432/shop?sslmode=require",
        "postgresql://relay:one@db.example.com:5433/shop?sslmode=require",
        "postgresql://relay:one@db.example.com:5432/shop",
    };
    for (size_t index = 0; index < sizeof others / sizeof *others; index++) {
        assert_false(conninfo_same_database(first, others[index]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_libpq_understands_is_taken),
        cmocka_unit_test(who_connects_may_change_but_not_where_to),
        cmocka_unit_test(everything_else_is_refused_and_nothing_of_it_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
