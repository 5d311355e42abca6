// SPDX-License-Identifier: Apache-2.0
// Tests of the table of options (settings/options.h) and of the help pages made from it (settings/help.h).
#include "settings/help.h"
#include "settings/options.h"
#include "settings/settings.h"

#include <ctype.h>
#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

static size_t size_of_member(const struct option *option) {
    return option->kind == OPTION_TEXT ? sizeof(char *) : sizeof(int64_t);
}

static void every_member_of_the_settings_has_exactly_one_option(void **state) {
    (void)state;
    unsigned char used[sizeof(struct settings)] = {0};
    for (int index = 0; index < OPTION_COUNT; index++) {
        for (size_t byte = 0; byte < size_of_member(&options[index]); byte++) {
            assert_int_equal(used[options[index].offset + byte]++, 0);
        }
    }
    for (size_t byte = 0; byte < offsetof(struct settings, generation);
         byte++) { // what follows is no setting
        assert_int_equal(used[byte], 1);
    }
}

static const char *name_of(const struct option *option) {
    return option->variable == NULL ? option->flag : option->variable;
}

static void names_are_unique_and_flags_match_their_variables(void **state) {
    (void)state;
    for (int index = 0; index < OPTION_COUNT; index++) {
        const struct option *option = &options[index];
        for (int other = 0; other < index; other++) {
            assert_string_not_equal(name_of(option), name_of(&options[other]));
        }
        if (option->flag == NULL || option->variable == NULL) {
            continue;
        }
        const char *variable = option->variable;
        variable += strncmp(variable, "OUTBOX_", 7) == 0 ? 7 : 0;
        assert_int_equal(strlen(variable), strlen(option->flag));
        for (size_t place = 0; option->flag[place] != '\0'; place++) {
            char expected =
                option->flag[place] == '-' ? '_' : (char)toupper((unsigned char)option->flag[place]);
            assert_int_equal(variable[place], expected);
        }
    }
}

// Command lines are public. Only the database URL, of which libpq's users expect it, can be a secret there.
static void a_secret_has_no_flag(void **state) {
    (void)state;
    for (int index = 0; index < OPTION_COUNT; index++) {
        assert_true(!options[index].secret || options[index].flag == NULL ||
                    strcmp(options[index].flag, "database-url") == 0);
    }
}

static void every_option_is_complete(void **state) {
    (void)state;
    for (int index = 0; index < OPTION_COUNT; index++) {
        const struct option *option = &options[index];
        int64_t value = INT64_MIN;
        assert_true(strlen(option->help) > 5);
        assert_int_not_equal(option->commands, 0);
        assert_true(option->flag != NULL || option->variable != NULL);
        assert_true(!option->secret ||
                    option->kind == OPTION_TEXT); // no secret reaches an error about a value
        assert_true(option->secret || !option->from_file);
        if (option->kind != OPTION_TEXT) {
            assert_true(option_parse(option, option->fallback, &value));
            assert_true((value == SETTING_UNSET) == (option->fallback[0] == '\0'));
        }
        bool ranged =
            option->kind == OPTION_INTEGER || option->kind == OPTION_DURATION || option->kind == OPTION_BYTES;
        assert_true(ranged == (option->maximum > option->minimum));
        assert_true((option->kind == OPTION_CHOICE) == (option->choices != NULL));
    }
}

static const struct option *find(const char *variable) {
    for (int index = 0; index < OPTION_COUNT; index++) {
        if (strcmp(name_of(&options[index]), variable) == 0) {
            return &options[index];
        }
    }
    fail_msg("no option %s", variable);
    return NULL;
}

