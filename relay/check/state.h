// SPDX-License-Identifier: Apache-2.0
// What the checkers share. Each looks at one thing, asks AWS in the loop, and adds findings to a subject.
// Nobody else includes this.
#pragma once

#include "aws/arn.h"
#include "aws/call.h"
#include "aws/config.h"
#include "check/database.h"
#include "check/findings.h"
#include "credentials/credentials.h"
#include "credentials/region.h"
#include "http/client.h"
#include "settings/settings.h"

#include <event2/event.h>

// A topic that events go to.
struct target {
    struct target *next;
    char *arn;
    struct aws_topic_arn parts;
    char *because; // "route order.*", "OUTBOX_TOPIC_ARN"
    bool paused;
};

struct asked;
struct kept;

struct check {
    struct event_base *base;
    const struct settings *settings;
    struct aws_config *config;
    struct findings *findings;
    struct subject *identity;  // "AWS credentials"
    struct subject *endpoints; // "AWS endpoints"
    struct target *targets;
    struct http_client *http;
    struct aws_caller *caller;
    struct credentials *credentials;
    struct region *where;
    struct event *deadline;
    struct asked *asked;            // questions under way
    struct kept *kept;              // memory that lives until the end
    bool started;                   // the credentials have been looked at
    bool locating;                  // the region is being found
    bool over;                      // nothing more is asked
    char account[AWS_ACCOUNT_SIZE]; // that the credentials belong to; "" when it is not known
};

// In check.c:

// check_keep returns zeroed memory that is freed when the check ends.
void *check_keep(struct check *check, size_t size);

// In ask.c:

// A question to AWS. `done` is called once, from the loop or at once, also when there will be no answer.
struct inquiry {
    const char *service;
    const char *region;
    const char *target; // of a JSON request; NULL: a form
    struct slice body;
    void (*done)(void *context, const struct aws_answer *answer);
    void *context;
};

void ask(struct check *check, const struct inquiry *inquiry);

// ask_form asks with a form, of SNS or STS: `fields` are names and values in turn; a NULL name ends them.
void ask_form(struct check *check, const struct inquiry *inquiry, const char *action,
              const char *const *fields);

// ask_end answers what is under way with `reason` in place of AWS, and whatever is asked from now on.
void ask_end(struct check *check, const char *reason);

// ask_good: AWS has answered, and it is no error. ask_result is then the element of that name in it; NULL
// when there is none, so that the answer cannot be AWS's.
bool ask_good(const struct aws_answer *answer);
const struct xml_element *ask_result(const struct aws_answer *answer, const char *name);

// ask_attribute is a value in <Attributes><entry><key/><value/></entry>…</Attributes>; "" when it is not
// there.
const char *ask_attribute(const struct xml_element *result, const char *name);

// ask_explain adds a finding for an answer that is none, or an error of a kind that every service has:
// a permission that only check needs is a note, the rest are errors. `permission` is
// "sns:GetTopicAttributes", `resource` the ARN that it is about.
void ask_explain(struct subject *subject, const struct aws_answer *answer, const char *permission,
                 const char *resource);

// In identity.c:

// identity_check looks at the credentials, finds the region as the relay does (credentials/region.h), and
// asks whose they are; then it calls `next`, whose `usable` tells whether AWS takes them.
void identity_check(struct check *check, void (*next)(struct check *check, bool usable));

// In endpoints.c:

// endpoints_check says where SNS and SQS are found, for every region of the topics; endpoints_check_sts where
// STS is.
void endpoints_check(struct check *check);
void endpoints_check_sts(struct check *check, const char *region);

// In targets.c:

// targets_read finds the topics: from the database, where that is usable, and the settings.
void targets_read(struct check *check, struct subject *subject, const struct database *database);
void targets_free(struct target *targets);

// In topic.c:

// topic_check looks at a topic and at what is subscribed to it.
void topic_check(struct check *check, const struct target *target, struct subject *subject);

// In queue.c:

// queue_check looks at a subscription of a queue; texts are copied. `subject` is the queue's.
void queue_check(struct check *check, struct subject *subject, const struct target *target,
                 const char *subscription_arn, const char *queue_arn);
