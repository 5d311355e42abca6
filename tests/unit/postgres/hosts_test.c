// SPDX-License-Identifier: Apache-2.0
// Tests of postgres/hosts.h. What lists mean is written down from PostgreSQL's documentation of libpq,
// "Specifying Multiple Hosts" and the parameters host, hostaddr, port and connect_timeout.
#include "postgres/hosts.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

static const char *shown(const char *text) {
    return text != NULL ? text : "-";
}

// Writes "name|address|port" for each, with spaces between, and frees them.
static const char *written(struct hosts *hosts) {
    static char text[1000];
    size_t length = 0;
    text[0] = '\0';
    for (int index = 0; index < hosts->count; index++) {
        const struct host *host = &hosts->list[index];
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s|%s|%s", index > 0 ? " " : "",
                                   shown(host->name), shown(host->address), shown(host->port));
        assert_true(length < sizeof text);
    }
    hosts_free(hosts);
    return text;
}

static void lists_are_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *names;
        const char *addresses;
        const char *ports;
        const char *expected;
    } cases[] = {
        {"a", NULL, "5432", "a|-|5432"},
        {"a", NULL, NULL, "a|-|5555"},
        {"a", "", "", "a|-|5555"},
        {"a,b", NULL, "6000", "a|-|6000 b|-|6000"},
        {"a,b", NULL, "6000,6001", "a|-|6000 b|-|6001"},
        {"a,b", NULL, ",6001", "a|-|5555 b|-|6001"}, // postgresql://a,b:6001/
        {"a,b,c", NULL, "1,,3", "a|-|1 b|-|5555 c|-|3"},
        {NULL, "10.0.0.1,::1", "5432", "-|10.0.0.1|5432 -|::1|5432"},
        {"a,b", "10.0.0.1,10.0.0.2", "1,2", "a|10.0.0.1|1 b|10.0.0.2|2"},
        {"/run/postgresql,b", NULL, "1,2", "/run/postgresql|-|1 b|-|2"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        struct hosts hosts;
        hosts_split(&hosts, cases[index].names, cases[index].addresses, cases[index].ports, "5555");
        assert_int_equal(hosts.timeout_seconds, 10);
        assert_string_equal(written(&hosts), cases[index].expected);
    }
}

static void what_is_not_clear_is_left_to_libpq(void **state) {
    (void)state;
    static const struct {
        const char *names;
        const char *addresses;
        const char *ports;
    } cases[] = {
        {NULL, NULL, "5432"},         {"", NULL, "5432"},          {"a,b", NULL, "1,2,3"},
        {"a", NULL, "1,2"},           {"a,", NULL, "5432"},        {",b", NULL, "5432"},
        {"a,,b", NULL, "5432"},       {"a,b", "10.0.0.1", "5432"}, {"a", "10.0.0.1,10.0.0.2", "5432"},
        {"a,b", "10.0.0.1,", "5432"}, {"a,b", ",", "5432"},        {NULL, ",", "5432"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        struct hosts hosts;
        hosts_split(&hosts, cases[index].names, cases[index].addresses, cases[index].ports, "5432");
        assert_string_equal(written(&hosts), "-|-|-");
    }
}

static void names_get_their_addresses(void **state) {
    (void)state;
    static const struct {
        const char *names;
        const char *expected;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1|127.0.0.1|1"},
        {"::1,127.0.0.2", "::1|::1|1 127.0.0.2|127.0.0.2|1"},
        {"/run/postgresql", "/run/postgresql|-|1"},
        {"@shop", "@shop|-|1"},
        {"no-such-host.invalid", "no-such-host.invalid|-|1"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        struct hosts hosts;
        hosts_split(&hosts, cases[index].names, NULL, "1", "1");
        hosts_resolve(&hosts);
        assert_string_equal(written(&hosts), cases[index].expected);
    }
    struct hosts given;
    hosts_split(&given, "a", "10.0.0.1", "1", "1");
    hosts_resolve(&given);
    assert_string_equal(written(&given), "a|10.0.0.1|1");
}

static void forget_environment(void) {
    static const char *const names[] = {"PGHOST",    "PGHOSTADDR",    "PGPORT",    "PGCONNECT_TIMEOUT",
                                        "PGSERVICE", "PGSERVICEFILE", "PGSSLMODE", "PGSYSCONFDIR"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        unsetenv(names[index]);
    }
}

static const char *split_of(const char *conninfo, int timeout_seconds) {
    struct hosts hosts;
    hosts_read(&hosts, conninfo);
    assert_int_equal(hosts.timeout_seconds, timeout_seconds);
    return written(&hosts);
}

static void connection_strings_are_read(void **state) {
    (void)state;
    forget_environment();
    assert_string_equal(split_of("", 10), "-|-|-");
    assert_string_equal(split_of("dbname=shop", 10), "-|-|-");
    assert_string_equal(split_of("postgresql://u:sesame@a,b:6001/shop?sslmode=verify-full", 10),
                        "a|-|5432 b|-|6001");
    assert_string_equal(split_of("host=a,b port=1,2 connect_timeout=3", 3), "a|-|1 b|-|2");
    assert_string_equal(split_of("host=a connect_timeout=1", 2), "a|-|5432");
    assert_string_equal(split_of("host=a connect_timeout=0", 10), "a|-|5432");
    assert_string_equal(split_of("host=a connect_timeout=-1", 10), "a|-|5432");
    assert_string_equal(split_of("host=a connect_timeout=sesame", 10), "a|-|5432");
    assert_string_equal(split_of("host=a connect_timeout=99999999999", 3600), "a|-|5432");
    assert_string_equal(split_of("service=nowhere", 10), "-|-|-"); // libpq says so when it connects
}

static void variables_and_service_files_count(void **state) {
    (void)state;
    forget_environment();
    setenv("PGHOST", "c,d", 1);
    setenv("PGPORT", "7", 1);
    setenv("PGCONNECT_TIMEOUT", "4", 1);
    assert_string_equal(split_of("", 4), "c|-|7 d|-|7");
    assert_string_equal(split_of("dbname=shop port=8,9", 4), "c|-|8 d|-|9");
    assert_string_equal(split_of("host=a", 4), "a|-|7");
    forget_environment();

    char path[] = "/tmp/hosts_test.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_true(dprintf(file, "[shop]\nhost=e,f\nport=11,12\nconnect_timeout=5\n") > 0);
    assert_int_equal(fclose(fdopen(file, "w")), 0);
    setenv("PGSERVICEFILE", path, 1);
    assert_string_equal(split_of("service=shop", 5), "e|-|11 f|-|12");
    setenv("PGSERVICE", "shop", 1);
    assert_string_equal(split_of("", 5), "e|-|11 f|-|12");
    assert_string_equal(split_of("host=a port=1", 5), "a|-|1");
    unlink(path);
    forget_environment();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_taken_apart),
        cmocka_unit_test(what_is_not_clear_is_left_to_libpq),
        cmocka_unit_test(names_get_their_addresses),
        cmocka_unit_test(connection_strings_are_read),
        cmocka_unit_test(variables_and_service_files_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
