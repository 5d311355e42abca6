// SPDX-License-Identifier: Apache-2.0
// Tests of the config file as a source of settings, and of settings/reload.h.
#include "settings/reload.h"

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

static char config[] = "/tmp/reload_test_config.XXXXXX";
static char secret[] = "/tmp/reload_test_secret.XXXXXX";

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_files(void **state) {
    (void)state;
    return close(mkstemp(config)) != 0 || close(mkstemp(secret)) != 0;
}

static int remove_files(void **state) {
    (void)state;
    return unlink(config) != 0 || unlink(secret) != 0;
}

static int empty_environment(void **state) {
    (void)state;
    return clearenv();
}

static bool read_run(struct settings *settings, const char *flag, struct error *error) {
    char texts[3][256];
    char *argv[] = {texts[0], texts[1], texts[2]};
    int operand_count = 0;
    (void)snprintf(texts[0], sizeof texts[0], "--config");
    (void)snprintf(texts[1], sizeof texts[1], "%s", config);
    (void)snprintf(texts[2], sizeof texts[2], "%s", flag != NULL ? flag : "");
    return settings_read(settings, "run", flag != NULL ? 3 : 2, argv, NULL, &operand_count, error);
}

static void flag_then_environment_then_file_then_default(void **state) {
    (void)state;
    struct settings settings;
    struct error error = {0};
    write_file(config, "OUTBOX_SINK=stdout\nOUTBOX_CLAIMS=7\nOUTBOX_RATE_LIMIT=5\nAWS_REGION=eu-west-1\n"
                       "OUTBOX_ON=a=exec:b\nOUTBOX_ON=c=exec:d\nOUTBOX_QUEUE_URL=not-looked-at\n");
    setenv("OUTBOX_CLAIMS", "8", 1);
    setenv("OUTBOX_RATE_LIMIT", "6", 1);
    setenv("AWS_DEFAULT_REGION", "eu-west-2", 1);
    assert_true(read_run(&settings, "--rate-limit=9", &error));
    assert_int_equal(settings.sink, SINK_STDOUT);
    assert_int_equal(settings.claims, 8);
    assert_int_equal(settings.rate_limit, 9);
    assert_int_equal(settings.batch_rows, 1000);
    assert_string_equal(settings.aws_region, "eu-west-2");
    assert_string_equal(settings.on, "a=exec:b\nc=exec:d");
    assert_string_equal(settings.config, config);
    settings_free(&settings);
}

static void the_variable_names_the_file_as_well(void **state) {
    (void)state;
    struct settings settings;
    struct error error = {0};
    int operand_count = 0;
    write_file(config, "OUTBOX_CLAIMS=3\n");
    setenv("OUTBOX_CONFIG", config, 1);
    assert_true(settings_read(&settings, "run", 0, NULL, NULL, &operand_count, &error));
    assert_int_equal(settings.claims, 3);
    settings_free(&settings);
}

static void errors_name_the_line(void **state) {
    (void)state;
    struct settings settings;
    struct error error = {0};
    char expected[512];
    write_file(config, "# x\nOUTBOX_CLAIMS=many\n");
    assert_false(read_run(&settings, NULL, &error));
    (void)snprintf(expected, sizeof expected,
                   "OUTBOX_CLAIMS (line 2 of %s) is \"many\"; it must be a whole number from 1 to 16",
                   config);
    assert_string_equal(error.text, expected);
    write_file(config, "DATABASE_URL=postgresql://a/b\nDATABASE_URL_FILE=/x\n");
    assert_false(read_run(&settings, NULL, &error));
    assert_non_null(strstr(error.text, "DATABASE_URL and DATABASE_URL_FILE are both set in /tmp/"));
}

