// SPDX-License-Identifier: Apache-2.0
#include "aws/call.h"

#include "aws/endpoint.h"
#include "aws/failure.h"
#include "aws/reply.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "aws/skew.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    HEADER_SIZE = 1024,
    TOKEN_HEADER_SIZE = AWS_SESSION_TOKEN_MAX + 64,
    SERVICE_SIZE = 17,
    TARGET_SIZE = 129,
};

// One request, until its `done` has been called.
struct call {
    struct call *next;
    struct call *previous;
    struct aws_caller *caller;
    struct aws_endpoint endpoint;
    char service[SERVICE_SIZE];
    char region[AWS_REGION_SIZE];
    char target[TARGET_SIZE]; // "" of a form
    char *body;
    size_t body_length;
    bool sign;
    struct aws_credentials credentials;
    int64_t signed_offset_us; // of the last attempt: what the wall clock was corrected by
    bool signed_again;        // as the clock was wrong
    struct retry retry;
    int64_t timeout_us;
    size_t answer_limit;
    struct event *timer; // until the next attempt
    void (*done)(void *context, const struct aws_answer *answer);
    bool (*again)(void *context); // may be NULL
    void *context;
};

struct aws_caller {
    struct event_base *base;
    const struct settings *settings;
    const struct aws_config *config;
    struct http_client *http;
    struct sigv4_signer *signer;
    struct aws_skew skew;
    struct retry_quota quota;
    struct call *calls;
};

struct aws_caller *aws_caller_new(struct event_base *base, const struct settings *settings,
                                  const struct aws_config *config, struct http_client *http,
                                  struct error *error) {
    struct sigv4_signer *signer = sigv4_signer_create(error);
    if (signer == NULL) {
        return NULL;
    }
    struct aws_caller *caller = memory_allocate(1, sizeof *caller);
    caller->base = base;
    caller->settings = settings;
    caller->config = config;
    caller->http = http;
    caller->signer = signer;
    retry_quota_init(&caller->quota);
    return caller;
}

static void free_call(struct call *call) {
    event_free(call->timer);
    memory_wipe(call->body, call->body_length);
    free(call->body);
    aws_credentials_wipe(&call->credentials);
    free(call);
}

void aws_caller_free(struct aws_caller *caller) {
    if (caller == NULL) {
        return;
    }
    for (struct call *call = caller->calls, *next; call != NULL; call = next) {
        next = call->next;
        free_call(call);
    }
    sigv4_signer_free(caller->signer);
    free(caller);
}

static const char *content_type(const struct call *call) {
    return call->target[0] != '\0' ? "application/x-amz-json-1.0"
                                   : "application/x-www-form-urlencoded; charset=utf-8";
}

static bool sign(struct call *call, struct sigv4_signature *signature, struct error *error) {
    const struct sigv4_header headers[] = {
        {"content-type", content_type(call)}, {"host", call->endpoint.host}, {"x-amz-target", call->target}};
    const struct sigv4_request request = {.method = "POST",
                                          .path = call->endpoint.path,
                                          .query = "",
                                          .region = call->region,
                                          .service = call->service,
                                          .headers = headers,
                                          .header_count = call->target[0] != '\0' ? 3 : 2,
                                          .payload = call->body,
                                          .payload_length = call->body_length};
    call->signed_offset_us = call->caller->skew.offset_us;
    return sigv4_sign(call->caller->signer, &call->credentials, &request,
                      clock_unix_us() + call->signed_offset_us, signature, error);
}

static void on_answer(void *context, const struct http_answer *http);

// Sends one attempt.
static bool send_attempt(struct call *call, struct error *error) {
    struct sigv4_signature signature;
    if (call->sign && !sign(call, &signature, error)) {
        return false;
    }
    char type[HEADER_SIZE];
    char target[HEADER_SIZE];
    char date[HEADER_SIZE];
    char authorization[HEADER_SIZE];
    char token[TOKEN_HEADER_SIZE];
    struct http_request request = {.url = call->endpoint.url,
                                   .headers = {type},
                                   .body = {call->body, call->body_length},
                                   .timeout_us = call->timeout_us,
                                   .answer_limit = call->answer_limit,
                                   .done = on_answer,
                                   .context = call};
    int count = 1;
    snprintf(type, sizeof type, "Content-Type: %s", content_type(call));
    if (call->target[0] != '\0') {
        snprintf(target, sizeof target, "X-Amz-Target: %s", call->target);
        request.headers[count++] = target;
    }
    if (call->sign) {
        snprintf(date, sizeof date, "X-Amz-Date: %s", signature.date);
        snprintf(authorization, sizeof authorization, "Authorization: %s", signature.authorization);
        request.headers[count++] = date;
        request.headers[count++] = authorization;
    }
    if (call->sign && call->credentials.session_token[0] != '\0') {
        snprintf(token, sizeof token, "X-Amz-Security-Token: %s", call->credentials.session_token);
        request.headers[count++] = token;
    }
    http_send(call->caller->http, &request);
    memory_wipe(token, sizeof token);
    return true;
}

