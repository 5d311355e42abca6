// SPDX-License-Identifier: Apache-2.0
#include "sns/failure.h"

#include "aws/failure.h"

#include <string.h>

// What SNS alone says; the rest is in aws/failure.c.
static const struct {
    const char *code;
    enum failure_class class;
} codes[] = {
    {"InvalidSecurity", FAILURE_TOPIC},
    {"InvalidSecurityException", FAILURE_TOPIC},
    {"KMSAccessDenied", FAILURE_TOPIC},
    {"KMSAccessDeniedException", FAILURE_TOPIC},
    {"KMSDisabled", FAILURE_TOPIC},
    {"KMSDisabledException", FAILURE_TOPIC},
    {"KMSInvalidState", FAILURE_TOPIC},
    {"KMSInvalidStateException", FAILURE_TOPIC},
    {"KMSNotFound", FAILURE_TOPIC},
    {"KMSNotFoundException", FAILURE_TOPIC},
    {"KMSOptInRequired", FAILURE_TOPIC},

    {"InvalidMessageContents", FAILURE_EVENT},
    {"InvalidParameter", FAILURE_EVENT},
    {"InvalidParameterException", FAILURE_EVENT},
    {"InvalidParameterValue", FAILURE_EVENT},
    {"InvalidParameterValueException", FAILURE_EVENT},
    {"ParameterValueInvalid", FAILURE_EVENT},
    {"ValidationError", FAILURE_EVENT},
    {"ValidationException", FAILURE_EVENT},

    {"BatchEntryIdsNotDistinct", FAILURE_PACKING},
    {"BatchRequestTooLong", FAILURE_PACKING},
    {"BatchRequestTooLongException", FAILURE_PACKING},
    {"EmptyBatchRequest", FAILURE_PACKING},
    {"InvalidBatchEntryId", FAILURE_PACKING},
    {"TooManyEntriesInBatchRequest", FAILURE_PACKING},
};

static bool find_own(const char *code, size_t *ret) {
    const char *name = aws_error_name(code);
    size_t index = 0;
    while (index < sizeof codes / sizeof codes[0] && strcmp(name, codes[index].code) != 0) {
        index++;
    }
    *ret = index;
    return index < sizeof codes / sizeof codes[0];
}

bool failure_is_known(const char *code) {
    size_t index;
    return aws_failure_of_code(code) != AWS_FAILURE_OTHER || find_own(code, &index);
}

// A refused TopicArn is the topic's fault, though it comes with the code of a refused event.
static enum failure_class classify_own(const char *code, const char *message) {
    size_t index;
    if (!find_own(code, &index)) {
        return FAILURE_UNKNOWN;
    }
    bool topic = codes[index].class == FAILURE_EVENT && strstr(message, "TopicArn") != NULL;
    return topic ? FAILURE_TOPIC : codes[index].class;
}

static enum failure_class classify(const char *code, const char *message) {
    switch (aws_failure_of_code(code)) {
    case AWS_FAILURE_THROTTLED:
        return FAILURE_THROTTLED;
    case AWS_FAILURE_TRANSIENT:
        return FAILURE_TRANSIENT;
    case AWS_FAILURE_CREDENTIALS:
    case AWS_FAILURE_SIGNATURE:
        return FAILURE_CREDENTIALS;
    case AWS_FAILURE_DENIED:
    case AWS_FAILURE_MISSING:
        return FAILURE_TOPIC;
    case AWS_FAILURE_OTHER:
        break;
    }
    return classify_own(code, message);
}

// An answer that is not SNS's own (a proxy's page, half an answer) says nothing of the events, whatever its
// status.
enum failure_class failure_of_request(int http_status, const struct sns_answer *answer) {
    enum failure_class class = classify(answer->code, answer->message);
    if (class != FAILURE_UNKNOWN) {
        return class;
    }
    if (http_status == 429) {
        return FAILURE_THROTTLED;
    }
    bool refused = http_status >= 400 && http_status < 500 && answer->fault == SNS_FAULT_SENDER;
    return refused ? FAILURE_UNKNOWN : FAILURE_TRANSIENT;
}

// SenderFault decides only where the code says nothing: a throttled sender is told that it is at fault, too.
enum failure_class failure_of_entry(const struct sns_entry *entry) {
    if (entry->outcome != SNS_FAILED) {
        return FAILURE_TRANSIENT;
    }
    enum failure_class class = classify(entry->code, entry->message);
    return class == FAILURE_UNKNOWN && !entry->sender_fault ? FAILURE_TRANSIENT : class;
}
