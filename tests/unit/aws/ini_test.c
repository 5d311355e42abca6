// SPDX-License-Identifier: Apache-2.0
// The syntax of the shared files: what is read, what is passed over, what is refused, and where.
#include "aws/ini.h"

#include <stdio.h>
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

enum { TEXT_SIZE = 2048 };

// Writes entries as "[section]", "name=value" and "outer.name=value", each with a '|' behind it.
static void write_entries(char *text, const struct aws_ini *ini) {
    size_t length = 0;
    for (size_t index = 0; index < ini->count; index++) {
        const struct aws_ini_entry *entry = &ini->entries[index];
        if (entry->section != NULL) {
            length += (size_t)snprintf(text + length, TEXT_SIZE - length, "[%s]|", entry->section);
        } else {
            length += (size_t)snprintf(text + length, TEXT_SIZE - length, "%s%s%s=%s|", entry->outer,
                                       entry->outer[0] == '\0' ? "" : ".", entry->name, entry->value);
        }
    }
    text[length] = '\0';
}

static void assert_read(const char *text, const char *expected) {
    char copy[TEXT_SIZE], written[TEXT_SIZE];
    struct aws_ini ini;
    struct error error = {0};

    snprintf(copy, sizeof copy, "%s", text);
    if (!aws_ini_parse(&ini, copy, "config", &error)) {
        fail_msg("%s", error.text);
    }
    write_entries(written, &ini);
    assert_string_equal(written, expected);
    aws_ini_free(&ini);
}

