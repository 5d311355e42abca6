// SPDX-License-Identifier: Apache-2.0
#include "aws/reply.h"

#include "aws/failure.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { SHOWN_MAX = 200 }; // characters of a message or a page

static const char *json_text(const struct cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text != NULL ? text : "";
}

static void set_message(struct aws_reply *reply, const char *message) {
    error_set(&reply->message, ERROR_PUBLISH, "%.*s", SHOWN_MAX, message);
}

static void set_code(struct aws_reply *reply, const char *code, size_t length) {
    char whole[AWS_CODE_SIZE];
    snprintf(whole, sizeof whole, "%.*s", (int)length, code);
    snprintf(reply->code, sizeof reply->code, "%s", aws_error_name(whole));
}

// <ErrorResponse><Error><Code/><Message/></Error></ErrorResponse>
static void read_xml_error(struct aws_reply *reply) {
    const struct xml_element *error = xml_child(reply->answer.xml, "Error");
    const char *code = xml_text(error, "Code");
    set_code(reply, code, strlen(code));
    set_message(reply, xml_text(error, "Message"));
}

// {"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"..."}; the header of the older protocol has the
// code as well: "AWS.SimpleQueueService.NonExistentQueue;Sender".
static void read_json_error(struct aws_reply *reply, const struct http_answer *http) {
    const char *type = json_text(reply->json, "__type");
    const char *hash = strrchr(type, '#');
    const char *header = http_answer_header(http, "x-amzn-query-error");
    const char *message = json_text(reply->json, "message");
    const char *code = hash != NULL ? hash + 1 : type;
    if (code[0] == '\0' && header != NULL) {
        code = header;
    }
    set_code(reply, code, strcspn(code, ";"));
    set_message(reply, message[0] != '\0' ? message : json_text(reply->json, "Message"));
}

// What is meant to be a success is not shown: half of an answer may hold half of a secret.
static void describe_success(struct aws_reply *reply, const struct http_answer *http) {
    error_set(&reply->message, ERROR_PUBLISH, "HTTP %d, and %zu bytes that are no answer of AWS",
              http->status, http->body.length);
}

// A page that is not AWS's is shown, as it may be the only thing that says who answered.
static void describe_failure(struct aws_reply *reply, const struct http_answer *http) {
    int length = http->body.length < SHOWN_MAX ? (int)http->body.length : SHOWN_MAX;
    error_set(&reply->message, ERROR_PUBLISH, "HTTP %d, and no answer of AWS: %.*s", http->status, length,
              length > 0 ? http->body.data : "");
}

static void read_error(struct aws_reply *reply, const struct http_answer *http) {
    if (reply->json != NULL) {
        read_json_error(reply, http);
    } else if (reply->xml != NULL) {
        read_xml_error(reply);
    }
    if (reply->code[0] == '\0') {
        describe_failure(reply, http);
    }
}

// AWS answers with an object. Other JSON says nothing, and would read as one that has no members.
static struct cJSON *parse_json(struct slice body) {
    struct cJSON *json = cJSON_ParseWithLength(body.data, body.length);
    if (cJSON_IsObject(json)) {
        return json;
    }
    cJSON_Delete(json);
    return NULL;
}

static void parse(struct aws_reply *reply, const struct http_answer *http, bool is_json) {
    if (is_json && http->body.length > 0) {
        reply->json = parse_json(http->body);
    } else if (!is_json) {
        reply->xml = xml_read(http->body);
    }
    reply->answer.json = reply->json;
    reply->answer.xml = reply->xml != NULL ? xml_root(reply->xml) : NULL;
}

void aws_reply_read(struct aws_reply *reply, const struct http_answer *http, bool is_json) {
    *reply = (struct aws_reply){.answer = {.status = http->status, .body = http->body}};
    reply->answer.code = reply->code;
    reply->answer.message = reply->message.text;
    if (http->status == 0) {
        set_message(reply, http->failure);
        return;
    }
    parse(reply, http, is_json);
    if (http->status < 200 || http->status >= 300) {
        read_error(reply, http);
    } else if (reply->json == NULL && reply->xml == NULL) {
        reply->answer.status = 0;
        describe_success(reply, http);
    }
}

void aws_reply_free(struct aws_reply *reply) {
    cJSON_Delete(reply->json);
    xml_free(reply->xml);
}
