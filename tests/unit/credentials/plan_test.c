// SPDX-License-Identifier: Apache-2.0
// What the profiles of the shared files say: precedence, chains of roles, cycles, and what is refused.
#include "credentials/plan.h"
#include "support/provider_harness.h"

#include <string.h>

// cmocka needs the headers before it
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

struct planned {
    struct provider_harness *harness;
    struct aws_config *config;
    struct plan plan;
    enum provider_result result;
    struct error error;
};

static struct planned plan_for(const char *profile, const char *text) {
    static char path[256], name[64];
    struct planned planned = {.harness = provider_harness_new()};
    snprintf(path, sizeof path, "%s", provider_harness_file(planned.harness, "config", text));
    snprintf(name, sizeof name, "%s", profile);
    planned.harness->settings.aws_config_file = path;
    planned.harness->settings.aws_profile = name;
    planned.config = aws_config_load(&planned.harness->settings, &planned.error);
    if (planned.config == NULL) {
        fail_msg("%s", planned.error.text);
    }
    planned.result = plan_make(&planned.plan, planned.config, &planned.error);
    return planned;
}

static void end(struct planned *planned) {
    aws_config_free(planned->config);
    provider_harness_free(planned->harness);
}

static void assert_base(const char *text, enum plan_base base) {
    struct planned planned = plan_for("a", text);
    if (planned.result != PROVIDER_FOUND) {
        fail_msg("%s", planned.error.text);
    }
    assert_int_equal(planned.plan.base, base);
    assert_string_equal(planned.plan.profile, "a");
    assert_int_equal(planned.plan.role_count, 0);
    end(&planned);
}

#define KEYS "aws_access_key_id = k\naws_secret_access_key = s\n"
#define PROCESS "credential_process = /bin/true\n"
#define SSO "sso_account_id = 1\nsso_role_name = r\n"
#define WEB "web_identity_token_file = /t\nrole_arn = r\n"

static void takes_one_by_precedence(void **state) {
    (void)state;
    assert_base("[profile a]\n" KEYS, PLAN_KEYS);
    assert_base("[profile a]\naws_secret_access_key = s\n", PLAN_KEYS);
    assert_base("[profile a]\n" PROCESS, PLAN_PROCESS);
    assert_base("[profile a]\n" SSO, PLAN_SSO);
    assert_base("[profile a]\n" WEB, PLAN_WEB_IDENTITY);
    assert_base("[profile a]\n" PROCESS KEYS, PLAN_KEYS);
    assert_base("[profile a]\n" PROCESS KEYS SSO, PLAN_SSO);
    assert_base("[profile a]\n" PROCESS KEYS SSO WEB, PLAN_WEB_IDENTITY);
}

static void roles_are_assumed_from_the_source_on(void **state) {
    struct planned planned =
        plan_for("a", "[profile a]\nrole_arn = arn:a\nsource_profile = b\nexternal_id = x\n"
                      "[profile b]\nrole_arn = arn:b\nsource_profile = c\n"
                      "duration_seconds = 900\nrole_session_name = n\n"
                      "[profile c]\n" KEYS);

    (void)state;
    assert_int_equal(planned.result, PROVIDER_FOUND);
    assert_int_equal(planned.plan.base, PLAN_KEYS);
    assert_string_equal(planned.plan.profile, "c");
    assert_int_equal(planned.plan.role_count, 2);
    assert_string_equal(planned.plan.roles[0].arn, "arn:b");
    assert_string_equal(planned.plan.roles[0].session_name, "n");
    assert_int_equal(planned.plan.roles[0].duration_s, 900);
    assert_string_equal(planned.plan.roles[1].arn, "arn:a");
    assert_string_equal(planned.plan.roles[1].external_id, "x");
    assert_int_equal(planned.plan.roles[1].duration_s, 0);
    end(&planned);
}

// Of a source, the keys go before the role; a profile may be its own source.
static void keys_of_a_source_go_before_its_role(void **state) {
    struct planned planned = plan_for("a", "[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
                                           "[profile b]\nrole_arn = arn:b\nsource_profile = a\n" KEYS);

    (void)state;
    assert_int_equal(planned.result, PROVIDER_FOUND);
    assert_int_equal(planned.plan.role_count, 1);
    assert_string_equal(planned.plan.profile, "b");
    end(&planned);
    planned = plan_for("a", "[profile a]\nrole_arn = arn:a\nsource_profile = a\n" KEYS);
    assert_int_equal(planned.result, PROVIDER_FOUND);
    assert_int_equal(planned.plan.base, PLAN_KEYS);
    assert_int_equal(planned.plan.role_count, 1);
    end(&planned);
}

