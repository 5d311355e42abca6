// SPDX-License-Identifier: Apache-2.0
// What the looks at the database make of rows: of those that a test cannot bring about with a server, and of
// those that no server should send.
#include "check/inbox.h"
#include "check/rows.h"
#include "rows_harness.h"

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

#define SERVER                                                                                               \
    "version|number|standby|read_only|source|pid|database|role|database_sql|role_sql|encoding|sender\n"

static void assert_judged(void (*judge)(struct subject *, const PGresult *, struct look_context *),
                          const char *lines, struct look_context *context, const char *expected) {
    char *found = judged(judge, lines, context);
    assert_string_equal(found, expected);
    free(found);
}

static void assert_remedied(void (*judge)(struct subject *, const PGresult *, struct look_context *),
                            const char *lines, const char *expected) {
    char *remedies = judged_remedies(judge, lines);
    assert_string_equal(remedies, expected);
    free(remedies);
}

static void what_is_not_there_reads_as_nothing(void **state) {
    (void)state;
    PGresult *rows = rows_of("a|b|c\n-5|t|1.5\n|x|9223372036854775808\n");
    assert_string_equal(row_text(rows, 0, "missing"), "");
    assert_string_equal(row_text(rows, 2, "a"), "");
    assert_string_equal(row_text(rows, -1, "a"), "");
    assert_int_equal(row_int(rows, 0, "a"), -5);
    assert_int_equal(row_int(rows, 1, "a"), 0);
    assert_int_equal(row_int(rows, 1, "b"), 0);
    assert_int_equal(row_int(rows, 1, "c"), 0);
    assert_true(row_true(rows, 0, "b"));
    assert_false(row_true(rows, 1, "b"));
    assert_true(row_number(rows, 0, "c") > 1.4);
    PQclear(rows);
    assert_string_equal(row_text(NULL, 0, "a"), "");
}

static void versions_are_fourteen_to_eighteen(void **state) {
    (void)state;
    assert_judged(connection_judge, SERVER "14.0|140000|f|off|default|7|d|r|d|r|UTF8|\n", NULL, "");
    assert_judged(connection_judge, SERVER "18.3|180003|f|off|default|7|d|r|d|r|UTF8|\n", NULL, "");
    assert_judged(connection_judge, SERVER "13.9|130009|f|off|default|7|d|r|d|r|UTF8|\n", NULL,
                  "warning database.version\n");
    assert_judged(connection_judge, SERVER "19.0|190000|f|off|default|7|d|r|d|r|LATIN1|\n", NULL,
                  "warning database.version\n");
}

static void only_a_network_needs_tls(void **state) {
    static const char rows[] = SERVER "15.1|150001|f|off|default|7|d|r|d|r|UTF8|\n";
    struct look_context context = {.port = "5432", .tls = "", .backend_pid = 7};
    (void)state;
    for (const char *const *host = (const char *const[]){"/run", "", "localhost", "::1", "@abstract", NULL};
         *host != NULL; host++) {
        context.host = *host;
        assert_judged(connection_judge, rows, &context, "");
    }
    context.host = "db.example.com";
    assert_judged(connection_judge, rows, &context, "note database.plain\n");
    context.tls = "TLSv1.3";
    assert_judged(connection_judge, rows, &context, "");
}

static void a_pooler_is_told_by_the_process(void **state) {
    struct look_context context = {.host = "", .port = "", .tls = "", .backend_pid = 8};
    (void)state;
    assert_judged(connection_judge, SERVER "15.1|150001|f|off|default|7|d|r|d|r|UTF8|\n", &context,
                  "note database.pooler\n");
    assert_true(context.pooled);
    assert_false(context.standby);
}

static void a_standby_names_its_primary(void **state) {
    struct look_context context = {.host = "", .port = "", .tls = "", .backend_pid = 7};
    (void)state;
    assert_judged(connection_judge, SERVER "15.1|150001|t|on|default|7|d|r|d|r|UTF8|db1 port 5432\n",
                  &context, "error database.standby\n");
    assert_true(context.standby);
}

static void the_remedy_for_read_only_may_be_run_where_it_is(void **state) {
    (void)state;
    assert_remedied(connection_judge, SERVER "15.1|150001|f|on|database|7|d|r|d|r|UTF8|\n",
                    "SET default_transaction_read_only = off;\n"
                    "ALTER ROLE r IN DATABASE d SET default_transaction_read_only = off;\n");
    assert_remedied(connection_judge, SERVER "15.1|150001|f|on|client|7|d|r|d|r|UTF8|\n",
                    "take it out of PGOPTIONS, and of options in DATABASE_URL\n");
}

