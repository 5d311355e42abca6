// SPDX-License-Identifier: Apache-2.0
// Findings: their order, what becomes of texts from outside, and both reports.
#include "check/report.h"

#include <cjson/cJSON.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static struct findings *example(void) {
    struct findings *findings = findings_new();
    struct subject *first = findings_subject(findings, NULL, "First");
    struct subject *last = findings_subject(findings, NULL, "Last");
    struct subject *between = findings_subject(findings, first, "Between");
    finding_add(last, FINDING_ERROR, "last.bad", "%s", "bad");
    finding_remedy(finding_add(between, FINDING_WARNING, "between.odd", "odd, %d%%", 5), "do this:\n%s",
                   "that \"now\"");
    finding_add(first, FINDING_OK, "first.good", "good");
    finding_add(first, FINDING_NOTE, "first.known", "known");
    return findings;
}

static void assert_text(const struct findings *findings, const char *expected) {
    struct buffer text;
    buffer_init(&text, 1 << 20);
    report_text(findings, &text);
    assert_string_equal(buffer_text(&text), expected);
    buffer_free(&text);
}

// A subject has its place from when it was opened, not from when something was found.
static void the_text_is_in_the_order_of_subjects(void **state) {
    struct findings *findings = example();

    (void)state;
    assert_text(findings, "First\n"
                          "  ok       good\n"
                          "  note     known\n"
                          "Between\n"
                          "  warning  odd, 5%\n"
                          "           -> do this:\n"
                          "              that \"now\"\n"
                          "Last\n"
                          "  error    bad\n"
                          "1 ok, 1 note, 1 warning, 1 error\n");
    findings_free(findings);
}

static void nothing_found_is_a_report_too(void **state) {
    struct findings *findings = findings_new();

    (void)state;
    assert_text(findings, "0 ok, 0 notes, 0 warnings, 0 errors\n");
    findings_free(findings);
    findings_free(NULL);
}

static void json_holds_the_same(void **state) {
    struct findings *findings = example();
    struct buffer text;

    (void)state;
    buffer_init(&text, 1 << 20);
    report_json(findings, &text);
    assert_string_equal(
        buffer_text(&text),
        "{\"findings\":["
        "{\"about\":\"First\",\"level\":\"ok\",\"name\":\"first.good\",\"found\":\"good\"},"
        "{\"about\":\"First\",\"level\":\"note\",\"name\":\"first.known\",\"found\":\"known\"},"
        "{\"about\":\"Between\",\"level\":\"warning\",\"name\":\"between.odd\",\"found\":\"odd, 5%\","
        "\"remedy\":\"do this:\\nthat \\\"now\\\"\"},"
        "{\"about\":\"Last\",\"level\":\"error\",\"name\":\"last.bad\",\"found\":\"bad\"}],"
        "\"counts\":{\"ok\":1,\"note\":1,\"warning\":1,\"error\":1}}\n");
    buffer_free(&text);
    findings_free(findings);
}

// What AWS, or somebody in its place, says can forge no line, move no cursor and break no document.
static void texts_from_outside_are_made_harmless(void **state) {
    struct findings *findings = findings_new();
    struct subject *subject = findings_subject(findings, NULL, "A\x1b[2Jb");
    struct buffer json;

    (void)state;
    finding_remedy(finding_add(subject, FINDING_NOTE, "name", "%s",
                               "line\n  ok       forged \xff\xc3! \xc3\xa9 \xc2\x9b \x7f end"),
                   "one\n\ttwo\x1b");
    assert_text(findings, "A [2Jb\n"
                          "  note     line   ok       forged ?\?! \xc3\xa9     end\n"
                          "           -> one\n"
                          "               two \n"
                          "0 ok, 1 note, 0 warnings, 0 errors\n");
    buffer_init(&json, 1 << 20);
    report_json(findings, &json);
    cJSON *document = cJSON_Parse(buffer_text(&json));
    assert_non_null(document);
    cJSON_Delete(document);
    buffer_free(&json);
    findings_free(findings);
}

static void only_plain_texts_get_into_commands(void **state) {
    static const char *const others[] = {"",     "a*", "a b",  "a;b", "a'b",
                                         "a\"b", "$a", "a\nb", "`a`", "\xc3\xa9"};

    (void)state;
    assert_string_equal(finding_pasteable("https://sqs.eu-west-1.amazonaws.com/1/a_b.fifo", "URL"),
                        "https://sqs.eu-west-1.amazonaws.com/1/a_b.fifo");
    for (size_t index = 0; index < sizeof others / sizeof others[0]; index++) {
        assert_string_equal(finding_pasteable(others[index], "OTHER"), "OTHER");
    }
}

static void long_texts_are_cut(void **state) {
    static char text[100000];
    struct findings *findings = findings_new();
    struct subject *subject = findings_subject(findings, NULL, "Long");

    (void)state;
    memset(text, 'a', sizeof text - 1);
    const struct finding *finding = finding_add(subject, FINDING_NOTE, "long", "%s", text);
    assert_in_range(strlen(finding->found), 1000, 10000);
    findings_free(findings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_in_the_order_of_subjects),
        cmocka_unit_test(nothing_found_is_a_report_too),
        cmocka_unit_test(json_holds_the_same),
        cmocka_unit_test(texts_from_outside_are_made_harmless),
        cmocka_unit_test(only_plain_texts_get_into_commands),
        cmocka_unit_test(long_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
