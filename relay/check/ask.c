// SPDX-License-Identifier: Apache-2.0
#include "aws/failure.h"
#include "aws/form.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "check/state.h"

#include <stdlib.h>

enum { FORM_SIZE = 8192 };

struct asked {
    struct asked *next;
    struct asked *previous;
    struct check *check;
    void (*done)(void *context, const struct aws_answer *answer);
    void *context;
};

static void forget(struct asked *asked) {
    *(asked->previous != NULL ? &asked->previous->next : &asked->check->asked) = asked->next;
    if (asked->next != NULL) {
        asked->next->previous = asked->previous;
    }
    free(asked);
}

// The check is over when the last answer has led to no further question.
static void on_answer(void *context, const struct aws_answer *answer) {
    struct asked *asked = context;
    struct check *check = asked->check;
    asked->done(asked->context, answer);
    forget(asked);
    if (check->asked == NULL) {
        event_base_loopbreak(check->base);
    }
}

static void answer_with(const struct inquiry *inquiry, const char *message) {
    inquiry->done(inquiry->context, &(struct aws_answer){.code = "", .message = message});
}

void ask(struct check *check, const struct inquiry *inquiry) {
    const struct aws_credentials *credentials = check->over ? NULL : credentials_now(check->credentials);
    struct error error = {0};
    if (credentials == NULL) {
        answer_with(inquiry, check->over ? "the time for the check is over" : "the credentials have expired");
        return;
    }
    struct asked *asked = memory_allocate(1, sizeof *asked);
    *asked = (struct asked){
        .next = check->asked, .check = check, .done = inquiry->done, .context = inquiry->context};
    const struct aws_request request = {.service = inquiry->service,
                                        .region = inquiry->region,
                                        .target = inquiry->target,
                                        .body = inquiry->body,
                                        .credentials = credentials,
                                        .done = on_answer,
                                        .context = asked};
    if (!aws_call(check->caller, &request, &error)) {
        free(asked);
        answer_with(inquiry, error.text);
        return;
    }
    if (check->asked != NULL) {
        check->asked->previous = asked;
    }
    check->asked = asked;
}

void ask_form(struct check *check, const struct inquiry *inquiry, const char *action,
              const char *const *fields) {
    struct inquiry with_form = *inquiry;
    struct buffer form;
    buffer_init(&form, FORM_SIZE);
    aws_form_begin(&form, action, strcmp(inquiry->service, "sts") == 0 ? "2011-06-15" : "2010-03-31");
    for (; fields[0] != NULL; fields += 2) {
        aws_form_add(&form, fields[0], slice_of_text(fields[1]));
    }
    with_form.body = (struct slice){form.data, form.length};
    if (form.overflow) {
        answer_with(inquiry, "the request would be too large");
    } else {
        ask(check, &with_form);
    }
    buffer_free(&form);
}

// Whoever gets an answer asks no more, as the check is over.
void ask_end(struct check *check, const char *reason) {
    check->over = true;
    while (check->asked != NULL) {
        struct asked *asked = check->asked;
        check->asked = asked->next;
        asked->done(asked->context, &(struct aws_answer){.code = "", .message = reason});
        free(asked);
    }
}

bool ask_good(const struct aws_answer *answer) {
    return answer->status >= 200 && answer->status < 300;
}

const struct xml_element *ask_result(const struct aws_answer *answer, const char *name) {
    return ask_good(answer) ? xml_child(answer->xml, name) : NULL;
}

const char *ask_attribute(const struct xml_element *result, const char *name) {
    const struct xml_element *entry = xml_child(xml_child(result, "Attributes"), "entry");
    while (entry != NULL && strcmp(xml_text(entry, "key"), name) != 0) {
        entry = xml_next(entry);
    }
    return xml_text(entry, "value");
}

static void explain_denied(struct subject *subject, const struct aws_answer *answer, const char *permission,
                           const char *resource) {
    finding_remedy(finding_add(subject, FINDING_NOTE, "permission",
                               "%s is not allowed, so this is not known: %s", permission, answer->message),
                   "only check needs it; to let it look, add to the role's or user's policy:\n"
                   "{\"Effect\":\"Allow\",\"Action\":\"%s\",\"Resource\":\"%s\"}",
                   permission, resource);
}

void ask_explain(struct subject *subject, const struct aws_answer *answer, const char *permission,
                 const char *resource) {
    struct finding *finding;
    if (ask_good(answer)) {
        finding_add(subject, FINDING_ERROR, "no_answer", "the answer to %s is none of AWS's", permission);
        return;
    }
    switch (aws_failure_of_answer(answer->status, answer->code)) {
    case AWS_FAILURE_DENIED:
        explain_denied(subject, answer, permission, resource);
        break;
    case AWS_FAILURE_CREDENTIALS:
    case AWS_FAILURE_SIGNATURE:
        finding = finding_add(subject, FINDING_ERROR, "credentials.refused",
                              "AWS refuses the credentials: %s: %s", answer->code, answer->message);
        finding_remedy(finding, "check that key and secret (and session token) belong together and have not "
                                "expired, and that the clock of this machine is right");
        break;
    case AWS_FAILURE_THROTTLED:
        finding_add(subject, FINDING_WARNING, "throttled", "%s is throttled, so this is not known: %s",
                    permission, answer->message);
        break;
    case AWS_FAILURE_TRANSIENT:
        finding = finding_add(subject, FINDING_ERROR, "no_answer", "no answer to %s: %s%s%s", permission,
                              answer->code, answer->code[0] != '\0' ? ": " : "", answer->message);
        finding_remedy(finding,
                       "check network, proxy (https_proxy, no_proxy), VPC endpoints, AWS_ENDPOINT_URL "
                       "and the region");
        break;
    case AWS_FAILURE_MISSING:
    case AWS_FAILURE_OTHER:
        finding_add(subject, FINDING_ERROR, "refused", "%s is refused: %s%s%s", permission, answer->code,
                    answer->code[0] != '\0' ? ": " : "", answer->message);
        break;
    }
}
