// SPDX-License-Identifier: Apache-2.0
// One SQS queue as it is asked: requests of SQS's JSON protocol, signed with the credentials of the moment,
// throttling and trouble on the way tried again a few times (aws/call.h). What a request is about is the
// business of those who ask.
#pragma once

#include "aws/call.h"
#include "aws/failure.h"
#include "base/error.h"
#include "settings/settings.h"
#include "sqs/queue_url.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct queue;
struct cJSON;

enum { QUEUE_BATCH_MAX = 10 }; // messages or entries in one request

struct queue_listener {
    void *context;
    void (*credentials_changed)(void *context); // there are some now, or others; never within a call
    void (*credentials_absent)(void *context, const struct error *error); // and none will come
};

// queue_new reads settings->queue_url and finds region, endpoint and credentials. Fails (ERROR_USAGE,
// ERROR_CREDENTIALS) naming what is wrong and what to set. Borrows settings.
struct queue *queue_new(struct event_base *base, const struct settings *settings,
                        const struct queue_listener *listener, struct error *error);
void queue_free(struct queue *queue); // `done` is not called for what is under way; NULL is fine

const struct queue_url *queue_url_of(const struct queue *queue);

// queue_waits: the first credentials are still being fetched; credentials_changed will say when to ask.
bool queue_waits(const struct queue *queue);

// queue_credentials_problem: why there are no credentials now; NULL when there are.
const char *queue_credentials_problem(const struct queue *queue);

struct queue_answer {
    bool good;                // the request was done
    const struct cJSON *json; // where it was
    enum aws_failure failure; // why not; AWS_FAILURE_OTHER says nothing where it was done
    const char *reason;       // one line for people: code and message; "" where it was done
    int64_t asked_at;         // clock_boot_us: when queue_ask was called
};

struct queue_question {
    const char *action;  // "ReceiveMessage"; lives on
    struct cJSON *input; // taken over; QueueUrl is added to it
    int64_t timeout_us;  // of each attempt; 0: settings->request_timeout
    size_t answer_limit; // 0: 1 MiB
    void (*done)(void *context, const struct queue_answer *answer);
    bool (*again)(void *context); // as in aws_request
    void *context;
};

// queue_count_failure counts a failure of a request or (http_status 200) of a single entry.
void queue_count_failure(const char *action, int http_status, const char *code);

// queue_ask asks; `done` is called exactly once, later, from the loop, also where there are no credentials.
void queue_ask(struct queue *queue, const struct queue_question *question);