// What libpq says, and what it is called.
static void a_refusal_has_a_name(void **state) {
    static const struct {
        const char *message, *name, *remedy;
    } cases[] = {
        {"FATAL:  password authentication failed for user \"u\"", "database.password", "right password"},
        {"fe_sendauth: no password supplied", "database.password", "give a password"},
        {"FATAL:  no pg_hba.conf entry for host \"10.0.0.1\", no encryption", "database.hba", "pg_hba.conf"},
        {"FATAL:  role \"shop\" does not exist", "database.role", "CREATE ROLE \"shop\" LOGIN"},
        {"FATAL:  role \"a\"\"b;\" does not exist", "database.role", "CREATE ROLE \"a\" LOGIN"},
        {"FATAL:  role \"a b\" does not exist", "database.role", "CREATE ROLE \"NAME\" LOGIN"},
        {"FATAL:  database \"shop\" does not exist", "database.missing", "CREATE DATABASE \"shop\""},
        {"FATAL:  too many connections for role \"shop\"", "database.full", "pg_stat_activity"},
        {"FATAL:  sorry, too many clients already", "database.full", "pg_stat_activity"},
        {"FATAL:  remaining connection slots are reserved for roles with", "database.full",
         "pg_stat_activity"},
        {"server does not support SSL, but SSL was required", "database.tls", "sslmode"},
        {"root certificate file \"x\" does not exist", "database.tls", "sslrootcert"},
        {"could not translate host name \"db\" to address", "database.unreachable", "host and port"},
        {"Connection refused", "database.unreachable", "listen_addresses"},
        {"session is read-only", "database.standby", "primary"},
        {"FATAL:  Passwort-Authentifizierung fehlgeschlagen", "database.unreachable", "host and port"},
        {"", "database.unreachable", "host and port"},
        {"DATABASE_URL is no valid connection string; write it", "database.url", NULL},
        {"invalid port number: \"70000\"", "database.url", "from 1 to 65535"},
        {"invalid sslmode value: \"on\"", "database.url", "another value"},
        {"invalid integer value \"x\" for connection option \"port\"", "database.url", "another value"},
    };
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct findings *findings = findings_new();
        struct subject *subject = findings_subject(findings, NULL, "test");
        connection_explain(subject, cases[index].message);
        assert_string_equal(subject->first->name, cases[index].name);
        if (cases[index].remedy == NULL) {
            assert_null(subject->first->remedy);
        } else {
            assert_non_null(strstr(subject->first->remedy, cases[index].remedy));
        }
        findings_free(findings);
    }
}

#define SETTING "name|value|source|context|role_sql|database_sql\n"

static void a_setting_is_mended_where_it_counts(void **state) {
    (void)state;
    assert_remedied(server_judge, SETTING "synchronous_commit|off|user|user|r|d\n",
                    "ALTER ROLE r IN DATABASE d SET synchronous_commit = on;\n");
    assert_remedied(server_judge, SETTING "fsync|off|configuration file|sighup|r|d\n",
                    "ALTER SYSTEM SET fsync = on;\nSELECT pg_reload_conf();\n");
    assert_remedied(server_judge, SETTING "fsync|off|command line|sighup|r|d\n",
                    "start PostgreSQL without it (set by: command line), or with -c fsync=on\n");
    assert_remedied(server_judge, SETTING "lock_timeout|1|client|user|r|d\n",
                    "take lock_timeout out of PGOPTIONS, and of options in DATABASE_URL\n");
    assert_remedied(server_judge, SETTING "log_statement|mod|database|superuser|r|d\n",
                    "ALTER ROLE r IN DATABASE d SET log_statement = ddl;\n");
}

static void time_outs_are_held_against_what_takes_long(void **state) {
    struct look_context context = {.claim_timeout_ms = 60000};
    (void)state;
    assert_judged(server_judge, SETTING "statement_timeout|0|default|user|r|d\n", NULL, "");
    assert_judged(server_judge, SETTING "statement_timeout|5000|user|user|r|d\n", NULL, "");
    assert_judged(server_judge, SETTING "statement_timeout|4999|user|user|r|d\n", NULL,
                  "warning server.statement_timeout\n");
    assert_judged(server_judge, SETTING "transaction_timeout|40000|user|user|r|d\n", NULL, "");
    assert_judged(server_judge, SETTING "transaction_timeout|40000|user|user|r|d\n", &context,
                  "warning server.transaction_timeout\n");
    assert_judged(server_judge, SETTING "idle_session_timeout|86400000|user|user|r|d\n", NULL,
                  "note server.idle_session_timeout\n");
    assert_judged(server_judge,
                  SETTING "synchronous_commit|local|user|user|r|d\nfsync|on|default|sighup|r|d\n", NULL, "");
}

#define CONNECTIONS                                                                                          \
    "server_limit|server_used|relay_has|role_limit|role_used|database_limit|database_used|role_sql|"         \
    "database_sql|superuser\n"

