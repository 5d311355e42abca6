// SPDX-License-Identifier: Apache-2.0
// The shared files: where they are looked for, which section and which file wins, what is refused. Each test
// has a home folder of its own.
#include "aws/config.h"

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

enum { PATH_SIZE = 128 };

static char home[PATH_SIZE];

static const char *in_home(const char *name) {
    static char paths[2][PATH_SIZE * 2];
    static int next;
    next = 1 - next;
    snprintf(paths[next], sizeof paths[next], "%s/%s", home, name);
    return paths[next];
}

static int make_home(void **state) {
    (void)state;
    const char *folder = getenv("TMPDIR");
    snprintf(home, sizeof home, "%s/config-test-XXXXXX", folder == NULL ? "/tmp" : folder);
    if (mkdtemp(home) == NULL || mkdir(in_home(".aws"), 0700) != 0) {
        return -1;
    }
    return setenv("HOME", home, 1);
}

static int remove_home(void **state) {
    (void)state;
    static const char *const files[] = {".aws/config", ".aws/credentials", "other"};
    for (size_t index = 0; index < sizeof files / sizeof files[0]; index++) {
        (void)unlink(in_home(files[index]));
    }
    return rmdir(in_home(".aws")) == 0 && rmdir(home) == 0 ? 0 : -1;
}

