// SPDX-License-Identifier: Apache-2.0
// What an HTTP answer of an AWS service says: its document, and code and message of an error. Only call.c
// includes this.
#pragma once

#include "aws/call.h"

enum { AWS_CODE_SIZE = 65 };

struct aws_reply {
    struct aws_answer answer;
    struct xml *xml;
    struct cJSON *json;
    char code[AWS_CODE_SIZE];
    struct error message;
};

// aws_reply_read fills `reply`, which is then to be freed, and borrows the body. A success whose document is
// not well-formed, or JSON that is no object, has not come whole: status 0.
void aws_reply_read(struct aws_reply *reply, const struct http_answer *http, bool is_json);
void aws_reply_free(struct aws_reply *reply);