static void the_whole_range_is_allowed_and_nothing_beyond(void **state) {
    (void)state;
    static const struct {
        const char *variable;
        const char *lowest, *highest, *below, *above;
    } cases[] = {
        {"OUTBOX_BATCH_ROWS", "1", "10000", "0", "10001"},
        {"OUTBOX_CLAIMS", "1", "16", "0", "17"},
        {"OUTBOX_MAX_IN_FLIGHT", "1", "1024", "0", "1025"},
        {"OUTBOX_POLL_INTERVAL", "10ms", "1h", "9ms", "3601s"},
        {"OUTBOX_REQUEST_TIMEOUT", "100ms", "5m", "99ms", "301s"},
        {"OUTBOX_RETRY_BASE", "1ms", "1h", "0", "61m"},
        {"OUTBOX_RETRY_MAX", "1ms", "24h", "0", "25h"},
        {"OUTBOX_MAX_MESSAGE_BYTES", "1k", "1MiB", "1023", "1048577"},
        {"OUTBOX_SHUTDOWN_TIMEOUT", "0", "1h", "-1s", "61m"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        const struct option *option = find(cases[index].variable);
        int64_t value = -1;
        assert_true(option_parse(option, cases[index].lowest, &value));
        assert_int_equal(value, option->minimum);
        assert_true(option_parse(option, cases[index].highest, &value));
        assert_int_equal(value, option->maximum);
        assert_false(option_parse(option, cases[index].below, &value));
        assert_false(option_parse(option, cases[index].above, &value));
    }
}

static void help_of_a_command_lists_what_it_accepts_and_nothing_else(void **state) {
    (void)state;
    static const char *const commands[] = {"run",  "migrate", "publish", "retry",
                                           "park", "pause",   "resume",  "check"};
    for (size_t command = 0; command < sizeof commands / sizeof commands[0]; command++) {
        struct buffer page;
        buffer_init(&page, 65536);
        help_append_options(&page, commands[command]);
        assert_false(page.overflow);
        for (int index = 0; index < OPTION_COUNT; index++) {
            bool accepted = (options[index].commands & option_command_mask(commands[command])) != 0;
            assert_true(accepted == (strstr(buffer_text(&page), options[index].help) != NULL));
            assert_true(!accepted || strstr(buffer_text(&page), name_of(&options[index])) != NULL);
        }
        buffer_free(&page);
    }
}

static void help_shows_flag_variable_meaning_range_and_default(void **state) {
    (void)state;
    struct buffer page;
    buffer_init(&page, 65536);
    help_append_options(&page, "run");
    assert_non_null(strstr(buffer_text(&page),
                           "  --batch-rows NUMBER             OUTBOX_BATCH_ROWS\n"
                           "      rows claimed at a time (1 to 10000) [default: 1000]\n"));
    assert_non_null(strstr(buffer_text(&page), " AWS_REGION or AWS_DEFAULT_REGION\n"));
    assert_non_null(
        strstr(buffer_text(&page), "profile.\n\n  AWS_ACCESS_KEY_ID or AWS_ACCESS_KEY_ID_FILE\n"));
    assert_non_null(strstr(buffer_text(&page), "\n  AWS_SESSION_TOKEN or AWS_SESSION_TOKEN_FILE\n"));
    assert_non_null(strstr(buffer_text(&page), "(error, warn, info, debug) [default: info]\n"));
    assert_non_null(strstr(buffer_text(&page), "\n  AWS_CONTAINER_AUTHORIZATION_TOKEN\n"));
    buffer_clear(&page);
    help_append_options(&page, "retry");
    assert_null(strstr(buffer_text(&page), "AWS"));
    assert_non_null(strstr(buffer_text(&page), "\n  --pattern TEXT\n      the event types to try again"));
    buffer_clear(&page);
    help_append_options(&page, "version");
    assert_int_equal(page.length, 0);
    buffer_free(&page);
}

static int count(const char *text, char character) {
    int number = 0;
    for (; *text != '\0'; text++) {
        number += *text == character ? 1 : 0;
    }
    return number;
}

static int count_of(bool flagged) {
    int number = 0;
    for (int index = 0; index < OPTION_COUNT; index++) {
        number += (options[index].flag != NULL) == flagged ? 1 : 0;
    }
    return number;
}

static void the_markdown_tables_have_a_row_for_each_option(void **state) {
    (void)state;
    struct buffer table;
    buffer_init(&table, 65536);
    help_append_table(&table);
    const char *text = buffer_text(&table);
    assert_int_equal(count(text, '\n'), OPTION_COUNT + 2 + 3 + 2);
    assert_int_equal(count(text, '|'), (count_of(true) + 2) * 6 + (count_of(false) + 2) * 5);
    assert_non_null(strstr(
        text, "\n| `--batch-rows` | `OUTBOX_BATCH_ROWS` | `1000` | 1 to 10000 | rows claimed at a time |\n"));
    assert_non_null(strstr(text, "\n| `--reason` | | | | why, for whoever looks at it next |\n"));
    assert_non_null(
        strstr(text, "\n| `AWS_SECRET_ACCESS_KEY` or `AWS_SECRET_ACCESS_KEY_FILE` | | | its secret |\n"));
    assert_non_null(strstr(text, "\n| `AWS_USE_FIPS_ENDPOINT` | | true, false | "));
    buffer_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_of_the_settings_has_exactly_one_option),
        cmocka_unit_test(names_are_unique_and_flags_match_their_variables),
        cmocka_unit_test(a_secret_has_no_flag),
        cmocka_unit_test(every_option_is_complete),
        cmocka_unit_test(the_whole_range_is_allowed_and_nothing_beyond),
        cmocka_unit_test(help_of_a_command_lists_what_it_accepts_and_nothing_else),
        cmocka_unit_test(help_shows_flag_variable_meaning_range_and_default),
        cmocka_unit_test(the_markdown_tables_have_a_row_for_each_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
