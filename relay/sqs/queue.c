// SPDX-License-Identifier: Apache-2.0
#include "sqs/queue.h"

#include "base/clock.h"
#include "base/memory.h"
#include "credentials/credentials.h"
#include "observe/metrics.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECTIONS = 64, TARGET_SIZE = 128 };

struct queue {
    struct event_base *base;
    const struct settings *settings;
    struct queue_listener listener;
    struct queue_url url;
    char region[AWS_REGION_SIZE];
    struct aws_config *config;
    struct http_client *http;
    struct aws_caller *caller;
    struct credentials *credentials;
    struct asked *asked;
};

// One question that is not answered yet.
struct asked {
    struct asked *next;
    struct asked *previous;
    struct queue *queue;
    struct event *later; // where it could not even be sent; else NULL
    struct error reason; // why it is not done
    const char *action;
    enum aws_failure failure;
    uint64_t signed_with;
    int64_t asked_at;
    void (*done)(void *context, const struct queue_answer *answer);
    bool (*again)(void *context); // may be NULL
    void *context;
};

static void on_credentials(void *context) {
    struct queue *queue = context;
    struct error error;
    if (credentials_now(queue->credentials) == NULL && credentials_absent(queue->credentials)) {
        error_set(&error, ERROR_CREDENTIALS, "%s", credentials_problem(queue->credentials));
        queue->listener.credentials_absent(queue->listener.context, &error);
        return;
    }
    queue->listener.credentials_changed(queue->listener.context);
}

// A queue somewhere else than at AWS is asked there only when a setting says so: what is signed is not sent
// to whatever host a URL happens to name.
static bool check_endpoint(const struct queue *queue, struct error *error) {
    struct aws_endpoint endpoint;
    char region[AWS_REGION_SIZE];
    bool is_public;
    if (!aws_endpoint_resolve(&endpoint, queue->settings, queue->config, "sqs", queue->region, error)) {
        return false;
    }
    bool at_aws = queue_url_region(region, &is_public, endpoint.host) && is_public;
    if (!queue->url.is_public && at_aws) {
        const struct queue_url *url = &queue->url;
        size_t path = strlen(url->account) + strlen(url->name) + 2; // with the slashes
        return error_set(error, ERROR_USAGE,
                         "the queue URL's host %s is not the public endpoint of SQS: to have requests sent "
                         "there, set AWS_ENDPOINT_URL_SQS=%.*s",
                         url->host, (int)(strlen(url->text) - path), url->text);
    }
    return true;
}

static bool find_region(struct queue *queue, struct error *error) {
    if (queue->url.region[0] != '\0') {
        memcpy(queue->region, queue->url.region, sizeof queue->region);
        return true;
    }
    return aws_region_resolve(queue->region, queue->settings, queue->config, NULL, error);
}

static bool prepare(struct queue *queue, struct error *error) {
    const struct settings *settings = queue->settings;
    const struct credentials_listener listener = {queue, on_credentials};
    queue->config = aws_config_load(settings, error);
    if (queue->config == NULL || !find_region(queue, error) || !check_endpoint(queue, error)) {
        return false;
    }
    const struct http_options options = {
        .ca_bundle = aws_config_text(queue->config, settings->aws_ca_bundle, "ca_bundle"),
        .timeout_us = settings->request_timeout,
        .connections = CONNECTIONS};
    if ((queue->http = http_client_new(queue->base, &options, error)) == NULL ||
        (queue->caller = aws_caller_new(queue->base, settings, queue->config, queue->http, error)) == NULL ||
        (queue->credentials = credentials_new(queue->base, settings, &listener, error)) == NULL) {
        return false;
    }
    return !credentials_absent(queue->credentials) ||
           error_set(error, ERROR_CREDENTIALS, "%s", credentials_problem(queue->credentials));
}

struct queue *queue_new(struct event_base *base, const struct settings *settings,
                        const struct queue_listener *listener, struct error *error) {
    struct queue_url url;
    if (!queue_url_parse(&url, settings->queue_url, error)) {
        return NULL;
    }
    struct queue *queue = memory_allocate(1, sizeof *queue);
    queue->base = base;
    queue->settings = settings;
    queue->listener = *listener;
    queue->url = url;
    if (!prepare(queue, error)) {
        queue_free(queue);
        return NULL;
    }
    return queue;
}

static void free_asked(struct asked *asked) {
    if (asked->later != NULL) {
        event_free(asked->later);
    }
    free(asked);
}

void queue_free(struct queue *queue) {
    if (queue == NULL) {
        return;
    }
    http_client_free(queue->http);
    aws_caller_free(queue->caller);
    credentials_free(queue->credentials);
    aws_config_free(queue->config);
    while (queue->asked != NULL) {
        struct asked *asked = queue->asked;
        queue->asked = asked->next;
        free_asked(asked);
    }
    free(queue);
}

const struct queue_url *queue_url_of(const struct queue *queue) {
    return &queue->url;
}

bool queue_waits(const struct queue *queue) {
    return credentials_now(queue->credentials) == NULL && credentials_problem(queue->credentials)[0] == '\0';
}

const char *queue_credentials_problem(const struct queue *queue) {
    const char *problem = credentials_problem(queue->credentials);
    if (credentials_now(queue->credentials) != NULL) {
        return NULL;
    }
    return problem[0] != '\0' ? problem : "the first credentials are being fetched";
}

