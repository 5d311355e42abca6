// SPDX-License-Identifier: Apache-2.0
// Tests of settings/settings.h: where values come from, and what an error says. The environment is emptied
// before each test.
#include "settings/settings.h"

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

enum { ARGUMENTS_MAX = 8, TEXT_SIZE = 256 };

#define SECRET "postgres://user:hunter2@db/shop"

// One call of settings_read: the arguments are writable copies, as main gets them.
struct call {
    struct settings settings;
    struct error error;
    const char *operands[3];
    int operand_count;
    int argc;
    char texts[ARGUMENTS_MAX][TEXT_SIZE];
    char *argv[ARGUMENTS_MAX];
};

static bool read_with(struct call *call, const char *command, const char *const *arguments) {
    memset(call, 0, sizeof *call);
    call->operand_count = strcmp(command, "run") == 0 ? 0 : 3;
    while (arguments[call->argc] != NULL) {
        (void)snprintf(call->texts[call->argc], TEXT_SIZE, "%s", arguments[call->argc]);
        call->argv[call->argc] = call->texts[call->argc];
        call->argc++;
    }
    return settings_read(&call->settings, command, call->argc, call->argv, call->operands,
                         &call->operand_count, &call->error);
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static int empty_environment(void **state) {
    (void)state;
    return clearenv();
}

static void defaults_are_what_the_manual_says(void **state) {
    (void)state;
    struct call call;
    assert_true(read_with(&call, "run", ARGUMENTS()));
    const struct settings *settings = &call.settings;
    assert_string_equal(settings->database_url, "");
    assert_string_equal(settings->topic_arn, "");
    assert_string_equal(settings->topic_arn_prefix, "");
    assert_int_equal(settings->sink, SINK_SNS);
    assert_int_equal(settings->format, FORMAT_DOMAIN_EVENT);
    assert_string_equal(settings->source, "outbox-relay");
    assert_int_equal(settings->batch_rows, 1000);
    assert_int_equal(settings->claims, 4);
    assert_int_equal(settings->max_in_flight, 256);
    assert_int_equal(settings->poll_interval, 1000000);
    assert_int_equal(settings->request_timeout, 10000000);
    assert_int_equal(settings->retry_base, 1000000);
    assert_int_equal(settings->retry_max, 300000000);
    assert_int_equal(settings->max_attempts, 25);
    assert_int_equal(settings->parked_head, PARKED_HEAD_BLOCKS);
    assert_int_equal(settings->rate_limit, 0);
    assert_int_equal(settings->claim_timeout, 20000000);
    assert_int_equal(settings->max_message_bytes, 262144);
    assert_int_equal(settings->shutdown_timeout, 25000000);
    assert_int_equal(settings->until_empty, 0);
    assert_int_equal(settings->log_level, LOG_INFO);
    assert_int_equal(settings->log_format, LOG_AS_TEXT);
    assert_string_equal(settings->aws_session_token, "");
    settings_free(&call.settings);
}

static void a_flag_goes_before_the_environment(void **state) {
    (void)state;
    struct call call;
    setenv("OUTBOX_CLAIMS", "5", 1);
    setenv("OUTBOX_TOPIC_ARN", "from-environment", 1);
    assert_true(read_with(&call, "run", ARGUMENTS("--topic-arn", "from-flag")));
    assert_string_equal(call.settings.topic_arn, "from-flag");
    assert_int_equal(call.settings.claims, 5);
    settings_free(&call.settings);
    setenv("OUTBOX_CLAIMS", "nonsense", 1); // not looked at when the flag is there
    assert_true(read_with(&call, "run", ARGUMENTS("--claims=6")));
    assert_int_equal(call.settings.claims, 6);
    settings_free(&call.settings);
}

static void flags_have_both_forms_and_the_last_one_counts(void **state) {
    (void)state;
    struct call call;
    assert_true(read_with(
        &call, "run",
        ARGUMENTS("--sink=stdout", "--sink", "sns", "--source=", "--topic-arn=a=b", "--until-empty")));
    assert_int_equal(call.settings.sink, SINK_SNS);
    assert_string_equal(call.settings.source, "");
    assert_string_equal(call.settings.topic_arn, "a=b");
    assert_int_equal(call.settings.until_empty, 1);
    settings_free(&call.settings);
    assert_true(read_with(&call, "run", ARGUMENTS("--until-empty", "--until-empty=no")));
    assert_int_equal(call.settings.until_empty, 0);
    settings_free(&call.settings);
}

static void an_empty_variable_is_not_set(void **state) {
    (void)state;
    struct call call;
    setenv("OUTBOX_CLAIMS", "", 1);
    setenv("OUTBOX_SOURCE", "", 1);
    setenv("AWS_REGION", "", 1);
    setenv("AWS_DEFAULT_REGION", "eu-west-1", 1);
    assert_true(read_with(&call, "run", ARGUMENTS()));
    assert_int_equal(call.settings.claims, 4);
    assert_string_equal(call.settings.source, "outbox-relay");
    assert_string_equal(call.settings.aws_region, "eu-west-1");
    settings_free(&call.settings);
    setenv("AWS_REGION", "us-east-1", 1);
    assert_true(read_with(&call, "run", ARGUMENTS()));
    assert_string_equal(call.settings.aws_region, "us-east-1");
    settings_free(&call.settings);
}

static void operands_are_collected_and_may_begin_with_a_dash_after_two(void **state) {
    (void)state;
    struct call call;
    assert_true(read_with(&call, "publish", ARGUMENTS("a.b", "--log-level", "debug", "-", "--", "--c")));
    assert_int_equal(call.operand_count, 3);
    assert_string_equal(call.operands[0], "a.b");
    assert_string_equal(call.operands[1], "-");
    assert_string_equal(call.operands[2], "--c");
    assert_int_equal(call.settings.log_level, LOG_DEBUG);
    settings_free(&call.settings);
}

static void what_only_one_call_is_about_has_no_variable(void **state) {
    (void)state;
    struct call call;
    setenv("OUTBOX_REASON", "from-environment", 1);
    setenv("REASON", "from-environment", 1);
    assert_true(read_with(&call, "park", ARGUMENTS("42")));
    assert_string_equal(call.settings.reason, "");
    assert_string_equal(call.settings.pattern, "");
    settings_free(&call.settings);
    assert_true(read_with(&call, "pause", ARGUMENTS("arn", "--reason", "from-flag")));
    assert_string_equal(call.settings.reason, "from-flag");
    settings_free(&call.settings);
    assert_false(read_with(&call, "resume", ARGUMENTS("arn", "--reason", "from-flag")));
    assert_int_equal(call.error.code, ERROR_USAGE);
}

static void a_variable_of_another_command_is_ignored(void **state) {
    (void)state;
    struct call call;
    setenv("OUTBOX_CLAIMS", "nonsense", 1);
    setenv("AWS_SESSION_TOKEN_FILE", "/nowhere", 1);
    assert_true(read_with(&call, "migrate", ARGUMENTS("up")));
    assert_int_equal(call.settings.claims, 4);
    settings_free(&call.settings);
}

static void the_database_url_leaves_the_argument_list(void **state) {
    (void)state;
    struct call call;
    assert_true(read_with(&call, "run", ARGUMENTS("--database-url", "first", "--database-url=" SECRET)));
    assert_string_equal(call.settings.database_url, SECRET);
    assert_string_equal(call.argv[1], "*****");
    assert_memory_equal(call.argv[2], "--database-url=*", 16);
    assert_int_equal(strspn(call.argv[2] + 15, "*"), strlen(SECRET));
    settings_free(&call.settings);
}

static void write_file(const char *path, const char *bytes, size_t length) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

// A directory of its own for files with secrets, removed by the last line of each test that uses it.
static const char *secret_path(void) {
    static char folder[64];
    static char path[80];
    (void)snprintf(folder, sizeof folder, "/tmp/outbox-relay-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/secret", folder);
    return path;
}

static void remove_secret(const char *path) {
    char folder[80];
    (void)snprintf(folder, sizeof folder, "%s", path);
    (void)unlink(path);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(rmdir(folder), 0);
}

static void a_secret_can_come_from_a_file(void **state) {
    (void)state;
    static const char *const contents[] = {"hunter2", "hunter2\n", "hunter2\r\n"};
    const char *path = secret_path();
    setenv("AWS_SECRET_ACCESS_KEY_FILE", path, 1);
    for (size_t index = 0; index < 3; index++) {
        struct call call;
        write_file(path, contents[index], strlen(contents[index]));
        assert_true(read_with(&call, "run", ARGUMENTS()));
        assert_string_equal(call.settings.aws_secret_access_key, "hunter2");
        settings_free(&call.settings);
    }
    struct call call;
    write_file(path, "two\nlines\n\n", 11);
    assert_true(read_with(&call, "run", ARGUMENTS()));
    assert_string_equal(call.settings.aws_secret_access_key, "two\nlines\n");
    settings_free(&call.settings);
    remove_secret(path);
}

// Services put a new token into the file now and then, so it is read when it is needed.
static void the_file_of_the_container_token_is_not_read(void **state) {
    (void)state;
    struct call call;
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hunter2", 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nowhere", 1);
    assert_true(read_with(&call, "run", ARGUMENTS()));
    assert_string_equal(call.settings.aws_container_authorization_token, "hunter2");
    assert_string_equal(call.settings.aws_container_authorization_token_file, "/nowhere");
    settings_free(&call.settings);
}

