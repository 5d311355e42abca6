// SPDX-License-Identifier: Apache-2.0
// Tests of settings/config_file.h: what a config file may hold, and what is said of all else.
#include "settings/config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static void takes_bytes(const char *bytes, size_t length, const char *name, const char *value) {
    struct config_file file;
    struct error error = {0};
    if (!config_file_parse(&file, "file", bytes, length, &error)) {
        fail_msg("%s", error.text);
    }
    const struct config_entry *entry = config_file_find(&file, name);
    if (value == NULL) {
        assert_null(entry);
    } else {
        assert_non_null(entry);
        assert_string_equal(entry->value, value);
    }
    config_file_free(&file);
}

static void takes(const char *text, const char *name, const char *value) {
    takes_bytes(text, strlen(text), name, value);
}

static void refuses(const char *text, const char *message) {
    struct config_file file;
    struct error error = {0};
    assert_false(config_file_parse(&file, "file", text, strlen(text), &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_string_equal(error.text, message);
    assert_null(file.entries);
}

static void values_are_taken_as_they_are(void **state) {
    (void)state;
    takes("OUTBOX_SINK=stdout\n", "OUTBOX_SINK", "stdout");
    takes("OUTBOX_SINK=stdout", "OUTBOX_SINK", "stdout");
    takes("\n \t\n# c\n  # d\n  OUTBOX_SINK=stdout\n\n", "OUTBOX_SINK", "stdout");
    takes("A=b=c d#e$F`\"'\n", "A", "b=c d#e$F`\"'");
    takes("A=\nB=c", "A", NULL);
    takes("A=b\nAB=c", "AB", "c");
    takes("A=", "A", NULL);
    takes("", "A", NULL);
    takes("A=\303\244", "A", "\303\244");
    takes("lower_1=x", "lower_1", "x");
}

static void line_breaks_and_marks_of_other_systems(void **state) {
    (void)state;
    takes("A=b\r\nB=c\r\n", "A", "b");
    takes("A=b\r\nB=c\r\n", "B", "c");
    takes("\xEF\xBB\xBF"
          "A=b\r",
          "A", "b");
    takes("A='b\r\nc'\r\n", "A", "b\nc");
}

static void quoted_values(void **state) {
    (void)state;
    takes("A='b \\ \"c\" $d # e '\n", "A", "b \\ \"c\" $d # e ");
    takes("A=\"b \\\"c\\\" \\\\ \\$d \\` 'e'\"  \n", "A", "b \"c\" \\ $d ` 'e'");
    takes("A=''\n", "A", NULL);
    takes("A='b\n# no comment\nc'\nB=d\n", "A", "b\n# no comment\nc");
    takes("A='b\n# no comment\nc'\nB=d\n", "B", "d");
    refuses("A='b\nc", "line 1 of file: the value of A begins with a quote that nothing closes");
    refuses("A='b'c",
            "line 1 of file: the value of A goes on behind the closing quote; nothing may follow there");
    refuses("\nA=\"b\\n\"",
            "line 2 of file: the value of A has a backslash in double quotes that is not before \" \\ $ "
            "or `; use single quotes");
    refuses("A=\"b\\",
            "line 1 of file: the value of A has a backslash in double quotes that is not before \" \\ $ "
            "or `; use single quotes");
}

static void what_others_read_differently_is_refused(void **state) {
    (void)state;
    refuses("A=b\\c", "line 1 of file: the value of A holds a backslash; put it into single quotes");
    refuses("A=b # c",
            "line 1 of file: the value of A is followed by a #; a comment needs a line of its own, and a "
            "value that holds a # behind a blank needs quotes");
    refuses("A=b ",
            "line 1 of file: the value of A has blanks before or behind it; remove them or use quotes");
    refuses("A= b",
            "line 1 of file: the value of A has blanks before or behind it; remove them or use quotes");
    refuses("A =b", "line 1 of file: leave out the blanks before the =");
    refuses("\n\nexport A=b", "line 3 of file: leave out the word export: this is no shell script");
    refuses("A", "line 1 of file: A has no value; write A=VALUE, or leave the line out");
    refuses("; c", "line 1 of file: a comment begins with #, not with ;");
    refuses("=b", "line 1 of file: it begins with no variable's name; write NAME=VALUE");
    refuses("1A=b", "line 1 of file: it begins with no variable's name; write NAME=VALUE");
    refuses("A-B=c", "line 1 of file: a variable's name has letters, digits and _ only, and a = behind it");
    refuses("A=b\001", "line 1 of file: the value of A holds a control character; remove it");
    refuses("A=b\rc", "line 1 of file: the value of A holds a control character; remove it");
    refuses("A=b\n\nC=\377",
            "line 3 of file: it holds bytes that are not UTF-8; write the file as UTF-8 text");
}

static void zero_bytes_are_refused(void **state) {
    (void)state;
    struct config_file file;
    struct error error = {0};
    assert_false(config_file_parse(&file, "file", "A=b\nB\0=c", 8, &error));
    assert_string_equal(error.text, "line 2 of file: it holds a zero byte; write the file as UTF-8 text");
}

static void names_of_others_are_passed_over_and_ours_are_known(void **state) {
    (void)state;
    takes("SHOP_COLOUR=red\nAWS_SOMETHING=x\nOUTBOX_SINK=stdout", "OUTBOX_SINK", "stdout");
    takes("OUTBOX_WEBHOOK_SECRET_FILE=/run/secret", "OUTBOX_WEBHOOK_SECRET_FILE", "/run/secret");
    refuses("OUTBOX_SINKS=stdout", "line 1 of file: OUTBOX_SINKS is no setting; did you mean OUTBOX_SINK; "
                                   "outbox-relay help settings lists "
                                   "them");
    refuses("OUTBOX_COLOUR=red",
            "line 1 of file: OUTBOX_COLOUR is no setting; outbox-relay help settings lists them");
    refuses("OUTBOX_SINK_FILE=x",
            "line 1 of file: OUTBOX_SINK_FILE is no setting; outbox-relay help settings lists them");
    refuses("OUTBOX_CONFIG=x",
            "line 1 of file: OUTBOX_CONFIG names this file and cannot be set in it; leave it out");
}

static void only_handlers_are_repeated(void **state) {
    (void)state;
    takes("OUTBOX_ON=a=exec:b\nOUTBOX_SINK=handlers\nOUTBOX_ON='c=exec:d\ne=exec:f'", "OUTBOX_ON",
          "a=exec:b\nc=exec:d\ne=exec:f");
    refuses("OUTBOX_SINK=sns\nA=b\nOUTBOX_SINK=stdout",
            "line 3 of file: OUTBOX_SINK is set in line 1 already; remove one");
    refuses("A=b\nA=c", "line 2 of file: A is set in line 1 already; remove one");
}

static void no_value_is_shown(void **state) {
    (void)state;
    static const char *const texts[] = {"DATABASE_URL=hunter2\\", "DATABASE_URL='hunter2",
                                        "DATABASE_URL=\"hunter2\" hunter2", "DATABASE_URL= hunter2",
                                        "DATABASE_URL=hunter2 # hunter2"};
    for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
        struct config_file file;
        struct error error = {0};
        assert_false(config_file_parse(&file, "file", texts[index], strlen(texts[index]), &error));
        assert_null(strstr(error.text, "hunter2"));
    }
}

static void a_file_with_secrets_that_all_may_read_is_noted(void **state) {
    (void)state;
    char path[] = "/tmp/config_file_test.XXXXXX";
    static const char secret[] = "DATABASE_URL=postgresql://u:p@h/d\n", harmless[] = "DATABASE_URL_FILE=/x\n";
    struct config_file file;
    struct error error = {0};
    int descriptor = mkstemp(path);
    assert_int_equal(write(descriptor, secret, sizeof secret - 1), sizeof secret - 1);
    assert_true(config_file_read(&file, path, &error));
    assert_false(file.exposed);
    config_file_free(&file);
    assert_int_equal(fchmod(descriptor, 0644), 0);
    assert_true(config_file_read(&file, path, &error));
    assert_true(file.exposed);
    config_file_free(&file);
    assert_int_equal(ftruncate(descriptor, 0), 0);
    assert_int_equal(pwrite(descriptor, harmless, sizeof harmless - 1, 0), sizeof harmless - 1);
    assert_true(config_file_read(&file, path, &error));
    assert_false(file.exposed);
    config_file_free(&file);
    assert_int_equal(ftruncate(descriptor, CONFIG_FILE_SIZE_MAX + 1), 0);
    assert_false(config_file_read(&file, path, &error));
    assert_non_null(strstr(error.text, "has more than 262144 bytes"));
    close(descriptor);
    unlink(path);
    assert_false(config_file_read(&file, path, &error));
    assert_non_null(strstr(error.text, "cannot be read: No such file or directory"));
}

static void libraries_get_theirs_by_the_environment(void **state) {
    (void)state;
    static const char text[] = "PGHOST=db\nPGUSER=relay\nPGX_1=x\nhttps_proxy=p\nOUTBOX_SINK=stdout\n";
    struct config_file file;
    clearenv();
    setenv("PGUSER", "other", 1);
    assert_true(config_file_parse(&file, "file", text, strlen(text), NULL));
    config_file_export(&file);
    config_file_free(&file);
    assert_string_equal(getenv("PGHOST"), "db");
    assert_string_equal(getenv("PGUSER"), "other");
    assert_string_equal(getenv("https_proxy"), "p");
    assert_null(getenv("OUTBOX_SINK"));
    assert_null(getenv("PGX_1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_taken_as_they_are),
        cmocka_unit_test(line_breaks_and_marks_of_other_systems),
        cmocka_unit_test(quoted_values),
        cmocka_unit_test(what_others_read_differently_is_refused),
        cmocka_unit_test(zero_bytes_are_refused),
        cmocka_unit_test(names_of_others_are_passed_over_and_ours_are_known),
        cmocka_unit_test(only_handlers_are_repeated),
        cmocka_unit_test(no_value_is_shown),
        cmocka_unit_test(a_file_with_secrets_that_all_may_read_is_noted),
        cmocka_unit_test(libraries_get_theirs_by_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
