// SPDX-License-Identifier: Apache-2.0
// The report for a person: what needs attention, and every section.
#include "status/status.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define RELAY                                                                                                \
    "{\"pid\":7,\"application\":\"outbox-relay\",\"client\":\"10.0.0.1\",\"since\":\"2026-01-31T12:34:56.7+" \
    "00:00\",\"leads\":true}"

static char page[65536];

static int show(const char *report, size_t width) {
    struct buffer out;
    struct error error = {0};
    buffer_init(&out, sizeof page - 1);
    int count = status_append(report, width, &out, &error);
    assert_int_equal(status_append(report, width, NULL, &error), count);
    memcpy(page, buffer_text(&out), out.length + 1);
    buffer_free(&out);
    return count;
}

static void assert_has(const char *text) {
    if (strstr(page, text) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", text, page);
    }
}

static void assert_has_not(const char *text) {
    if (strstr(page, text) != NULL) {
        fail_msg("\"%s\" is in:\n%s", text, page);
    }
}

static void all_well(void **state) {
    (void)state;
    assert_int_equal(
        show("{\"exact\":true,\"read_at\":\"2026-01-31T12:34:56.789Z\",\"database\":{\"name\":\"shop\","
             "\"server_version\":\"15.18 (Debian)\",\"schema_version\":1,\"in_recovery\":false},"
             "\"totals\":{\"pending\":3,\"oldest_pending_seconds\":1.5},\"relays\":[" RELAY "," RELAY "]}",
             100),
        0);
    assert_has(
        "Outbox of database shop, PostgreSQL 15.18, schema version 1, read at 2026-01-31T12:34:56.789Z\n");
    assert_has("  outbox-relay  10.0.0.1            2  2026-01-31T12:34:56Z  leads: writers wake it\n");
    assert_has_not("Needs attention");
    assert_has_not("Parked");
    assert_has_not("about 3");
}

static void no_relay_matters_when_events_wait(void **state) {
    (void)state;
    assert_int_equal(show("{\"exact\":false,\"totals\":{\"pending\":12000},\"relays\":[]}", 100), 1);
    assert_has("! no relay is connected while about 12,000 events are to be published: start");
    assert_has("  no relay is connected\n");
    assert_int_equal(show("{\"totals\":{\"pending\":0,\"scheduled\":9},\"relays\":[]}", 100), 0);
    assert_has("  no relay is connected\n");
}

static void other_connections_of_the_program_are_no_relays(void **state) {
    (void)state;
    assert_int_equal(
        show("{\"totals\":{\"retrying\":1},\"relays\":[{\"application\":\"outbox-relay handlers\"},"
             "{\"application\":\"outbox-relay upkeep\"},{\"application\":\"outbox-relay command\"}]}",
             100),
        1);
    assert_has("no relay is connected while about 1 event is to be published");
    assert_int_equal(
        show("{\"totals\":{\"retrying\":1},\"relays\":[{\"application\":\"outbox-relay\"}]}", 100), 0);
    assert_int_equal(
        show("{\"totals\":{\"waiting\":1},\"relays\":[{\"application\":\"mine\",\"leads\":true}]}", 100), 0);
}

static void parked_events_name_the_command_that_retries_them(void **state) {
    (void)state;
    assert_int_equal(
        show("{\"exact\":true,\"totals\":{\"parked\":30},\"parked\":["
             "{\"id\":12,\"event_type\":\"order.created\",\"aggregate_id\":\"a\\u001b[2J\",\"attempts\":25,"
             "\"last_error\":\"InvalidParameter\\n: no\",\"parked_seconds\":90},{\"id\":9}]}",
             120),
        1);
    assert_has("! 30 events are parked: mend the cause, then \"outbox-relay retry\" them\n");
    assert_has("Parked, the newest\n");
    assert_has("12  order.created  a\xEF\xBF\xBD[2J");
    assert_has("1m 30s  InvalidParameter\xEF\xBF\xBD: no\n");
    assert_has("  when the cause is mended: outbox-relay retry 12 9\n");
    assert_has_not("\033");
}

