// SPDX-License-Identifier: Apache-2.0
// The chain over scripted providers, and the first of them, the environment.
#include "credentials/chain.h"
#include "support/provider_harness.h"

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

struct scripted_provider {
    enum provider_result result;
    const char *reason;
    int fetches;
};

static void fetch_scripted(void *self, provider_done_fn done, void *context) {
    static const struct credentials_found found = {.source = "here"};
    struct scripted_provider *scripted = self;
    scripted->fetches++;
    done(context, scripted->result, scripted->result == PROVIDER_FOUND ? &found : NULL, scripted->reason);
}

static void free_nothing(void *self) {
    (void)self;
}

static struct provider make(struct scripted_provider *scripted, const char *name) {
    return (struct provider){.name = name, .self = scripted, .fetch = fetch_scripted, .free = free_nothing};
}

static void fetch(struct provider_harness *harness, struct scripted_provider *first,
                  struct scripted_provider *second, struct scripted_provider *third) {
    const struct provider providers[] = {make(first, "first"), make(second, "second"), make(third, "third")};
    struct provider chain = chain_provider(providers, 3);
    provider_harness_begin(harness, &chain);
    provider_harness_begin(harness, &chain); // again: nothing is left of the first time
    assert_int_equal(harness->calls, 1);
    chain.free(chain.self);
}

static void absent_goes_on(void **state) {
    struct provider_harness *harness = provider_harness_new();
    struct scripted_provider first = {PROVIDER_ABSENT, "not set", 0}, second = {PROVIDER_FOUND, NULL, 0},
                             third = {PROVIDER_FOUND, NULL, 0};

    (void)state;
    fetch(harness, &first, &second, &third);
    assert_int_equal(harness->result, PROVIDER_FOUND);
    assert_string_equal(harness->found.source, "here");
    assert_int_equal(first.fetches, 2);
    assert_int_equal(second.fetches, 2);
    assert_int_equal(third.fetches, 0);
    provider_harness_free(harness);
}

static void failed_stops(void **state) {
    struct provider_harness *harness = provider_harness_new();
    struct scripted_provider first = {PROVIDER_ABSENT, "not set", 0}, second = {PROVIDER_FAILED, "broken", 0},
                             third = {PROVIDER_FOUND, NULL, 0};

    (void)state;
    fetch(harness, &first, &second, &third);
    assert_int_equal(harness->result, PROVIDER_FAILED);
    assert_string_equal(harness->reason, "second: broken");
    assert_int_equal(third.fetches, 0);
    provider_harness_free(harness);
}

static void the_report_has_a_part_for_each(void **state) {
    struct provider_harness *harness = provider_harness_new();
    struct scripted_provider first = {PROVIDER_ABSENT, "not set", 0},
                             second = {PROVIDER_ABSENT, "no file", 0},
                             third = {PROVIDER_ABSENT, "no answer", 0};

    (void)state;
    fetch(harness, &first, &second, &third);
    assert_int_equal(harness->result, PROVIDER_ABSENT);
    assert_string_equal(harness->reason, "first: not set; second: no file; third: no answer");
    provider_harness_free(harness);
}

static void a_long_report_is_cut(void **state) {
    struct provider_harness *harness = provider_harness_new();
    char longest[900];
    struct scripted_provider first = {PROVIDER_ABSENT, longest, 0}, second = first, third = first;

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    fetch(harness, &first, &second, &third);
    assert_int_equal(strlen(harness->reason), ERROR_TEXT_SIZE - 1);
    provider_harness_free(harness);
}

static bool make_environment(struct provider_harness *harness, struct provider *provider,
                             struct error *error) {
    provider_harness_start(harness);
    return environment_provider(provider, &harness->means, error);
}

static void the_environment_is_there_at_once(void **state) {
    static char id[] = KEY_ID, secret[] = SECRET, token[] = TOKEN, expiration[] = LATER;
    struct provider_harness *harness = provider_harness_new();
    struct provider provider;

    (void)state;
    harness->settings.aws_access_key_id = id;
    harness->settings.aws_secret_access_key = secret;
    harness->settings.aws_session_token = token;
    harness->settings.aws_credential_expiration = expiration;
    assert_true(make_environment(harness, &provider, NULL));
    provider_harness_begin(harness, &provider);
    provider_harness_found(harness, "environment (AWS_ACCESS_KEY_ID)");
    assert_int_equal(harness->found.expires_at, 4105082096000000);
    provider.free(provider.self);
    provider_harness_free(harness);
}

static void an_environment_without_keys_is_absent(void **state) {
    static char token[] = TOKEN;
    struct provider_harness *harness = provider_harness_new();
    struct provider provider;

    (void)state;
    harness->settings.aws_session_token = token;
    assert_true(make_environment(harness, &provider, NULL));
    provider_harness_begin(harness, &provider);
    provider_harness_failed(harness, PROVIDER_ABSENT,
                            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
    provider.free(provider.self);
    provider_harness_free(harness);
}

static void a_malformed_environment_is_refused(void **state) {
    static char id[] = KEY_ID, secret[] = SECRET, broken[] = SECRET "\n", never[] = "never", none[] = "";
    static const struct {
        char *id, *secret, *expiration;
        const char *reason;
    } cases[] = {
        {id, none, none, "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not"},
        {none, secret, none, "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not"},
        {id, broken, none, "AWS_SECRET_ACCESS_KEY holds byte 0x0a"},
        {id, secret, never, "AWS_CREDENTIAL_EXPIRATION is \"never\""},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct provider_harness *harness = provider_harness_new();
        struct provider provider;
        struct error error = {0};
        harness->settings.aws_access_key_id = cases[index].id;
        harness->settings.aws_secret_access_key = cases[index].secret;
        harness->settings.aws_credential_expiration = cases[index].expiration;
        assert_false(make_environment(harness, &provider, &error));
        assert_int_equal(error.code, ERROR_CREDENTIALS);
        assert_non_null(strstr(error.text, cases[index].reason));
        assert_null(strstr(error.text, SECRET));
        provider_harness_free(harness);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_goes_on),
        cmocka_unit_test(failed_stops),
        cmocka_unit_test(the_report_has_a_part_for_each),
        cmocka_unit_test(a_long_report_is_cut),
        cmocka_unit_test(the_environment_is_there_at_once),
        cmocka_unit_test(an_environment_without_keys_is_absent),
        cmocka_unit_test(a_malformed_environment_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
