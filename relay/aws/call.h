// SPDX-License-Identifier: Apache-2.0
// One request to an AWS service, from beginning to end: endpoint, signature, retries (retry.h), clock skew.
// For what is asked now and then (STS, the attributes of topics and queues); batches of events have a way of
// their own (sns/send.c), made of the same parts. An answer that came whole is parsed, and one that is not
// well-formed, or JSON that is no object, counts as none.
#pragma once

#include "aws/config.h"
#include "aws/credentials.h"
#include "aws/xml.h"
#include "base/error.h"
#include "base/slice.h"
#include "http/client.h"
#include "settings/settings.h"

#include <event2/event.h>
#include <stdbool.h>

struct aws_caller;
struct cJSON;

// aws_caller_new borrows settings, config (may be NULL) and client. Fails (ERROR_INTERNAL) when OpenSSL
// cannot sign.
struct aws_caller *aws_caller_new(struct event_base *base, const struct settings *settings,
                                  const struct aws_config *config, struct http_client *http,
                                  struct error *error);

// aws_caller_free drops what is under way; `done` is not called. The HTTP client is to be freed before, as it
// still has requests of the caller. NULL is fine.
void aws_caller_free(struct aws_caller *caller);

// What came of it, with the last attempt. `status` 0: no whole answer. It lives while `done` runs.
struct aws_answer {
    int status;
    struct slice body;
    const struct xml_element *xml; // the root of an answer to a form; NULL when it is none of AWS's
    const struct cJSON *json;      // the same of a JSON request
    const char *code;    // AWS's error code, without a prefix; "" when the answer has none, or is no error
    const char *message; // AWS's, or why there is no answer; one line; "" when it is no error
};

struct aws_request {
    const char *service; // "sts", "sns", "sqs"
    const char *region;
    const char *target;                        // X-Amz-Target: a JSON request (SQS); NULL: a form (SNS, STS)
    struct slice body;                         // copied, and wiped in the end
    const struct aws_credentials *credentials; // NULL: not signed; copied
    int64_t timeout_us;                        // of each attempt; 0: the HTTP client's
    size_t answer_limit;                       // as http_request says
    void (*done)(void *context, const struct aws_answer *answer);
    bool (*again)(void *context); // whether it may be sent again, asked at any time; NULL: it may
    void *context;
};

// aws_call sends a request; `done` is called exactly once, later, from the loop; it may call aws_call, but
// not free the caller. Fails at once when no endpoint can be made (ERROR_USAGE) or it cannot be signed
// (ERROR_INTERNAL). What is throttled, or meets trouble at the other end, is sent again as retry.h says.
bool aws_call(struct aws_caller *caller, const struct aws_request *request, struct error *error);
