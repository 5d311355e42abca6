// SPDX-License-Identifier: Apache-2.0
// STS's XML: credentials only from where they belong.
#include "credentials/sts_answer.h"
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

#define FIELDS(id, secret, token, expiration)                                                                \
    "<AssumeRoleResponse><AssumeRoleResult><Credentials>" id secret token expiration                         \
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define ID "<AccessKeyId>a</AccessKeyId>"
#define KEY "<SecretAccessKey>s3cr3t</SecretAccessKey>"
#define SESSION "<SessionToken>t</SessionToken>"
#define END "<Expiration>" LATER "</Expiration>"

static bool read(struct credentials_found *found, const char *action, const char *text, struct error *error) {
    struct xml *xml = xml_read(slice_of_text(text));
    bool good = sts_answer_read(found, action, xml != NULL ? xml_root(xml) : NULL, error);
    xml_free(xml);
    return good;
}

static void reads_both_actions(void **state) {
    static const char *const actions[] = {"AssumeRole", "AssumeRoleWithWebIdentity"};
    static const char *const texts[] = {STS_DOCUMENT("AssumeRole"),
                                        STS_DOCUMENT("AssumeRoleWithWebIdentity")};

    (void)state;
    for (int index = 0; index < 2; index++) {
        struct credentials_found found = {.source = "kept"};
        struct error error = {0};
        assert_true(read(&found, actions[index], texts[index], &error));
        assert_string_equal(found.credentials.access_key_id, KEY_ID);
        assert_string_equal(found.credentials.secret_access_key, SECRET);
        assert_string_equal(found.credentials.session_token, TOKEN);
        assert_string_equal(found.source, "kept");
        assert_int_equal(found.expires_at, 4105082096000000);
        assert_false(read(&found, actions[1 - index], texts[index], &error));
    }
}

static void refuses_the_rest(void **state) {
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "not one set of credentials"},
        {"<html/>", "not one set of credentials"},
        {"<AssumeRoleResponse/>", "not one set of credentials"},
        {"<AssumeRoleResponse><Credentials>" ID KEY SESSION END "</Credentials></AssumeRoleResponse>",
         "not one set of credentials"},
        {"<AssumeRoleResponse><AssumeRoleResult><Credentials/><Credentials/></AssumeRoleResult>"
         "</AssumeRoleResponse>",
         "not one set of credentials"},
        {FIELDS("", KEY, SESSION, END), "AccessKeyId is missing"},
        {FIELDS(ID, "<SecretAccessKey/>", SESSION, END), "SecretAccessKey is missing"},
        {FIELDS(ID, KEY, "", END), "SessionToken is missing"},
        {FIELDS(ID, KEY, SESSION, ""), "Expiration is missing"},
        {FIELDS(ID, KEY KEY, SESSION, END), "SecretAccessKey comes twice"},
        {FIELDS(ID, "<SecretAccessKey>s3cr3t<b/></SecretAccessKey>", SESSION, END),
         "SecretAccessKey is missing"},
        {FIELDS(ID, "<SecretAccessKey>s3cr3t&#10;X</SecretAccessKey>", SESSION, END),
         "SecretAccessKey holds byte 0x0a"},
        {FIELDS(ID, KEY, SESSION, "<Expiration>soon</Expiration>"), "Expiration is \"soon\""},
        {FIELDS(ID, KEY, SESSION, "<Expiration>1960-01-01T00:00:00Z</Expiration>"), "Expiration is"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        struct credentials_found found;
        struct error error = {0};
        assert_false(read(&found, "AssumeRole", cases[index].text, &error));
        assert_int_equal(error.code, ERROR_CREDENTIALS);
        if (strstr(error.text, cases[index].reason) == NULL) {
            fail_msg("\"%s\", not \"%s\"", error.text, cases[index].reason);
        }
        assert_null(strstr(error.text, "s3cr3t"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_actions),
        cmocka_unit_test(refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