static void write_bytes(const char *name, const char *bytes, size_t length) {
    FILE *file = fopen(in_home(name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void write_file(const char *name, const char *text) {
    write_bytes(name, text, strlen(text));
}

static struct settings settings_of(const char *profile, const char *config, const char *credentials) {
    static char texts[3][PATH_SIZE * 2];
    snprintf(texts[0], sizeof texts[0], "%s", profile);
    snprintf(texts[1], sizeof texts[1], "%s", config);
    snprintf(texts[2], sizeof texts[2], "%s", credentials);
    return (struct settings){
        .aws_profile = texts[0], .aws_config_file = texts[1], .aws_shared_credentials_file = texts[2]};
}

static struct aws_config *load(const char *profile) {
    const struct settings settings = settings_of(profile, "", "");
    struct error error = {0};
    struct aws_config *config = aws_config_load(&settings, &error);
    if (config == NULL) {
        fail_msg("%s", error.text);
    }
    return config;
}

static void assert_refused(const struct settings *settings, const char *text) {
    struct error error = {0};
    assert_null(aws_config_load(settings, &error));
    assert_int_equal(error.code, ERROR_USAGE);
    if (strstr(error.text, text) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", text, error.text);
    }
    assert_null(strstr(error.text, "hunter2"));
}

static void assert_value(const struct aws_config *config, const char *profile, const char *key,
                         const char *expected) {
    const char *value = aws_config_get(config, AWS_SECTION_PROFILE, profile, key);
    if (expected == NULL) {
        assert_null(value);
    } else {
        assert_non_null(value);
        assert_string_equal(value, expected);
    }
}

static void without_files_there_is_nothing(void **state) {
    (void)state;
    char expected[PATH_SIZE * 4];
    struct aws_config *config = load("");
    assert_string_equal(aws_config_profile(config), "default");
    assert_false(aws_config_has(config, AWS_SECTION_PROFILE, "default"));
    assert_value(config, "default", "region", NULL);
    snprintf(expected, sizeof expected, "%s/.aws/credentials (not there) and %s/.aws/config (not there)",
             home, home);
    assert_string_equal(aws_config_files(config), expected);
    aws_config_free(config);
    assert_string_equal(aws_config_profile(NULL), "default");
    assert_string_equal(aws_config_files(NULL), "no files");
    assert_false(aws_config_has(NULL, AWS_SECTION_PROFILE, "default"));
    assert_value(NULL, "default", "region", NULL);
    aws_config_free(NULL);
}

static void sections_are_found_by_kind_and_name(void **state) {
    (void)state;
    write_file(".aws/config",
               "[default]\nregion = r0\n[profile a]\nregion = r1\n[sso-session a]\nregion = r2\n"
               "[services a]\nsns =\n endpoint_url = u\n[plugins]\nregion = r3\n[b]\nregion = r4\n"
               "[profilec]\nregion = r5\n[profile\td]\n[sso-session]\n");
    write_file(".aws/credentials", "[e]\nregion = r6\n[profile f]\nregion = r7\n[sso-session g]\n");
    struct aws_config *config = load("");
    assert_value(config, "default", "region", "r0");
    assert_value(config, "a", "region", "r1");
    assert_value(config, "b", "region", NULL);
    assert_value(config, "plugins", "region", NULL);
    assert_value(config, "c", "region", NULL);
    assert_value(config, "e", "region", "r6");
    assert_value(config, "f", "region", NULL);
    assert_value(config, "profile f", "region", NULL);
    assert_string_equal(aws_config_get(config, AWS_SECTION_SSO_SESSION, "a", "region"), "r2");
    assert_string_equal(aws_config_get(config, AWS_SECTION_SERVICES, "a", "sns.endpoint_url"), "u");
    assert_null(aws_config_get(config, AWS_SECTION_SERVICES, "a", "sns.other"));
    assert_null(aws_config_get(config, AWS_SECTION_SERVICES, "a", "endpoint_url"));
    assert_null(aws_config_get(config, AWS_SECTION_SERVICES, "a", "sns")); // it has no value of its own
    assert_true(aws_config_has(config, AWS_SECTION_PROFILE, "d"));
    assert_true(aws_config_has(config, AWS_SECTION_SERVICES, "a"));
    assert_false(aws_config_has(config, AWS_SECTION_SERVICES, "d"));
    assert_false(aws_config_has(config, AWS_SECTION_SSO_SESSION, "g"));
    assert_false(aws_config_has(config, AWS_SECTION_SSO_SESSION, ""));
    aws_config_free(config);
}

static void a_dot_in_a_name_is_no_nesting(void **state) {
    (void)state;
    write_file(".aws/config", "[services a]\nsns.endpoint_url = wrong\n");
    struct aws_config *config = load("");
    assert_null(aws_config_get(config, AWS_SECTION_SERVICES, "a", "sns.endpoint_url"));
    aws_config_free(config);
}

static void names_can_stand_in_quotes(void **state) {
    (void)state;
    write_file(".aws/config",
               "[profile \"my profile\"]\nregion = r1\n[profile 'other']\nregion = r2\n"
               "[profile in valid]\nregion = r3\n[profile \"a]\nregion = r4\n[profile A@b/c.d:e+f%]\n"
               "region = r5\n");
    write_file(".aws/credentials", "[\"my profile\"]\nx = y\n[]\n[\"]\n");
    struct aws_config *config = load("my profile");
    assert_string_equal(aws_config_profile(config), "my profile");
    assert_value(config, "my profile", "region", "r1");
    assert_value(config, "my profile", "x", "y");
    assert_value(config, "other", "region", "r2");
    assert_value(config, "in valid", "region", NULL);
    assert_value(config, "a", "region", NULL);
    assert_value(config, "A@b/c.d:e+f%", "region", "r5");
    aws_config_free(config);
}

static void the_last_value_and_the_credentials_file_win(void **state) {
    (void)state;
    write_file(".aws/config", "[profile a]\nx = 1\ny = 1\n[profile b]\nx = 2\n[profile a]\nx = 3\nz = 3\n");
    write_file(".aws/credentials", "[a]\nx = 4\ny =\n");
    struct aws_config *config = load("a");
    assert_value(config, "a", "x", "4");
    assert_value(config, "a", "y", "1");
    assert_value(config, "a", "z", "3");
    assert_value(config, "b", "x", "2");
    aws_config_free(config);
}

static void profile_default_puts_default_out_of_force(void **state) {
    (void)state;
    static const char *const files[] = {"[default]\nx = 1\ny = 1\n[profile default]\nx = 2\n",
                                        "[profile default]\nx = 2\n[default]\nx = 1\ny = 1\n",
                                        "[default]\ny = 1\n[profile \"default\"]\nx = 2\n"};
    write_file(".aws/credentials", "[default]\nz = 3\n");
    for (size_t index = 0; index < sizeof files / sizeof files[0]; index++) {
        write_file(".aws/config", files[index]);
        struct aws_config *config = load("");
        assert_value(config, "default", "x", "2");
        assert_value(config, "default", "y", NULL);
        assert_value(config, "default", "z", "3");
        aws_config_free(config);
    }
}

static void other_files_can_be_named(void **state) {
    (void)state;
    write_file(".aws/config", "[default]\nx = 1\n");
    write_file("other", "[default]\nx = 2\n");
    struct settings settings = settings_of("", in_home("other"), "");
    struct aws_config *config = aws_config_load(&settings, NULL);
    assert_value(config, "default", "x", "2");
    aws_config_free(config);
    settings = settings_of("", "~/.aws/config", "~/other");
    config = aws_config_load(&settings, NULL);
    assert_value(config, "default", "x", "2");
    aws_config_free(config);
    settings = settings_of("", "/dev/null", in_home("missing"));
    config = aws_config_load(&settings, NULL);
    assert_non_null(config);
    assert_false(aws_config_has(config, AWS_SECTION_PROFILE, "default"));
    assert_non_null(strstr(aws_config_files(config), "/missing (not there) and /dev/null"));
    aws_config_free(config);
}

static void a_profile_that_is_named_must_be_there(void **state) {
    (void)state;
    write_file(".aws/config", "[profile a]\n[sso-session b]\n");
    struct settings settings = settings_of("b", "", "");
    assert_refused(&settings, "AWS_PROFILE is \"b\", but there is no such profile in /");
    settings = settings_of("default", "", "");
    assert_refused(&settings, "AWS_PROFILE is \"default\", but");
    aws_config_free(load("a"));
}

static void files_that_cannot_be_understood_are_refused(void **state) {
    (void)state;
    static char large[AWS_CONFIG_FILE_SIZE + 1];
    const struct settings settings = settings_of("", "", "");
    write_file(".aws/config", "[default]\nx = hunter2\nhunter2\n");
    assert_refused(&settings, "/.aws/config, line 3: a line must be");
    write_bytes(".aws/config", "[default]\nhunter2\0=\n", 19);
    assert_refused(&settings, "/.aws/config holds a zero byte");
    memset(large, '\n', sizeof large);
    write_bytes(".aws/config", large, sizeof large);
    assert_refused(&settings, "/.aws/config has more than 1048576 bytes");
    write_bytes(".aws/config", large, sizeof large - 1);
    aws_config_free(load(""));
    write_file(".aws/credentials", "hunter2");
    assert_refused(&settings, "/.aws/credentials, line 1: a [section] must come first");
    const struct settings folder = settings_of("", home, "");
    (void)unlink(in_home(".aws/credentials"));
    assert_refused(&folder, " cannot be read: Is a directory");
}

static void settings_go_before_the_profile(void **state) {
    (void)state;
    write_file(".aws/config",
               "[profile a]\nregion = r1\nuse_fips_endpoint = TRUE\nuse_dualstack_endpoint = maybe\n");
    struct aws_config *config = load("a");
    struct error error = {0};
    bool value = false;
    assert_string_equal(aws_config_text(config, "r2", "region"), "r2");
    assert_string_equal(aws_config_text(config, "", "region"), "r1");
    assert_string_equal(aws_config_text(config, "", "ca_bundle"), "");
    assert_true(aws_config_boolean(&value, config, SETTING_UNSET, "use_fips_endpoint", &error));
    assert_true(value);
    assert_true(aws_config_boolean(&value, config, false, "use_fips_endpoint", &error));
    assert_false(value);
    assert_true(aws_config_boolean(&value, config, true, "use_dualstack_endpoint", &error));
    assert_true(value);
    assert_true(aws_config_boolean(&value, config, SETTING_UNSET, "other", &error));
    assert_false(value);
    assert_false(aws_config_boolean(&value, config, SETTING_UNSET, "use_dualstack_endpoint", &error));
    assert_int_equal(error.code, ERROR_USAGE);
    assert_string_equal(
        error.text, "use_dualstack_endpoint of the AWS profile \"a\" is \"maybe\"; it must be true or false");
    aws_config_free(config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(without_files_there_is_nothing),
        TEST(sections_are_found_by_kind_and_name),
        TEST(a_dot_in_a_name_is_no_nesting),
        TEST(names_can_stand_in_quotes),
        TEST(the_last_value_and_the_credentials_file_win),
        TEST(profile_default_puts_default_out_of_force),
        TEST(other_files_can_be_named),
        TEST(a_profile_that_is_named_must_be_there),
        TEST(files_that_cannot_be_understood_are_refused),
        TEST(settings_go_before_the_profile),
    };
    return cmocka_run_group_tests_name("aws/config", tests, NULL, NULL);
}
