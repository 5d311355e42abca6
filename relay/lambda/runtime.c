// SPDX-License-Identifier: Apache-2.0
#include "lambda/runtime.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/client.h"
#include "settings/value.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ADDRESS_MAX = 255,
    REQUEST_ID_MAX = 128,
    URL_SIZE = 512,
    HEADER_SIZE = 128,
    POST_TIMEOUT_US = 10000000,
    INVOCATION_MAX = 8 << 20, // Lambda allows 6 MiB
    POSTED_MAX = 2 << 20,     // all identifiers of the largest batch
    REASON_SIZE = 256,
};

struct runtime {
    struct runtime_listener listener;
    struct http_client *client;
    char address[ADDRESS_MAX + 1];
    char request_id[REQUEST_ID_MAX + 1];
    char url[URL_SIZE];
    struct buffer body; // of what is being posted
};

// [::1]:9001, 127.0.0.1:9001, sandbox.localdomain:9001
static bool is_address(const char *text) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
    const char *colon = strrchr(text, ':');
    int64_t port = 0;
    return colon != NULL && colon != text && strlen(text) <= ADDRESS_MAX &&
           strspn(text, allowed) == strlen(text) && value_parse_integer(colon + 1, &port) && port >= 1 &&
           port <= 65535;
}

static bool check_address(const char *text, struct error *error) {
    if (text[0] == '\0') {
        return error_set(error, ERROR_USAGE,
                         "AWS_LAMBDA_RUNTIME_API is not set: lambda runs inside AWS Lambda, which sets it; "
                         "elsewhere try outbox-relay consume");
    }
    if (!is_address(text)) {
        return error_set(error, ERROR_USAGE,
                         "AWS_LAMBDA_RUNTIME_API is \"%.64s\"; it must be a host and a port, as "
                         "127.0.0.1:9001: leave it as AWS Lambda sets it",
                         text);
    }
    return true;
}

struct runtime *runtime_new(struct event_base *base, const struct settings *settings,
                            const struct runtime_listener *listener, struct error *error) {
    const struct http_options options = {.ca_bundle = "", .timeout_us = POST_TIMEOUT_US, .connections = 2};
    if (!check_address(settings->aws_lambda_runtime_api, error)) {
        return NULL;
    }
    struct http_client *client = http_client_new(base, &options, error);
    if (client == NULL) {
        return NULL;
    }
    struct runtime *runtime = memory_allocate(1, sizeof *runtime);
    runtime->listener = *listener;
    runtime->client = client;
    (void)snprintf(runtime->address, sizeof runtime->address, "%s", settings->aws_lambda_runtime_api);
    buffer_init(&runtime->body, POSTED_MAX);
    return runtime;
}

void runtime_free(struct runtime *runtime) {
    if (runtime != NULL) {
        http_client_free(runtime->client);
        buffer_free(&runtime->body);
        free(runtime);
    }
}

const char *runtime_request_id(const struct runtime *runtime) {
    return runtime->request_id;
}

static void set_url(struct runtime *runtime, const char *path, const char *request_id, const char *verb) {
    (void)snprintf(runtime->url, sizeof runtime->url, "http://%s/2018-06-01/runtime/%s%s%s", runtime->address,
                   path, request_id, verb);
}

// What an answer says for itself. That of a success is not shown: it may hold messages.
static void copy_reason(const struct http_answer *answer, char reason[REASON_SIZE]) {
    bool is_success = answer->status >= 200 && answer->status < 300;
    int shown = answer->body.length < REASON_SIZE ? (int)answer->body.length : REASON_SIZE - 1;
    if (answer->status == 0) {
        (void)snprintf(reason, REASON_SIZE, "%s", answer->failure);
    } else {
        (void)snprintf(reason, REASON_SIZE, "%.*s", is_success ? 0 : shown,
                       shown > 0 ? answer->body.data : "");
    }
}

static void fail(const struct runtime *runtime, const char *what, const struct http_answer *answer) {
    struct error error = {0};
    char reason[REASON_SIZE];
    copy_reason(answer, reason);
    if (answer->status == 0) {
        error_set(&error, ERROR_INTERNAL, "AWS Lambda's runtime API at %s: %s: %s", runtime->address, what,
                  reason);
    } else {
        error_set(&error, ERROR_INTERNAL, "AWS Lambda's runtime API at %s: %s: HTTP %d %s", runtime->address,
                  what, answer->status, reason);
    }
    runtime->listener.broken(runtime->listener.context, &error);
}

