// SPDX-License-Identifier: Apache-2.0
// Elements without a rule lead to a place that has no rules, so that whatever is in them is skipped.
#include "sns/answer_grammar.h"

#include <stddef.h>
#include <string.h>

static const struct rule {
    enum answer_place parent;
    enum answer_place place;
    const char *name;
} rules[] = {
    {ANSWER_DOCUMENT, ANSWER_RESPONSE, "PublishBatchResponse"},
    {ANSWER_RESPONSE, ANSWER_RESULT, "PublishBatchResult"},
    {ANSWER_RESPONSE, ANSWER_METADATA, "ResponseMetadata"},
    {ANSWER_METADATA, ANSWER_REQUEST_ID, "RequestId"},
    {ANSWER_RESULT, ANSWER_SUCCESSFUL, "Successful"},
    {ANSWER_RESULT, ANSWER_FAILED, "Failed"},
    {ANSWER_SUCCESSFUL, ANSWER_SENT_MEMBER, "member"},
    {ANSWER_SENT_MEMBER, ANSWER_ID, "Id"},
    {ANSWER_SENT_MEMBER, ANSWER_MESSAGE_ID, "MessageId"},
    {ANSWER_SENT_MEMBER, ANSWER_SEQUENCE_NUMBER, "SequenceNumber"},
    {ANSWER_FAILED, ANSWER_FAILED_MEMBER, "member"},
    {ANSWER_FAILED_MEMBER, ANSWER_ID, "Id"},
    {ANSWER_FAILED_MEMBER, ANSWER_CODE, "Code"},
    {ANSWER_FAILED_MEMBER, ANSWER_MESSAGE, "Message"},
    {ANSWER_FAILED_MEMBER, ANSWER_SENDER_FAULT, "SenderFault"},
    {ANSWER_DOCUMENT, ANSWER_ERROR_RESPONSE, "ErrorResponse"},
    {ANSWER_ERROR_RESPONSE, ANSWER_REQUEST_ID, "RequestId"},
    {ANSWER_ERROR_RESPONSE, ANSWER_ERROR, "Error"},
    {ANSWER_ERROR, ANSWER_ERROR_TYPE, "Type"},
    {ANSWER_ERROR, ANSWER_ERROR_CODE, "Code"},
    {ANSWER_ERROR, ANSWER_ERROR_MESSAGE, "Message"},
};

enum answer_place answer_place(enum answer_place parent, const char *name) {
    const char *colon = strrchr(name, ':');
    const char *local_name = colon == NULL ? name : colon + 1;

    for (size_t index = 0; index < sizeof rules / sizeof rules[0]; index++) {
        if (rules[index].parent == parent && strcmp(rules[index].name, local_name) == 0) {
            return rules[index].place;
        }
    }
    return ANSWER_SKIPPED;
}