static void connections_are_needed_for_claims_and_two_more(void **state) {
    struct look_context pooled = {.claims = 4, .pooled = true};
    (void)state;
    assert_judged(server_judge_connections, CONNECTIONS "97|97|0|1|1|1|1|r|d|f\n", &pooled, "");
    assert_judged(server_judge_connections, CONNECTIONS "97|91|0|-1|0|-1|0|r|d|f\n", NULL, "");
    assert_remedied(server_judge_connections, CONNECTIONS "97|92|0|-1|0|-1|0|r|d|f\n",
                    "-- end those that nobody needs, set a lower OUTBOX_CLAIMS, or, with a restart:\n"
                    "ALTER SYSTEM SET max_connections = 118;\n");
    assert_judged(server_judge_connections, CONNECTIONS "97|92|1|-1|0|-1|0|r|d|f\n", NULL, "");
    assert_judged(server_judge_connections, CONNECTIONS "97|97|9|-1|0|-1|0|r|d|f\n", NULL, "");
    assert_remedied(server_judge_connections, CONNECTIONS "97|5|0|9|5|7|5|r|d|f\n",
                    "ALTER ROLE r CONNECTION LIMIT 11;\nALTER DATABASE d CONNECTION LIMIT 11;\n");
    assert_judged(server_judge_connections, CONNECTIONS "97|5|0|9|5|7|5|r|d|t\n", NULL, "");
}

#define RIGHTS "right|group_has|role|role_sql|superuser|owner|group_there|inherits_not|number|row_security\n"

static void a_missing_right_is_granted_to_the_group_first(void **state) {
    (void)state;
    assert_judged(rights_judge, RIGHTS "|t|r|r|f|f|t|f|150000|f\n", NULL, "");
    assert_remedied(rights_judge, RIGHTS "SELECT ON outbox.event|t|r|\"R\"|f|f|t|f|150000|f\n",
                    "GRANT outbox_relay TO \"R\";\n");
    assert_remedied(rights_judge, RIGHTS "SELECT ON outbox.event|f|r|r|f|f|f|f|150000|f\n",
                    "CREATE ROLE outbox_relay NOLOGIN;\nGRANT SELECT ON outbox.event TO outbox_relay;\n"
                    "GRANT outbox_relay TO r;\n");
    assert_remedied(rights_judge, RIGHTS "SELECT ON outbox.event|t|r|r|f|f|t|t|150000|f\n",
                    "ALTER ROLE r INHERIT;\n");
    assert_remedied(rights_judge, RIGHTS "SELECT ON outbox.event|t|r|r|f|f|t|t|160000|f\n",
                    "GRANT outbox_relay TO r WITH INHERIT TRUE;\n");
    assert_judged(rights_judge, RIGHTS "|t|r|r|f|t|t|f|150000|t\n", NULL,
                  "note rights.more\nerror rights.row_security\n");
}

#define TABLE "kind|persistence|replica_identity|identity|has_sequence|cache|increment|cycle|sequence_sql\n"

static void the_table_is_as_it_was_made(void **state) {
    (void)state;
    assert_judged(table_judge, TABLE "r|p|d|a|t|1|1|f|s\n", NULL, "");
    assert_judged(table_judge, TABLE, NULL, "error table.missing\n");
    assert_judged(table_judge, TABLE "p|p|d|a|t|1|1|f|s\n", NULL, "warning table.kind\n");
    assert_judged(table_judge, TABLE "r|p|d||f||||\n", NULL, "error table.identity\n");
    assert_remedied(table_judge, TABLE "r|p|d|a|t|1|-1|t|s\n",
                    "ALTER SEQUENCE s CACHE 1 INCREMENT 1 NO CYCLE;\n");
}

#define STATISTICS                                                                                           \
    "updates|hot|live|dead|seconds|never|age|freeze|multixact_age|multixact_freeze|database_age\n"

static void statistics_are_judged_when_there_are_enough(void **state) {
    (void)state;
    assert_judged(vacuum_judge, STATISTICS "||||||||||\n", NULL, "");
    assert_judged(vacuum_judge, STATISTICS, NULL, "");
    assert_judged(vacuum_judge, STATISTICS "999|0|0|0||t|1|200|1|400|1\n", NULL, "");
    assert_judged(vacuum_judge, STATISTICS "1000|949|0|0||t|1|200|1|400|1\n", NULL, "warning vacuum.hot\n");
    assert_judged(vacuum_judge, STATISTICS "1000|951|0|0||t|1|200|1|400|1\n", NULL, "");
    assert_judged(vacuum_judge, STATISTICS "0|0|100|20000|86401|f|1|200|1|400|1\n", NULL,
                  "warning vacuum.dead\n");
    assert_judged(vacuum_judge, STATISTICS "0|0|100|20000|60|f|1|200|1|400|1\n", NULL, "");
    assert_judged(vacuum_judge, STATISTICS "0|0|50000|20000||t|1|200|1|400|1\n", NULL, "");
    assert_judged(vacuum_judge, STATISTICS "0|0|0|0||t|219|200|1|400|1\n", NULL, "");
    assert_judged(vacuum_judge, STATISTICS "0|0|0|0||t|221|200|1|400|1\n", NULL,
                  "warning vacuum.wraparound\n");
    assert_judged(vacuum_judge, STATISTICS "0|0|0|0||t|1|200|441|400|1\n", NULL,
                  "warning vacuum.wraparound\n");
    assert_judged(vacuum_judge, STATISTICS "0|0|0|0||t|1|200|1|400|1000000001\n", NULL,
                  "warning vacuum.database\n");
}