// It becomes part of a URL.
static bool is_request_id(const char *text) {
    if (text == NULL || text[0] == '\0' || strlen(text) > REQUEST_ID_MAX) {
        return false;
    }
    for (const char *place = text; *place != '\0'; place++) {
        if (!isalnum((unsigned char)*place) && *place != '-' && *place != '_') {
            return false;
        }
    }
    return true;
}

static int64_t deadline_of(const struct http_answer *answer) {
    const char *text = http_answer_header(answer, "Lambda-Runtime-Deadline-Ms");
    int64_t milliseconds = 0;
    bool known = text != NULL && value_parse_integer(text, &milliseconds);
    return known && milliseconds <= INT64_MAX / 1000 ? milliseconds * 1000 : 0;
}

static void on_next(void *context, const struct http_answer *answer) {
    struct runtime *runtime = context;
    const char *id = http_answer_header(answer, "Lambda-Runtime-Aws-Request-Id");
    const char *trace_id = http_answer_header(answer, "Lambda-Runtime-Trace-Id");
    if (answer->status != 200) {
        fail(runtime, "no invocation came", answer);
        return;
    }
    if (!is_request_id(id)) {
        fail(runtime, "an invocation came without the header Lambda-Runtime-Aws-Request-Id", answer);
        return;
    }
    (void)snprintf(runtime->request_id, sizeof runtime->request_id, "%s", id);
    const struct invocation invocation = {.request_id = runtime->request_id,
                                          .deadline_unix_us = deadline_of(answer),
                                          .trace_id = trace_id != NULL ? trace_id : "",
                                          .event = answer->body};
    runtime->listener.invoked(runtime->listener.context, &invocation);
}

void runtime_next(struct runtime *runtime) {
    set_url(runtime, "invocation/next", "", "");
    const struct http_request request = {.method = HTTP_GET,
                                         .url = runtime->url,
                                         .timeout_us = HTTP_FOREVER,
                                         .answer_limit = INVOCATION_MAX,
                                         .direct = true,
                                         .done = on_next,
                                         .context = runtime};
    http_send(runtime->client, &request);
}

static void on_posted(void *context, const struct http_answer *answer) {
    struct runtime *runtime = context;
    if (answer->status >= 400 && answer->status < 500) {
        char reason[REASON_SIZE];
        copy_reason(answer, reason);
        log_error("AWS Lambda has refused an answer; the messages it is about will come again",
                  LOG_TEXT("request_id", runtime->request_id), LOG_INT("status", answer->status),
                  LOG_TEXT("reason", reason));
    } else if (answer->status < 200 || answer->status >= 300) {
        fail(runtime, "an answer could not be given", answer);
        return;
    }
    runtime->listener.answered(runtime->listener.context);
}

// The type of an error goes into a header as well; NULL: what is posted is no error.
static void post(struct runtime *runtime, const char *type) {
    char header[HEADER_SIZE];
    struct http_request request = {.method = HTTP_POST,
                                   .url = runtime->url,
                                   .headers = {"Content-Type: application/json"},
                                   .body = {buffer_text(&runtime->body), runtime->body.length},
                                   .direct = true,
                                   .done = on_posted,
                                   .context = runtime};
    if (type != NULL) {
        (void)snprintf(header, sizeof header, "Lambda-Runtime-Function-Error-Type: %s", type);
        request.headers[1] = header;
    }
    http_send(runtime->client, &request);
}

void runtime_respond(struct runtime *runtime, struct slice json) {
    set_url(runtime, "invocation/", runtime->request_id, "/response");
    buffer_clear(&runtime->body);
    buffer_append(&runtime->body, json.data, json.length);
    post(runtime, NULL);
}

static void write_error(struct buffer *body, const char *type, const char *message) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "errorMessage", message);
    cJSON_AddStringToObject(json, "errorType", type);
    cJSON_AddArrayToObject(json, "stackTrace");
    char *text = cJSON_PrintUnformatted(json);
    buffer_clear(body);
    buffer_append_text(body, text != NULL ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(json);
}

void runtime_fail(struct runtime *runtime, const char *type, const char *message) {
    set_url(runtime, "invocation/", runtime->request_id, "/error");
    write_error(&runtime->body, type, message);
    post(runtime, type);
}

void runtime_fail_start(struct runtime *runtime, const char *type, const char *message) {
    set_url(runtime, "init/error", "", "");
    write_error(&runtime->body, type, message);
    post(runtime, type);
}
