// SPDX-License-Identifier: Apache-2.0
// Which credentials, from where and until when, and whose they are.
#include "aws/failure.h"
#include "base/clock.h"
#include "check/state.h"

#include <stdio.h>

enum { SHOWN_DIGITS = 4 };

struct identity {
    struct check *check;
    void (*next)(struct check *check, bool usable);
};

// Of the access key's id only the end is shown: enough to tell keys apart.
static void describe(struct check *check) {
    const struct aws_credentials *credentials = credentials_now(check->credentials);
    size_t length = strlen(credentials->access_key_id);
    const char *end = credentials->access_key_id + (length > SHOWN_DIGITS ? length - SHOWN_DIGITS : length);
    char until[CLOCK_ISO8601_SIZE] = "";
    int64_t expires_at = credentials_expire_at(check->credentials);
    if (expires_at != 0) {
        clock_format_iso8601(expires_at, until);
    }
    finding_add(check->identity, FINDING_OK, "credentials", "from %s; access key ...%s; %s%s",
                credentials_source(check->credentials), end,
                expires_at != 0 ? "they expire at " : "no end of them is known", until);
}

static bool takes_credentials(const struct aws_answer *answer) {
    enum aws_failure failure = aws_failure_of_answer(answer->status, answer->code);
    return failure != AWS_FAILURE_CREDENTIALS && failure != AWS_FAILURE_SIGNATURE;
}

// Publishing would tell whether it is allowed, and nothing else would.
static void note_publish(struct check *check, const char *arn) {
    bool user = strstr(arn, ":user/") != NULL;
    const char *topic = check->targets != NULL ? check->targets->arn : "TOPIC_ARN";
    finding_remedy(finding_add(check->identity, FINDING_NOTE, "credentials.publish",
                               "whether they may publish (sns:Publish) is not tried"),
                   "aws iam simulate-principal-policy --action-names sns:Publish --policy-source-arn %s "
                   "--resource-arns %s",
                   user ? finding_pasteable(arn, "ROLE_ARN") : "ROLE_ARN", topic);
}

static void on_identity(void *context, const struct aws_answer *answer) {
    const struct identity *identity = context;
    struct check *check = identity->check;
    const struct xml_element *result = ask_result(answer, "GetCallerIdentityResult");
    if (result != NULL) {
        const char *account = xml_text(result, "Account");
        finding_add(check->identity, FINDING_OK, "credentials.identity", "AWS knows them as %s, account %s",
                    xml_text(result, "Arn"), account);
        bool valid =
            strspn(account, "0123456789") == AWS_ACCOUNT_SIZE - 1 && strlen(account) == AWS_ACCOUNT_SIZE - 1;
        snprintf(check->account, sizeof check->account, "%s", valid ? account : "");
        note_publish(check, xml_text(result, "Arn"));
    } else {
        ask_explain(check->identity, answer, "sts:GetCallerIdentity", "*");
    }
    identity->next(check, takes_credentials(answer));
}

static void ask_identity(struct identity *identity, const char *region) {
    const struct inquiry inquiry = {
        .service = "sts", .region = region, .done = on_identity, .context = identity};
    ask_form(identity->check, &inquiry, "GetCallerIdentity", (const char *const[]){NULL});
}

// Where the settings tell no region, that of a topic of the routes will do to ask whose the credentials are.
static void on_region(void *context, const char *name, const char *reason) {
    struct identity *identity = context;
    struct check *check = identity->check;
    const char *region = name == NULL && check->targets != NULL ? check->targets->parts.region : name;
    check->locating = false;
    if (region == NULL) {
        finding_add(check->identity, FINDING_ERROR, "region", "%s", reason);
        identity->next(check, false);
    } else {
        endpoints_check_sts(check, region);
        ask_identity(identity, region);
    }
    if (check->asked == NULL) {
        event_base_loopbreak(check->base);
    }
}

void identity_check(struct check *check, void (*next)(struct check *check, bool usable)) {
    struct identity *identity = check_keep(check, sizeof *identity);
    *identity = (struct identity){.check = check, .next = next};
    describe(check);
    check->locating = true;
    region_find(check->where, check->config, on_region, identity);
}