#define BLOCKERS "kind|pid|name|seconds|holds_back|remedy\n"

static void a_statement_gets_a_line_of_its_own(void **state) {
    (void)state;
    assert_remedied(blockers_judge,
                    BLOCKERS "prepared||x|90|the floor|end it, or: ROLLBACK PREPARED 'x'; (or so)\n",
                    "-- end it, or (or so)\nROLLBACK PREPARED 'x';\n");
    assert_remedied(blockers_judge,
                    BLOCKERS "transaction|5|r|90|the floor|or: SELECT pg_terminate_backend(5);\n",
                    "-- or\nSELECT pg_terminate_backend(5);\n");
    assert_remedied(blockers_judge, BLOCKERS "standby|5|s||vacuum|end them there\n", "end them there\n");
    assert_judged(blockers_judge, BLOCKERS "unknown||2 sessions||perhaps: vacuum|to see: GRANT x TO r;\n",
                  NULL, "note blockers.hidden\n");
    assert_judged(blockers_judge, BLOCKERS, NULL, "");
}

// Trying again does nothing for those: what they wait for must end.
static void what_waits_is_let_go_by_the_relay(void **state) {
    (void)state;
    assert_remedied(events_judge_waiting, "reason|events|seconds|exact\nno topic|3|9|t\n",
                    "end that, and the relay lets them go by itself\n");
}

#define RELAYS "relays|applications|names|led|pending\n"

static void a_relay_is_missed_when_events_wait(void **state) {
    struct look_context pooled = {.pooled = true};
    (void)state;
    assert_judged(relays_judge, RELAYS "0|0||f|0\n", NULL, "note relays.none\n");
    assert_judged(relays_judge, RELAYS "0|0||f|3\n", NULL, "warning relays.none\n");
    assert_judged(relays_judge, RELAYS "5|1|outbox-relay|f|3\n", NULL, "note relays.no_leader\n");
    assert_judged(relays_judge, RELAYS "5|1|outbox-relay|f|3\n", &pooled, "");
    assert_judged(relays_judge, RELAYS "5|2|a, b|t|3\n", NULL, "note relays.several\n");
}

static void a_handlers_statement_is_its_remedy(void **state) {
    (void)state;
    struct findings *findings = findings_new();
    struct subject *subject = findings_subject(findings, NULL, "test");
    inbox_explain(subject, "role \"r\" may not use schema inbox: GRANT inbox_consumer TO \"r\"");
    inbox_explain(subject, "there is no function");
    assert_string_equal(subject->first->found, "role \"r\" may not use schema inbox");
    assert_string_equal(subject->first->remedy, "GRANT inbox_consumer TO \"r\";");
    assert_null(subject->last->remedy);
    findings_free(findings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_reads_as_nothing),
        cmocka_unit_test(versions_are_fourteen_to_eighteen),
        cmocka_unit_test(only_a_network_needs_tls),
        cmocka_unit_test(a_pooler_is_told_by_the_process),
        cmocka_unit_test(a_standby_names_its_primary),
        cmocka_unit_test(the_remedy_for_read_only_may_be_run_where_it_is),
        cmocka_unit_test(a_refusal_has_a_name),
        cmocka_unit_test(a_setting_is_mended_where_it_counts),
        cmocka_unit_test(time_outs_are_held_against_what_takes_long),
        cmocka_unit_test(connections_are_needed_for_claims_and_two_more),
        cmocka_unit_test(a_missing_right_is_granted_to_the_group_first),
        cmocka_unit_test(the_table_is_as_it_was_made),
        cmocka_unit_test(statistics_are_judged_when_there_are_enough),
        cmocka_unit_test(a_statement_gets_a_line_of_its_own),
        cmocka_unit_test(what_waits_is_let_go_by_the_relay),
        cmocka_unit_test(a_relay_is_missed_when_events_wait),
        cmocka_unit_test(a_handlers_statement_is_its_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
