// SPDX-License-Identifier: Apache-2.0
// Which credentials, from where and until when, whose they are, and where AWS is found with them.
#include "aws/endpoint.h"
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
    } else {
        ask_explain(check->identity, answer, "sts:GetCallerIdentity", "*");
    }
    identity->next(check, takes_credentials(answer));
}

void identity_check(struct check *check, void (*next)(struct check *check, bool usable)) {
    char region[AWS_REGION_SIZE];
    struct error error = {0};
    const char *arn = check->targets != NULL ? check->targets->arn : NULL;
    describe(check);
    if (!aws_region_resolve(region, check->settings, check->config, arn, &error)) {
        finding_add(check->identity, FINDING_ERROR, "region", "%s", error.text);
        next(check, false);
        return;
    }
    struct identity *identity = check_keep(check, sizeof *identity);
    *identity = (struct identity){.check = check, .next = next};
    const struct inquiry inquiry = {
        .service = "sts", .region = region, .done = on_identity, .context = identity};
    ask_form(check, &inquiry, "GetCallerIdentity", (const char *const[]){NULL});
}

static void describe_endpoint(const struct check *check, struct subject *subject, const char *service,
                              const char *region) {
    struct aws_endpoint endpoint;
    struct error error = {0};
    if (aws_endpoint_resolve(&endpoint, check->settings, check->config, service, region, &error)) {
        finding_add(subject, FINDING_OK, "endpoint", "%s in %s at %s", service, region, endpoint.url);
    } else {
        finding_add(subject, FINDING_ERROR, "endpoint", "%s in %s: %s", service, region, error.text);
    }
}

static bool is_first_of_region(const struct check *check, const struct target *target) {
    const struct target *other = check->targets;
    while (other != target && strcmp(other->parts.region, target->parts.region) != 0) {
        other = other->next;
    }
    return other == target;
}

void identity_endpoints(struct check *check, struct subject *subject) {
    char region[AWS_REGION_SIZE];
    const char *arn = check->targets != NULL ? check->targets->arn : NULL;
    if (aws_region_resolve(region, check->settings, check->config, arn, NULL)) {
        describe_endpoint(check, subject, "sts", region);
    }
    for (const struct target *target = check->targets; target != NULL; target = target->next) {
        if (is_first_of_region(check, target)) {
            describe_endpoint(check, subject, "sns", target->parts.region);
            describe_endpoint(check, subject, "sqs", target->parts.region);
        }
    }
}
