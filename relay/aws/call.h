// SPDX-License-Identifier: Apache-2.0
// One request to an AWS service, from beginning to end: endpoint, signature, retries (retry.h), clock skew.
// For what is asked now and then (STS, the attributes of topics and queues); batches of events have a way of
// their own (sns/send.c), made of the same parts.
#pragma once

#include "aws/credentials.h"
#include "base/error.h"
#include "base/slice.h"
#include "http/client.h"
#include "settings/settings.h"

#include <event2/event.h>
#include <stdbool.h>

struct aws_caller;

struct aws_caller *aws_caller_new(struct event_base *base, const struct settings *settings,
                                  struct http_client *http, struct error *error);
void aws_caller_free(struct aws_caller *caller); // drops what is under way; NULL is fine

// What came of it. `status` 0: no whole answer. `code` is AWS's error code where the answer has one, else ""
// (of XML: Error.Code; of JSON: __type without what stands before '#', or the header x-amzn-query-error).
struct aws_answer {
    int status;
    struct slice body;
    const char *code;
    const char *message; // AWS's, or why there is no answer
};

struct aws_request {
    const char *service; // "sts", "sns", "sqs"
    const char *region;
    const char *target;                        // X-Amz-Target: a JSON request (SQS); NULL: a form (SNS, STS)
    struct slice body;                         // copied
    const struct aws_credentials *credentials; // NULL: not signed; copied
    void (*done)(void *context, const struct aws_answer *answer);
    void *context;
};

// aws_call sends a request; `done` is called exactly once, later, from the loop. Fails (ERROR_USAGE) at once
// when no endpoint can be made.
bool aws_call(struct aws_caller *caller, const struct aws_request *request, struct error *error);
