// SPDX-License-Identifier: Apache-2.0
// The table that --on makes, in handle/table.h.
#include "base/buffer.h"
#include "handle/runner.h"
#include "handle/table.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

// Stands for the check of URLs, which has tests of its own.
bool http_runner_check(const char *url, struct error *error) {
    return strstr(url, "bad") == NULL || error_set(error, ERROR_USAGE, "the URL is bad");
}

static struct table *read(const char *text) {
    struct error error = {0};
    struct table *table = table_read(text, &error);
    if (table == NULL) {
        fail_msg("%s", error.text);
    }
    return table;
}

static void kinds_and_blanks(void **state) {
    static const struct {
        const char *text;
        enum handler_kind kind;
        const char *where;
    } cases[] = {
        {"order.created=sql:shop.reserve", HANDLER_SQL, "shop.reserve"},
        {"  order.created \t= sql: shop.\"a=b\" \r", HANDLER_SQL, "shop.\"a=b\""},
        {"order.created=http://127.0.0.1:80/a?b=c", HANDLER_HTTP, "http://127.0.0.1:80/a?b=c"},
        {"order.created=http:http://127.0.0.1/", HANDLER_HTTP, "http://127.0.0.1/"},
        {"order.created=http: https://api.example/", HANDLER_HTTP, "https://api.example/"},
        {"order.created=https://api.example/", HANDLER_HTTP, "https://api.example/"},
        {"order.created=exec:mail --to 'a b'", HANDLER_EXEC, "mail --to 'a b'"},
    };
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct table *table = read(cases[index].text);
        assert_int_equal(table->line_count, 1);
        assert_string_equal(table->lines[0].pattern, "order.created");
        assert_int_equal(table->handlers[0].kind, cases[index].kind);
        assert_string_equal(table->handlers[0].where, cases[index].where);
        table_free(table);
    }
}

static void commands_are_split(void **state) {
    (void)state;
    struct table *table = read("**=exec: mail --to 'a b' ");
    assert_string_equal(table->handlers[0].words[0], "mail");
    assert_string_equal(table->handlers[0].words[2], "a b");
    assert_null(table->handlers[0].words[3]);
    table_free(table);
}

static void empty_lines_and_comments_do_not_count(void **state) {
    (void)state;
    struct table *table = read("\n# orders\n  \t\r\n  # =\na=sql:s.f\n\nb.*=sql:s.g\r\n");
    assert_int_equal(table->line_count, 2);
    assert_string_equal(table->lines[1].pattern, "b.*");
    assert_string_equal(table->handlers[1].where, "s.g");
    table_free(table);
    table = read("");
    assert_int_equal(table->line_count, 0);
    table_free(table);
}

static void errors_name_line_rule_and_remedy(void **state) {
    static const struct {
        const char *text, *line, *rule;
    } cases[] = {
        {"a=sql:s.f\n\nb", "line 3: ", "it has no \"=\"; write PATTERN=HANDLER"},
        {"Order=sql:s.f", "line 1: ", "pattern \"Order\": each word must be"},
        {"=sql:s.f", "line 1: ", "1 to 256 bytes"},
        {"a=shop.f", "line 1: ", "its handler is none of sql:, http:, https: and exec:; write"},
        {"a=", "line 1: ", "its handler is none of"},
        {"a=sql:f", "line 1: ", "function f: the schema is missing; write schema.function"},
        {"a=sql:s.f()", "line 1: ", "neither arguments nor parentheses"},
        {"a=http://bad", "line 1: ", "the URL is bad"},
        {"a=exec:", "line 1: ", "it is empty"},
        {"a=exec:mail 'x", "line 1: ", "a quote is not closed"},
    };
    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct error error = {0};
        assert_null(table_read(cases[index].text, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_non_null(strstr(error.text, "--on (OUTBOX_ON), "));
        assert_non_null(strstr(error.text, cases[index].line));
        assert_non_null(strstr(error.text, cases[index].rule));
    }
}

static void secrets_of_commands_and_urls_are_not_shown(void **state) {
    static const char *const lines[] = {"a=exec:mail 'sesame", "a=http://bad?token=sesame",
                                        "a=ftp://sesame@x"};
    (void)state;
    for (size_t index = 0; index < sizeof lines / sizeof lines[0]; index++) {
        struct error error = {0};
        assert_null(table_read(lines[index], &error));
        assert_null(strstr(error.text, "sesame"));
    }
}

static void append_lines(struct buffer *text, const char *before, const char *behind, int count) {
    buffer_init(text, 64 << 10);
    for (int index = 0; index < count; index++) {
        buffer_append_format(text, "%s%d%s\n", before, index, behind);
    }
}

static void lines_and_functions_have_a_limit(void **state) {
    struct buffer text;
    struct error error = {0};
    (void)state;
    append_lines(&text, "a.b", "=exec:mail", 256);
    struct table *table = read(buffer_text(&text));
    assert_int_equal(table->line_count, 256);
    assert_int_equal(table->handler_count, 1);
    table_free(table);
    buffer_append_text(&text, "z=exec:mail");
    assert_null(table_read(buffer_text(&text), &error));
    assert_non_null(strstr(error.text, "line 257: there are more than 256 lines"));
    buffer_free(&text);
    append_lines(&text, "a=sql:s.f", "", 64);
    table_free(read(buffer_text(&text)));
    buffer_append_text(&text, "a=sql:s.other");
    assert_null(table_read(buffer_text(&text), &error));
    assert_non_null(strstr(error.text, "line 65: there are more than 64 functions"));
    buffer_free(&text);
}

static void a_handler_of_two_lines_runs_once(void **state) {
    bool matched[TABLE_LINES_MAX];
    (void)state;
    struct table *table = read("order.*=sql:shop.f\n"
                               "order.created=sql:\"shop\".\"f\"\n"
                               "**=exec:mail  'x'\n"
                               "user.**=exec:mail x\n"
                               "order.**=http://a/\n"
                               "order.*=http:http://a/\n"
                               "user.*=http://b/\n");
    assert_int_equal(table->line_count, 7);
    assert_int_equal(table->handler_count, 4);
    assert_int_equal(table_count(table, HANDLER_SQL), 1);
    assert_int_equal(table_count(table, HANDLER_HTTP), 2);
    assert_int_equal(table_match(table, "order.created", matched), 3);
    assert_true(matched[0] && matched[1] && matched[2] && !matched[3]);
    assert_int_equal(table_match(table, "user.registered", matched), 2);
    assert_true(!matched[0] && matched[1] && !matched[2] && matched[3]);
    assert_int_equal(table_match(table, "invoice", matched), 1);
    table_free(table);
}

static void a_command_that_begins_another_is_a_handler_of_its_own(void **state) {
    (void)state;
    struct table *table = read("a=exec:mail x\nb=exec:mail x y\n");
    assert_int_equal(table->handler_count, 2);
    table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_and_blanks),
        cmocka_unit_test(commands_are_split),
        cmocka_unit_test(empty_lines_and_comments_do_not_count),
        cmocka_unit_test(errors_name_line_rule_and_remedy),
        cmocka_unit_test(secrets_of_commands_and_urls_are_not_shown),
        cmocka_unit_test(lines_and_functions_have_a_limit),
        cmocka_unit_test(a_handler_of_two_lines_runs_once),
        cmocka_unit_test(a_command_that_begins_another_is_a_handler_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