static void sources_have_names(void **state) {
    static const struct {
        const char *name;
        enum plan_base base;
    } cases[] = {{"Environment", PLAN_ENVIRONMENT},
                 {"EcsContainer", PLAN_CONTAINER},
                 {"ec2instancemetadata", PLAN_METADATA}};

    (void)state;
    for (int index = 0; index < 3; index++) {
        char text[128];
        snprintf(text, sizeof text, "[profile a]\nrole_arn = r\ncredential_source = %s\n", cases[index].name);
        struct planned planned = plan_for("a", text);
        assert_int_equal(planned.result, PROVIDER_FOUND);
        assert_int_equal(planned.plan.base, cases[index].base);
        assert_int_equal(planned.plan.role_count, 1);
        end(&planned);
    }
}

static void says_what_is_wrong(void **state) {
    static const struct {
        const char *profile, *text;
        enum provider_result result;
        const char *reason;
    } cases[] = {
        {"", "[profile a]\n" KEYS, PROVIDER_ABSENT, "no profile default in "},
        {"a", "[profile a]\nregion = eu-west-1\n", PROVIDER_ABSENT, "profile a has neither keys nor a role"},
        {"a", "[profile a]\nrole_arn = r\n", PROVIDER_FAILED,
         "has role_arn and neither source_profile nor credential_source"},
        {"a", "[profile a]\nrole_arn = r\nsource_profile = a\ncredential_source = Environment\n",
         PROVIDER_FAILED, "has role_arn and both source_profile and credential_source"},
        {"a", "[profile a]\nrole_arn = r\nsource_profile = b\n", PROVIDER_FAILED,
         "profile a: its source_profile b is in neither file"},
        {"a", "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nregion = x\n", PROVIDER_FAILED,
         "profile b has neither keys nor a role"},
        {"a", "[profile a]\nrole_arn = r\nsource_profile = a\n", PROVIDER_FAILED,
         "profile a: its source_profile a leads back to itself"},
        {"a",
         "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = c\n"
         "[profile c]\nrole_arn = r\nsource_profile = b\n",
         PROVIDER_FAILED, "profile c: its source_profile b leads back to itself"},
        {"a", "[profile a]\nrole_arn = r\ncredential_source = Elsewhere\n", PROVIDER_FAILED,
         "credential_source is \"Elsewhere\""},
        {"a", "[profile a]\nrole_arn = r\ncredential_source = Environment\nmfa_serial = m\n", PROVIDER_FAILED,
         "has mfa_serial, but nobody is here to type a code"},
        {"a", "[profile a]\nrole_arn = r\ncredential_source = Environment\nduration_seconds = 60\n",
         PROVIDER_FAILED, "duration_seconds is \"60\"; it must be a whole number from 900 to 43200"},
        {"a", "[profile a]\nrole_arn = r\ncredential_source = Environment\nduration_seconds = 1h\n",
         PROVIDER_FAILED, "duration_seconds is \"1h\""},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct planned planned = plan_for(cases[index].profile, cases[index].text);
        if (planned.result != cases[index].result ||
            strstr(planned.error.text, cases[index].reason) == NULL) {
            fail_msg("%d \"%s\", not \"%s\"", (int)planned.result, planned.error.text, cases[index].reason);
        }
        end(&planned);
    }
}

static void a_chain_has_an_end(void **state) {
    char text[2048] = "";
    size_t used = 0;

    (void)state;
    for (int index = 0; index <= PLAN_ROLES_MAX; index++) {
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "[profile p%d]\nrole_arn = r\nsource_profile = p%d\n", index, index + 1);
    }
    snprintf(text + used, sizeof text - used, "[profile p%d]\n" KEYS, PLAN_ROLES_MAX + 1);
    struct planned planned = plan_for("p1", text);
    assert_int_equal(planned.result, PROVIDER_FOUND);
    assert_int_equal(planned.plan.role_count, PLAN_ROLES_MAX);
    end(&planned);
    planned = plan_for("p0", text);
    assert_int_equal(planned.result, PROVIDER_FAILED);
    assert_non_null(strstr(planned.error.text, "more than 8 roles"));
    end(&planned);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_one_by_precedence),
        cmocka_unit_test(roles_are_assumed_from_the_source_on),
        cmocka_unit_test(keys_of_a_source_go_before_its_role),
        cmocka_unit_test(sources_have_names),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(a_chain_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