static void paused_topics_wait_for_a_person(void **state) {
    (void)state;
    assert_int_equal(show("{\"paused_topics\":[{\"topic_arn\":\"arn:x\",\"reason\":\"moving\",\"paused_at\":"
                          "\"2026-01-31T12:34:56.7+00:00\",\"paused_by\":\"me\"}]}",
                          120),
                     1);
    assert_has("! arn:x is paused: its events wait until \"outbox-relay resume arn:x\"\n");
    assert_has("  arn:x  2026-01-31T12:34:56Z  me  moving\n");
}

static void what_is_late_needs_attention(void **state) {
    (void)state;
    assert_int_equal(show("{\"totals\":{\"pending\":1,\"oldest_pending_seconds\":299},\"relays\":[" RELAY "],"
                          "\"waiting\":[{\"reason\":\"no topic\",\"events\":2,\"oldest_seconds\":299}]}",
                          120),
                     0);
    assert_has("  about 2  4m 59s  no topic\n");
    assert_int_equal(
        show("{\"exact\":true,\"totals\":{\"pending\":1,\"oldest_pending_seconds\":300},\"relays\":[" RELAY
             "],"
             "\"waiting\":[{\"reason\":\"no topic\",\"events\":2,\"oldest_seconds\":300}]}",
             120),
        2);
    assert_has("! the oldest pending event is 5m old: the relay's log says what keeps it\n");
    assert_has("! 2 events have waited for up to 5m: no topic\n");
}

static void blockers_come_with_their_remedy(void **state) {
    (void)state;
    assert_int_equal(
        show("{\"blockers\":[{\"kind\":\"transaction\",\"pid\":5,\"name\":\"app\",\"age_seconds\":60,"
             "\"holds_back\":\"the floor\",\"query\":\"SELECT 1\",\"remedy\":\"end it\"},"
             "{\"kind\":\"unknown\",\"name\":\"hidden\",\"age_seconds\":null,\"remedy\":\"grant\"}]}",
             120),
        0);
    assert_has("  transaction    5  app      1m  the floor   SELECT 1\n");
    assert_has("  -> end it\n");
    assert_int_equal(
        show("{\"blockers\":[{\"kind\":\"prepared\",\"pid\":null,\"name\":\"gid\",\"age_seconds\":900,"
             "\"holds_back\":\"the floor\",\"query\":null,\"remedy\":\"end it\"},"
             "{\"kind\":\"slot\",\"name\":\"s\",\"age_seconds\":null,\"holds_back\":\"vacuum\",\"remedy\":"
             "\"drop it\"}]}",
             120),
        2);
    assert_has("! prepared gid holds back the floor, for 15m: end it\n");
    assert_has("! slot s holds back vacuum: drop it\n");
}

static void hostile_reports_do_no_harm(void **state) {
    static const char deep[] = "{\"by_type\":[{\"pending\":1e308,\"event_type\":\"\\u001b]0;x\\u0007\"}],"
                               "\"floor\":{\"id\":-1e308}}";
    static const char *const reports[] = {
        "{}", "{\"totals\":[],\"relays\":{},\"by_type\":[1,null,\"x\",[]],\"parked\":[null]}",
        "{\"database\":{\"name\":7,\"server_version\":{}},\"table\":{\"bytes\":\"x\",\"hot_ratio\":[]}}",
        deep};
    (void)state;
    for (size_t index = 0; index < sizeof reports / sizeof reports[0]; index++) {
        assert_true(show(reports[index], index * 20) >= 0);
        assert_has("Outbox of database");
        assert_has_not("\033");
        assert_has_not("\007");
    }
    struct error error = {0};
    assert_int_equal(status_append("[]", 80, NULL, &error), -1);
    assert_string_equal(error.text, "the answer of outbox.report() is no JSON object");
    assert_int_equal(status_append("{", 80, NULL, &error), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_well),
        cmocka_unit_test(no_relay_matters_when_events_wait),
        cmocka_unit_test(other_connections_of_the_program_are_no_relays),
        cmocka_unit_test(parked_events_name_the_command_that_retries_them),
        cmocka_unit_test(paused_topics_wait_for_a_person),
        cmocka_unit_test(what_is_late_needs_attention),
        cmocka_unit_test(blockers_come_with_their_remedy),
        cmocka_unit_test(hostile_reports_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