static void assert_refused(const char *text, const char *expected) {
    char copy[TEXT_SIZE];
    struct aws_ini ini;
    struct error error = {0};

    snprintf(copy, sizeof copy, "%s", text);
    assert_false(aws_ini_parse(&ini, copy, "config", &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_string_equal(error.text, expected);
    assert_null(ini.entries);
}

static void sections_and_settings_are_read_in_order(void **state) {
    (void)state;
    assert_read("", "");
    assert_read("[profile foo]", "[profile foo]|");
    assert_read("[a]\nx = 1\ny=2\n[b]\nx = 3\n[a]\nx = 4\n", "[a]|x=1|y=2|[b]|x=3|[a]|x=4|");
    assert_read("[  a \t]\nx \t=  \tvalue \t\n", "[a]|x=value|");
    assert_read("[a]\r\nx = 1\r\n\r\n[b]\r\n", "[a]|x=1|[b]|");
    assert_read("\xef\xbb\xbf[a]\nx = 1", "[a]|x=1|");
    assert_read("\t \n[a]\n\t\n \nx = 1\n\t \n[b]\n \t", "[a]|x=1|[b]|");
    assert_read("[a]\nx = a=b==\ny =\nz = \xf0\x9f\x98\x82", "[a]|x=a=b==|y=|z=\xf0\x9f\x98\x82|");
    assert_read("[\"my profile\"]\n[]\n", "[\"my profile\"]|[]|");
}

static void names_are_read_in_lower_case_and_values_as_they_are(void **state) {
    (void)state;
    assert_read("[Profile A]\nAWS_Access_Key_Id = AKIA\nS3 =\n Endpoint_URL = HTTP://X\n",
                "[Profile A]|aws_access_key_id=AKIA|s3=|s3.endpoint_url=HTTP://X|");
    assert_read("[a]\nAZaz09_-/.%@:+\\ = 1\n", "[a]|azaz09_-/.%@:+\\=1|");
}

static void comments_are_left_out(void **state) {
    (void)state;
    assert_read("# one\n; two\n[a] # three\n[b]; four\n[c]# five\n#x = 1\n;x = 1\n", "[a]|[b]|[c]|");
    assert_read("[a]\nx = 1 # one # two\ny = 2\t; three\nz = 3 #\n", "[a]|x=1|y=2|z=3|");
    assert_read("[a]\nx = 1# one\ny = 2; two\nz = a # b", "[a]|x=1# one|y=2; two|z=a|");
    assert_read("[a]\nx = # nothing\n", "[a]|x=|");
    assert_read("[a]\nx =\n # one\n y = 1\n\t; two\n z = 2", "[a]|x=|x.y=1|x.z=2|");
}

static void values_go_on_in_indented_lines(void **state) {
    (void)state;
    assert_read("[a]\nx = one\n two\n\t three \t\ny = 1", "[a]|x=one\ntwo\nthree|y=1|");
    assert_read("[a]\r\nx = one\r\n two = 2 # no comment\r\n", "[a]|x=one\ntwo = 2 # no comment|");
    assert_read("[a]\nx = one # comment\n two", "[a]|x=one\ntwo|");
    assert_read("[a]\nx = one\n\n two", "[a]|x=one\ntwo|");
    assert_read("[a]\nx = one\n [b]", "[a]|x=one\n[b]|");
}

static void settings_stand_below_one_without_a_value(void **state) {
    (void)state;
    assert_read("[services s]\nsns =\n  endpoint_url = http://h # x\n  other =\nsqs =\n\tendpoint_url=i\n",
                "[services s]|sns=|sns.endpoint_url=http://h # x|sns.other=|sqs=|sqs.endpoint_url=i|");
}

static void settings_with_other_names_are_passed_over(void **state) {
    (void)state;
    assert_read("[a]\nin valid = 1\n and more\nx = 2\n", "[a]|x=2|");
    assert_read("[a]\nx =\n in valid = 1\n y = 2\n", "[a]|x=|x.y=2|");
    assert_read("[a]\nna\xc3\xafve = 1\n", "[a]|");
}

static void malformed_lines_are_named_but_not_shown(void **state) {
    (void)state;
    assert_refused("[a]\n\n[secret", "config, line 3: a [section] must end with ]");
    assert_refused("[a] secret = 1", "config, line 1: only a comment may follow the ] of a [section]");
    assert_refused("# x\nsecret = 1\n[a]", "config, line 2: a [section] must come first");
    assert_refused("  secret = 1\n",
                   "config, line 1: an indented line must follow a setting that it belongs to");
    assert_refused("[a]\r\nx = 1\r\nsecret\r\n",
                   "config, line 3: a line must be [section], name = value, or a comment that begins with #");
    assert_refused("[a]\nsecret # = 1",
                   "config, line 2: a line must be [section], name = value, or a comment that begins with #");
    assert_refused("[a]\nsecret: 1",
                   "config, line 2: a line must be [section], name = value, or a comment that begins with #");
    assert_refused("[a]\n= secret", "config, line 2: there must be a name before the =");
    assert_refused("[a]\n secret",
                   "config, line 2: an indented line must follow a setting that it belongs to");
    assert_refused("[a]\nx = 1\n[a]\n secret",
                   "config, line 4: an indented line must follow a setting that it belongs to");
    assert_refused("[a]\nx =\n secret",
                   "config, line 3: a line must be [section], name = value, or a comment that begins with #");
    assert_refused("[a]\nx =\n = secret", "config, line 3: there must be a name before the =");
}

static void many_entries_fit(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    char *text = calloc(COUNT, 16);
    size_t length = 0;
    struct aws_ini ini;

    for (int index = 0; index < COUNT; index++) {
        length += (size_t)sprintf(text + length, "[%d]\nx=%d\n", index, index);
    }
    assert_true(aws_ini_parse(&ini, text, "config", NULL));
    assert_int_equal(ini.count, 2 * COUNT);
    assert_string_equal(ini.entries[2 * COUNT - 2].section, "999");
    assert_string_equal(ini.entries[2 * COUNT - 1].value, "999");
    aws_ini_free(&ini);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_settings_are_read_in_order),
        cmocka_unit_test(names_are_read_in_lower_case_and_values_as_they_are),
        cmocka_unit_test(comments_are_left_out),
        cmocka_unit_test(values_go_on_in_indented_lines),
        cmocka_unit_test(settings_stand_below_one_without_a_value),
        cmocka_unit_test(settings_with_other_names_are_passed_over),
        cmocka_unit_test(malformed_lines_are_named_but_not_shown),
        cmocka_unit_test(many_entries_fit),
    };
    return cmocka_run_group_tests_name("aws/ini", tests, NULL, NULL);
}
