// SPDX-License-Identifier: Apache-2.0
#include "credentials/sts.h"

#include "aws/form.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "credentials/sts_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BODY_MAX = 256 * 1024, ARN_SIZE = 200 };

struct sts {
    struct aws_caller *caller;
    const char *action;
    char arn[ARN_SIZE]; // cut: for people
    sts_done_fn done;
    void *context;
};

static void append_parameter(struct buffer *body, const char *name, const char *value) {
    if (value[0] != '\0') {
        aws_form_add(body, name, slice_of_text(value));
    }
}

// Shown by CloudTrail: the program, and something to tell two of it apart.
static void append_session_name(struct buffer *body, const char *given) {
    uint64_t number = 0;
    char made[48];
    (void)!getrandom(&number, sizeof number, GRND_NONBLOCK);
    snprintf(made, sizeof made, "outbox-relay-%016llx", (unsigned long long)number);
    append_parameter(body, "RoleSessionName", given[0] != '\0' ? given : made);
}

static void append_body(struct buffer *body, const char *action, const struct sts_role *role) {
    char duration[24] = "";
    if (role->duration_s > 0) {
        snprintf(duration, sizeof duration, "%lld", (long long)role->duration_s);
    }
    aws_form_begin(body, action, "2011-06-15");
    append_parameter(body, "RoleArn", role->arn);
    append_session_name(body, role->session_name);
    append_parameter(body, "ExternalId", role->external_id);
    append_parameter(body, "DurationSeconds", duration);
    append_parameter(body, "WebIdentityToken",
                     role->web_identity_token != NULL ? role->web_identity_token : "");
}

static void fail(struct sts *sts, enum sts_failure failure, const struct error *error) {
    sts->done(sts->context, NULL, failure, error->text);
}

static enum sts_failure failure_of(const char *code) {
    return strcmp(code, "InvalidIdentityToken") == 0 ? STS_TOKEN_REFUSED : STS_FAILED;
}

static void on_answer(void *context, const struct aws_answer *answer) {
    struct sts *sts = context;
    struct credentials_found found = {0};
    struct error error = {0};
    if (answer->status == 0) {
        error_set(&error, ERROR_CREDENTIALS, "STS does not answer %s for role %s: %.400s", sts->action,
                  sts->arn, answer->message);
        fail(sts, STS_FAILED, &error);
    } else if (answer->status != 200) {
        error_set(&error, ERROR_CREDENTIALS, "STS answers %s for role %s with HTTP %d %.100s: %.400s",
                  sts->action, sts->arn, answer->status, answer->code, answer->message);
        fail(sts, failure_of(answer->code), &error);
    } else if (!sts_answer_read(&found, sts->action, answer->xml, &error)) {
        fail(sts, STS_FAILED, &error);
    } else {
        snprintf(found.source, sizeof found.source, "role %s", sts->arn);
        sts->done(sts->context, &found, STS_FAILED, NULL);
    }
    memory_wipe(&found, sizeof found);
}

struct sts *sts_new(struct aws_caller *caller) {
    struct sts *sts = memory_allocate(1, sizeof *sts);
    sts->caller = caller;
    return sts;
}

void sts_free(struct sts *sts) {
    free(sts);
}

void sts_assume(struct sts *sts, const char *region, const struct sts_role *role, sts_done_fn done,
                void *context) {
    struct error error = {0};
    struct buffer body;
    sts->action = role->web_identity_token != NULL ? "AssumeRoleWithWebIdentity" : "AssumeRole";
    sts->done = done;
    sts->context = context;
    snprintf(sts->arn, sizeof sts->arn, "%s", role->arn);
    buffer_init(&body, BODY_MAX);
    append_body(&body, sts->action, role);
    const struct aws_request request = {.service = "sts",
                                        .region = region,
                                        .body = {body.data, body.length},
                                        .credentials = role->credentials,
                                        .done = on_answer,
                                        .context = sts};
    bool sent = !body.overflow
                    ? aws_call(sts->caller, &request, &error)
                    : error_set(&error, ERROR_CREDENTIALS,
                                "the web identity token is too long for a request of %d bytes", BODY_MAX);
    buffer_free_secret(&body);
    if (!sent) {
        fail(sts, STS_FAILED, &error);
    }
}