static void what_has_no_default_can_be_unset(void **state) {
    (void)state;
    struct call call;
    setenv("AWS_METADATA_SERVICE_TIMEOUT", "", 1);
    setenv("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "3", 1);
    setenv("AWS_USE_FIPS_ENDPOINT", "False", 1);
    assert_true(read_with(&call, "check", ARGUMENTS()));
    assert_int_equal(call.settings.aws_metadata_service_timeout, SETTING_UNSET);
    assert_int_equal(call.settings.aws_metadata_service_num_attempts, 3);
    assert_int_equal(call.settings.aws_use_fips_endpoint, false);
    assert_int_equal(call.settings.aws_use_dualstack_endpoint, SETTING_UNSET);
    settings_free(&call.settings);
    assert_true(read_with(&call, "migrate", ARGUMENTS("up")));
    assert_int_equal(call.settings.aws_use_fips_endpoint, SETTING_UNSET);
    settings_free(&call.settings);
}

static void assert_refused(const char *command, const char *const *arguments, const char *text) {
    struct call call;
    assert_false(read_with(&call, command, arguments));
    assert_int_equal(call.error.code, ERROR_USAGE);
    assert_string_equal(call.error.text, text);
    assert_null(strstr(call.error.text, "hunter2"));
    struct settings empty = {0};
    assert_memory_equal(&call.settings, &empty, sizeof empty); // nothing is left to be freed
}

static void files_that_hold_no_secret_are_refused(void **state) {
    (void)state;
    static char large[65538];
    memset(large, 'x', sizeof large);
    const char *path = secret_path();
    char expected[512];
    setenv("DATABASE_URL_FILE", path, 1);
    (void)snprintf(expected, sizeof expected,
                   "DATABASE_URL_FILE: the file %s cannot be read: No such file or directory", path);
    assert_refused("run", ARGUMENTS(), expected);
    write_file(path, "\n", 1);
    (void)snprintf(
        expected, sizeof expected,
        "DATABASE_URL_FILE: the file %s is empty; write the secret into it or unset DATABASE_URL_FILE", path);
    assert_refused("run", ARGUMENTS(), expected);
    write_file(path, "hunter2\0x", 9);
    (void)snprintf(expected, sizeof expected,
                   "DATABASE_URL_FILE: the file %s holds a zero byte; it must be a text", path);
    assert_refused("run", ARGUMENTS(), expected);
    write_file(path, large, 65537);
    (void)snprintf(expected, sizeof expected,
                   "DATABASE_URL_FILE: the file %s has more than 65536 bytes; it must hold one secret", path);
    assert_refused("run", ARGUMENTS(), expected);
    write_file(path, large, 65536);
    struct call call;
    assert_true(read_with(&call, "run", ARGUMENTS()));
    assert_int_equal(strlen(call.settings.database_url), 65536);
    settings_free(&call.settings);
    remove_secret(path);
}

static void a_secret_given_twice_is_refused(void **state) {
    (void)state;
    setenv("DATABASE_URL", SECRET, 1);
    setenv("DATABASE_URL_FILE", "/nowhere", 1);
    assert_refused("run", ARGUMENTS(), "DATABASE_URL and DATABASE_URL_FILE are both set; unset one of them");
}

static void mistakes_on_the_command_line_are_explained(void **state) {
    (void)state;
    const struct {
        const char *command;
        const char *const *arguments;
        const char *text;
    } cases[] = {
        {"run", ARGUMENTS("--topic-arm=x"),
         "unknown option --topic-arm; did you mean --topic-arn? See outbox-relay help run"},
        {"run", ARGUMENTS("--databse-url", SECRET),
         "unknown option --databse-url; did you mean --database-url? See outbox-relay help run"},
        {"run", ARGUMENTS("--databse-url=" SECRET),
         "unknown option --databse-url; did you mean --database-url? See outbox-relay help run"},
        {"run", ARGUMENTS("--postgres://user:hunter2@db"),
         "unknown option --postgres; see outbox-relay help run"},
        {"run", ARGUMENTS("--colour"), "unknown option --colour; see outbox-relay help run"},
        {"run", ARGUMENTS("--aws-secret-access-key=hunter2"),
         "unknown option --aws-secret-access-key; see outbox-relay help run"},
        {"run", ARGUMENTS("-v"),
         "unknown option -v; options begin with two dashes, and -- goes before an argument that begins with "
         "one; see "
         "outbox-relay help run"},
        {"run",
         ARGUMENTS("--"
                   "=x"),
         "unknown option --; see outbox-relay help run"},
        {"migrate", ARGUMENTS("--sink=stdout", "up"),
         "--sink is not an option of migrate; see outbox-relay help migrate"},
        {"migrate", ARGUMENTS("--snk=stdout"), "unknown option --snk; see outbox-relay help migrate"},
        {"run", ARGUMENTS("--topic-arn"), "--topic-arn needs a value; see outbox-relay help run"},
        {"run", ARGUMENTS("--topic-arn", "--until-empty"),
         "--topic-arn needs a value; for one that begins with --, write --topic-arn=VALUE"},
        {"run", ARGUMENTS("now"), "unexpected argument now; see outbox-relay help run"},
        {"run", ARGUMENTS("--until-empty", "true"), "unexpected argument true; see outbox-relay help run"},
        {"run", ARGUMENTS(SECRET),
         "unexpected argument (not shown: it could hold a password); see outbox-relay help run"},
        {"publish", ARGUMENTS("a", "b", "c", "d"), "unexpected argument d; see outbox-relay help publish"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        assert_refused(cases[index].command, cases[index].arguments, cases[index].text);
    }
}

// What getenv returns is what /proc/PID/environ shows.
static void secrets_are_forgotten(void **state) {
    (void)state;
    setenv("AWS_SECRET_ACCESS_KEY", "hunter2", 1);
    setenv("AWS_REGION", "us-east-1", 1);
    const char *secret = getenv("AWS_SECRET_ACCESS_KEY");
    if (secret == NULL) {
        fail_msg("it is not set");
        return;
    }
    settings_forget_environment();
    for (int index = 0; index < 7; index++) {
        assert_int_equal(secret[index], 0);
    }
    assert_string_equal(getenv("AWS_REGION"), "us-east-1");
}

static void bad_values_are_explained_with_their_source(void **state) {
    (void)state;
    const struct {
        const char *name, *value, *text;
    } cases[] = {
        {"OUTBOX_BATCH_ROWS", "0", "OUTBOX_BATCH_ROWS is \"0\"; it must be a whole number from 1 to 10000"},
        {"OUTBOX_BATCH_ROWS", "many",
         "OUTBOX_BATCH_ROWS is \"many\"; it must be a whole number from 1 to 10000"},
        {"OUTBOX_POLL_INTERVAL", "1",
         "OUTBOX_POLL_INTERVAL is \"1\"; it must be a duration such as 500ms, 10s, 5m or 2h, from 10ms to "
         "1h"},
        {"OUTBOX_SHUTDOWN_TIMEOUT", "2d",
         "OUTBOX_SHUTDOWN_TIMEOUT is \"2d\"; it must be a duration such as 500ms, 10s, 5m or 2h, from 0 to "
         "1h"},
        {"OUTBOX_MAX_MESSAGE_BYTES", "2m",
         "OUTBOX_MAX_MESSAGE_BYTES is \"2m\"; it must be a size such as 262144, 256k or 1MiB, from 1024 to "
         "1048576"},
        {"OUTBOX_UNTIL_EMPTY", "maybe", "OUTBOX_UNTIL_EMPTY is \"maybe\"; it must be one of true, false"},
        {"OUTBOX_SINK", "SNS", "OUTBOX_SINK is \"SNS\"; it must be one of sns, stdout, handlers"},
        {"OUTBOX_FORMAT", "xml",
         "OUTBOX_FORMAT is \"xml\"; it must be one of domain-event, cloudevents, data"},
        {"OUTBOX_MAX_ATTEMPTS", "0",
         "OUTBOX_MAX_ATTEMPTS is \"0\"; it must be a whole number from 1 to 32767"},
        {"OUTBOX_PARKED_HEAD", "skip", "OUTBOX_PARKED_HEAD is \"skip\"; it must be one of block, pass"},
        {"OUTBOX_RATE_LIMIT", "-1",
         "OUTBOX_RATE_LIMIT is \"-1\"; it must be a whole number from 0 to 1000000"},
        {"AWS_USE_FIPS_ENDPOINT", "maybe",
         "AWS_USE_FIPS_ENDPOINT is \"maybe\"; it must be one of true, false"},
        {"AWS_METADATA_SERVICE_TIMEOUT", "1s",
         "AWS_METADATA_SERVICE_TIMEOUT is \"1s\"; it must be a whole number from 1 to 60"},
        {"OUTBOX_LOG_LEVEL", "trace",
         "OUTBOX_LOG_LEVEL is \"trace\"; it must be one of error, warn, info, debug"},
    };
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        setenv(cases[index].name, cases[index].value, 1);
        assert_refused("run", ARGUMENTS(), cases[index].text);
        unsetenv(cases[index].name);
    }
    assert_refused("run", ARGUMENTS("--claims", "17"),
                   "--claims is \"17\"; it must be a whole number from 1 to 16");
    assert_refused("run", ARGUMENTS("--claims="), "--claims is \"\"; it must be a whole number from 1 to 16");
}

#define TEST(name) cmocka_unit_test_setup(name, empty_environment)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_what_the_manual_says),
        TEST(a_flag_goes_before_the_environment),
        TEST(flags_have_both_forms_and_the_last_one_counts),
        TEST(an_empty_variable_is_not_set),
        TEST(operands_are_collected_and_may_begin_with_a_dash_after_two),
        TEST(what_only_one_call_is_about_has_no_variable),
        TEST(a_variable_of_another_command_is_ignored),
        TEST(the_database_url_leaves_the_argument_list),
        TEST(a_secret_can_come_from_a_file),
        TEST(the_file_of_the_container_token_is_not_read),
        TEST(what_has_no_default_can_be_unset),
        TEST(files_that_hold_no_secret_are_refused),
        TEST(a_secret_given_twice_is_refused),
        TEST(mistakes_on_the_command_line_are_explained),
        TEST(secrets_are_forgotten),
        TEST(bad_values_are_explained_with_their_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
