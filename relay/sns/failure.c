// SPDX-License-Identifier: Apache-2.0
#include "sns/failure.h"

#include <string.h>

static const struct {
    const char *code;
    enum failure_class class;
} codes[] = {
    {"BandwidthLimitExceeded", FAILURE_THROTTLED},
    {"EC2ThrottledException", FAILURE_THROTTLED},
    {"KMSThrottling", FAILURE_THROTTLED},
    {"KMSThrottlingException", FAILURE_THROTTLED},
    {"LimitExceededException", FAILURE_THROTTLED},
    {"PriorRequestNotComplete", FAILURE_THROTTLED},
    {"ProvisionedThroughputExceededException", FAILURE_THROTTLED},
    {"RequestLimitExceeded", FAILURE_THROTTLED},
    {"RequestThrottled", FAILURE_THROTTLED},
    {"RequestThrottledException", FAILURE_THROTTLED},
    {"SlowDown", FAILURE_THROTTLED},
    {"Throttled", FAILURE_THROTTLED},
    {"ThrottledException", FAILURE_THROTTLED},
    {"Throttling", FAILURE_THROTTLED},
    {"ThrottlingException", FAILURE_THROTTLED},
    {"TooManyRequestsException", FAILURE_THROTTLED},
    {"TransactionInProgressException", FAILURE_THROTTLED},

    {"InternalError", FAILURE_TRANSIENT},
    {"InternalErrorException", FAILURE_TRANSIENT},
    {"InternalFailure", FAILURE_TRANSIENT},
    {"InternalServerError", FAILURE_TRANSIENT},
    {"RequestTimeout", FAILURE_TRANSIENT},
    {"RequestTimeoutException", FAILURE_TRANSIENT},
    {"ServiceUnavailable", FAILURE_TRANSIENT},

    {"AuthFailure", FAILURE_CREDENTIALS},
    {"ExpiredToken", FAILURE_CREDENTIALS},
    {"ExpiredTokenException", FAILURE_CREDENTIALS},
    {"IncompleteSignature", FAILURE_CREDENTIALS},
    {"InvalidAccessKeyId", FAILURE_CREDENTIALS},
    {"InvalidClientTokenId", FAILURE_CREDENTIALS},
    {"InvalidSignatureException", FAILURE_CREDENTIALS},
    {"MissingAuthenticationToken", FAILURE_CREDENTIALS},
    {"MissingAuthenticationTokenException", FAILURE_CREDENTIALS},
    {"RequestExpired", FAILURE_CREDENTIALS},
    {"RequestInTheFuture", FAILURE_CREDENTIALS},
    {"RequestTimeTooSkewed", FAILURE_CREDENTIALS},
    {"SignatureDoesNotMatch", FAILURE_CREDENTIALS},
    {"UnrecognizedClientException", FAILURE_CREDENTIALS},

    {"AccessDenied", FAILURE_TOPIC},
    {"AccessDeniedException", FAILURE_TOPIC},
    {"AuthorizationError", FAILURE_TOPIC},
    {"AuthorizationErrorException", FAILURE_TOPIC},
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
    {"NotFound", FAILURE_TOPIC},
    {"NotFoundException", FAILURE_TOPIC},
    {"OptInRequired", FAILURE_TOPIC},
    {"ResourceNotFoundException", FAILURE_TOPIC},

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

// A refused TopicArn is the topic's fault, though it comes with the code of a refused event. (A name that the
// code came with in some protocols, "AWS.SimpleNotificationService.NotFound", counts without its prefix.)
static enum failure_class classify(const char *code, const char *message) {
    const char *last = strrchr(code, '.');
    const char *name = last != NULL ? last + 1 : code;
    for (size_t index = 0; index < sizeof codes / sizeof codes[0]; index++) {
        if (strcmp(name, codes[index].code) == 0) {
            bool topic = codes[index].class == FAILURE_EVENT && strstr(message, "TopicArn") != NULL;
            return topic ? FAILURE_TOPIC : codes[index].class;
        }
    }
    return FAILURE_UNKNOWN;
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