static void end(struct asked *asked, const struct queue_answer *answer) {
    asked->done(asked->context, answer);
    *(asked->previous != NULL ? &asked->previous->next : &asked->queue->asked) = asked->next;
    if (asked->next != NULL) {
        asked->next->previous = asked->previous;
    }
    free_asked(asked);
}

// What was signed with credentials that others have replaced since says nothing about those.
static enum aws_failure judge_refusal(const struct asked *asked, enum aws_failure failure) {
    struct credentials *credentials = asked->queue->credentials;
    if (asked->signed_with != credentials_version(credentials)) {
        return AWS_FAILURE_TRANSIENT;
    }
    if (failure == AWS_FAILURE_CREDENTIALS) {
        credentials_refused(credentials);
    }
    return failure;
}

// Those that SQS alone has: aws/failure.c has the others.
static bool is_own_code(const char *code) {
    static const char *const codes[] = {
        "InvalidIdFormat",        "InvalidParameterValue", "KmsDisabled",
        "KmsInvalidState",        "KmsNotFound",           "MessageNotInflight",
        "ReceiptHandleIsInvalid", "InvalidReceiptHandle",  "UnsupportedOperation",
        "InvalidSecurity"};
    for (size_t index = 0; index < sizeof codes / sizeof codes[0]; index++) {
        if (strcmp(aws_error_name(code), codes[index]) == 0) {
            return true;
        }
    }
    return false;
}

void queue_count_failure(const char *action, int http_status, const char *code) {
    char word[AWS_CODE_WORD_SIZE];
    aws_failure_word(word, http_status, code, is_own_code(code));
    metric_add(metric_series(METRIC_SQS_ERRORS, action, word), 1);
}

static void on_answer(void *context, const struct aws_answer *aws) {
    struct asked *asked = context;
    struct queue_answer answer = {.json = aws->json,
                                  .reason = asked->reason.text,
                                  .failure = AWS_FAILURE_OTHER,
                                  .asked_at = asked->asked_at};
    answer.good = aws->status >= 200 && aws->status < 300;
    if (answer.good) {
        if (asked->signed_with == credentials_version(asked->queue->credentials)) {
            credentials_accepted(asked->queue->credentials);
        }
    } else {
        queue_count_failure(asked->action, aws->status, aws->code);
        error_set(&asked->reason, ERROR_PUBLISH, "%s%s%s", aws->code, aws->code[0] != '\0' ? ": " : "",
                  aws->message);
        answer.failure = aws_failure_of_answer(aws->status, aws->code);
        if (answer.failure == AWS_FAILURE_CREDENTIALS || answer.failure == AWS_FAILURE_SIGNATURE) {
            answer.failure = judge_refusal(asked, answer.failure);
        }
    }
    end(asked, &answer);
}

static void on_later(evutil_socket_t socket, short kinds, void *context) {
    struct asked *asked = context;
    (void)socket;
    (void)kinds;
    end(asked, &(struct queue_answer){
                   .failure = asked->failure, .reason = asked->reason.text, .asked_at = asked->asked_at});
}

static void refuse(struct asked *asked, enum aws_failure failure, const char *reason) {
    static const struct timeval at_once = {0};
    asked->failure = failure;
    error_set(&asked->reason, ERROR_PUBLISH, "%s", reason);
    asked->later = evtimer_new(asked->queue->base, on_later, asked);
    evtimer_add(asked->later, &at_once);
}

static bool may_be_sent_again(void *context) {
    const struct asked *asked = context;
    return asked->again == NULL || asked->again(asked->context);
}

static void send_asked(struct asked *asked, const struct queue_question *question) {
    struct queue *queue = asked->queue;
    struct error error = {0};
    char target[TARGET_SIZE];
    char *body = cJSON_PrintUnformatted(question->input);
    const struct aws_request request = {.service = "sqs",
                                        .region = queue->region,
                                        .target = target,
                                        .body = slice_of_text(body != NULL ? body : "{}"),
                                        .credentials = credentials_now(queue->credentials),
                                        .timeout_us = question->timeout_us,
                                        .answer_limit = question->answer_limit,
                                        .done = on_answer,
                                        .again = may_be_sent_again,
                                        .context = asked};
    snprintf(target, sizeof target, "AmazonSQS.%s", question->action);
    if (request.credentials == NULL) {
        const char *problem = credentials_problem(queue->credentials);
        refuse(asked, AWS_FAILURE_CREDENTIALS, problem[0] != '\0' ? problem : "there are no credentials yet");
    } else if (!aws_call(queue->caller, &request, &error)) {
        refuse(asked, AWS_FAILURE_OTHER, error.text);
    }
    cJSON_free(body);
}

void queue_ask(struct queue *queue, const struct queue_question *question) {
    struct asked *asked = memory_allocate(1, sizeof *asked);
    *asked = (struct asked){.queue = queue,
                            .next = queue->asked,
                            .signed_with = credentials_version(queue->credentials),
                            .action = question->action,
                            .asked_at = clock_boot_us(),
                            .done = question->done,
                            .again = question->again,
                            .context = question->context};
    if (asked->next != NULL) {
        asked->next->previous = asked;
    }
    queue->asked = asked;
    cJSON_AddStringToObject(question->input, "QueueUrl", queue->url.text);
    send_asked(asked, question);
    cJSON_Delete(question->input);
}