static void reload_expecting(struct settings *settings, const char *applied, const char *waiting) {
    struct settings fresh;
    struct settings_changes changes;
    struct error error = {0};
    settings_changes_init(&changes);
    if (!settings_read_again(&fresh, settings, &error)) {
        fail_msg("%s", error.text);
    }
    settings_adopt(settings, &fresh, NULL, &changes);
    assert_string_equal(buffer_text(&changes.applied), applied);
    assert_string_equal(buffer_text(&changes.waiting), waiting);
    settings_changes_free(&changes);
}

static void a_reload_takes_what_it_may(void **state) {
    (void)state;
    struct settings settings;
    struct error error = {0};
    write_file(config, "OUTBOX_RATE_LIMIT=5\nOUTBOX_CLAIMS=3\nOUTBOX_RETRY_MAX=1m\n");
    setenv("OUTBOX_RETRY_BASE", "2s", 1);
    assert_true(read_run(&settings, "--log-level=debug", &error));
    reload_expecting(&settings, "", "");
    assert_int_equal(settings.generation, 0);
    write_file(config, "OUTBOX_RATE_LIMIT=50\nOUTBOX_CLAIMS=4\nOUTBOX_RETRY_BASE=9s\nOUTBOX_LOG_LEVEL=error\n"
                       "OUTBOX_LOG_FORMAT=json\nPGHOST=elsewhere\n");
    setenv("OUTBOX_RETRY_BASE", "3s", 1); // nothing outside can do that; the first value counts
    reload_expecting(&settings, "OUTBOX_RETRY_MAX, OUTBOX_RATE_LIMIT, OUTBOX_LOG_FORMAT",
                     "OUTBOX_CLAIMS, PGHOST");
    assert_int_equal(settings.rate_limit, 50);
    assert_int_equal(settings.claims, 3);
    assert_int_equal(settings.retry_base, 2000000);
    assert_int_equal(settings.retry_max, 300000000);
    assert_int_equal(settings.log_level, LOG_DEBUG);
    assert_int_equal(settings.log_format, LOG_AS_JSON);
    assert_true(settings.generation > 0);
    settings_free(&settings);
}

static void secrets_are_read_again_though_the_environment_has_forgotten_them(void **state) {
    (void)state;
    struct settings settings;
    struct error error = {0};
    int operand_count = 0;
    char url[] = "DATABASE_URL=postgresql://first@h/d";
    putenv(url);
    setenv("OUTBOX_WEBHOOK_SECRET_FILE", secret, 1);
    write_file(secret, "one\n");
    assert_true(settings_read(&settings, "run", 0, NULL, NULL, &operand_count, &error));
    settings_forget_environment();
    write_file(secret, "two\n");
    reload_expecting(&settings, "OUTBOX_WEBHOOK_SECRET", "");
    assert_string_equal(settings.webhook_secret, "two");
    assert_string_equal(settings.database_url, "postgresql://first@h/d");
    settings_free(&settings);
}

static void an_error_changes_nothing(void **state) {
    (void)state;
    struct settings settings, fresh;
    struct error error = {0};
    write_file(config, "OUTBOX_RATE_LIMIT=5\n");
    assert_true(read_run(&settings, NULL, &error));
    write_file(config, "OUTBOX_RATE_LIMIT=6\nOUTBOX_RATE_LIMITS=7\n");
    assert_false(settings_read_again(&fresh, &settings, &error));
    assert_non_null(strstr(error.text, "line 2 of "));
    assert_int_equal(settings.rate_limit, 5);
    settings_free(&settings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(flag_then_environment_then_file_then_default, empty_environment),
        cmocka_unit_test_setup(the_variable_names_the_file_as_well, empty_environment),
        cmocka_unit_test_setup(errors_name_the_line, empty_environment),
        cmocka_unit_test_setup(a_reload_takes_what_it_may, empty_environment),
        cmocka_unit_test_setup(secrets_are_read_again_though_the_environment_has_forgotten_them,
                               empty_environment),
        cmocka_unit_test_setup(an_error_changes_nothing, empty_environment),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