static void link_call(struct call *call) {
    struct aws_caller *caller = call->caller;
    call->next = caller->calls;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    caller->calls = call;
}

static void unlink_call(const struct call *call) {
    *(call->previous != NULL ? &call->previous->next : &call->caller->calls) = call->next;
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
}

static void finish(struct call *call, const struct aws_answer *answer) {
    call->done(call->context, answer);
    unlink_call(call);
    free_call(call);
}

static bool may_be_sent_again(const struct call *call) {
    return call->again == NULL || call->again(call->context);
}

static void on_timer(evutil_socket_t socket, short kinds, void *context) {
    struct call *call = context;
    struct error error = {0};
    (void)socket;
    (void)kinds;
    if (!may_be_sent_again(call)) {
        finish(call, &(struct aws_answer){.code = "", .message = "it is not asked for any more"});
    } else if (!send_attempt(call, &error)) {
        finish(call, &(struct aws_answer){.code = "", .message = error.text});
    }
}

static void send_in(struct call *call, int64_t wait_us) {
    const struct timeval wait = {.tv_sec = wait_us / 1000000, .tv_usec = wait_us % 1000000};
    evtimer_add(call->timer, &wait);
}

// Whether the answer is one to be had again: at once where only the clock was wrong, else after a while.
static bool retries(struct call *call, const struct http_answer *http, const struct aws_answer *answer) {
    enum aws_failure failure = aws_failure_of_answer(answer->status, answer->code);
    bool throttled = failure == AWS_FAILURE_THROTTLED;
    if (!may_be_sent_again(call)) {
        return false;
    }
    if (call->sign && !call->signed_again &&
        aws_skew_explains(&call->caller->skew, call->signed_offset_us, answer->code,
                          http_answer_header(http, "Date"), clock_unix_us())) {
        call->signed_again = true;
        send_in(call, 0);
        return true;
    }
    if ((!throttled && failure != AWS_FAILURE_TRANSIENT) ||
        !retry_take(&call->retry, &call->caller->quota, throttled ? RETRY_THROTTLED : RETRY_TRANSIENT)) {
        return false;
    }
    send_in(call, retry_delay_us(&call->retry, http_answer_header(http, RETRY_AFTER_HEADER)));
    return true;
}

static void on_answer(void *context, const struct http_answer *http) {
    struct call *call = context;
    struct aws_reply reply;
    aws_reply_read(&reply, http, call->target[0] != '\0');
    if (!retries(call, http, &reply.answer)) {
        if (reply.answer.status >= 200 && reply.answer.status < 300) {
            retry_succeed(&call->retry, &call->caller->quota);
        }
        finish(call, &reply.answer);
    }
    aws_reply_free(&reply);
}

bool aws_call(struct aws_caller *caller, const struct aws_request *request, struct error *error) {
    struct aws_endpoint endpoint;
    if (!aws_endpoint_resolve(&endpoint, caller->settings, caller->config, request->service, request->region,
                              error)) {
        return false;
    }
    struct call *call = memory_allocate(1, sizeof *call);
    *call = (struct call){.caller = caller,
                          .endpoint = endpoint,
                          .body = memory_allocate(request->body.length + 1, 1),
                          .body_length = request->body.length,
                          .sign = request->credentials != NULL,
                          .timer = evtimer_new(caller->base, on_timer, call),
                          .timeout_us = request->timeout_us,
                          .answer_limit = request->answer_limit,
                          .done = request->done,
                          .again = request->again,
                          .context = request->context};
    snprintf(call->service, sizeof call->service, "%s", request->service);
    snprintf(call->region, sizeof call->region, "%s", request->region);
    snprintf(call->target, sizeof call->target, "%s", request->target != NULL ? request->target : "");
    if (request->body.length > 0) {
        memcpy(call->body, request->body.data, request->body.length);
    }
    if (request->credentials != NULL) {
        call->credentials = *request->credentials;
    }
    if (!send_attempt(call, error)) {
        free_call(call);
        return false;
    }
    link_call(call);
    return true;
}
