// SPDX-License-Identifier: Apache-2.0
#include "aws/failure.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum aws_failure failure;
} codes[] = {
    {"BandwidthLimitExceeded", AWS_FAILURE_THROTTLED},
    {"EC2ThrottledException", AWS_FAILURE_THROTTLED},
    {"KMSThrottling", AWS_FAILURE_THROTTLED},
    {"KMSThrottlingException", AWS_FAILURE_THROTTLED},
    {"KmsThrottled", AWS_FAILURE_THROTTLED},
    {"LimitExceededException", AWS_FAILURE_THROTTLED},
    {"OverLimit", AWS_FAILURE_THROTTLED}, // SQS: too many messages in flight
    {"PriorRequestNotComplete", AWS_FAILURE_THROTTLED},
    {"ProvisionedThroughputExceededException", AWS_FAILURE_THROTTLED},
    {"RequestLimitExceeded", AWS_FAILURE_THROTTLED},
    {"RequestThrottled", AWS_FAILURE_THROTTLED},
    {"RequestThrottledException", AWS_FAILURE_THROTTLED},
    {"SlowDown", AWS_FAILURE_THROTTLED},
    {"Throttled", AWS_FAILURE_THROTTLED},
    {"ThrottledException", AWS_FAILURE_THROTTLED},
    {"Throttling", AWS_FAILURE_THROTTLED},
    {"ThrottlingException", AWS_FAILURE_THROTTLED},
    {"TooManyRequestsException", AWS_FAILURE_THROTTLED},
    {"TransactionInProgressException", AWS_FAILURE_THROTTLED},

    {"IDPCommunicationError", AWS_FAILURE_TRANSIENT}, // STS cannot reach the identity provider
    {"IDPCommunicationErrorException", AWS_FAILURE_TRANSIENT},
    {"InternalError", AWS_FAILURE_TRANSIENT},
    {"InternalErrorException", AWS_FAILURE_TRANSIENT},
    {"InternalFailure", AWS_FAILURE_TRANSIENT},
    {"InternalServerError", AWS_FAILURE_TRANSIENT},
    {"RequestTimeout", AWS_FAILURE_TRANSIENT},
    {"RequestTimeoutException", AWS_FAILURE_TRANSIENT},
    {"ServiceUnavailable", AWS_FAILURE_TRANSIENT},

    {"ExpiredToken", AWS_FAILURE_CREDENTIALS},
    {"ExpiredTokenException", AWS_FAILURE_CREDENTIALS},
    {"IncompleteSignature", AWS_FAILURE_CREDENTIALS},
    {"InvalidAccessKeyId", AWS_FAILURE_CREDENTIALS},
    {"InvalidClientTokenId", AWS_FAILURE_CREDENTIALS},
    {"MissingAuthenticationToken", AWS_FAILURE_CREDENTIALS},
    {"MissingAuthenticationTokenException", AWS_FAILURE_CREDENTIALS},
    {"UnrecognizedClientException", AWS_FAILURE_CREDENTIALS},

    {"AuthFailure", AWS_FAILURE_SIGNATURE},
    {"InvalidSignatureException", AWS_FAILURE_SIGNATURE},
    {"RequestExpired", AWS_FAILURE_SIGNATURE},
    {"RequestInTheFuture", AWS_FAILURE_SIGNATURE},
    {"RequestTimeTooSkewed", AWS_FAILURE_SIGNATURE},
    {"SignatureDoesNotMatch", AWS_FAILURE_SIGNATURE},

    {"AccessDenied", AWS_FAILURE_DENIED},
    {"AccessDeniedException", AWS_FAILURE_DENIED},
    {"AuthorizationError", AWS_FAILURE_DENIED},
    {"AuthorizationErrorException", AWS_FAILURE_DENIED},
    {"KmsAccessDenied", AWS_FAILURE_DENIED},
    {"OptInRequired", AWS_FAILURE_DENIED},

    {"InvalidAddress", AWS_FAILURE_MISSING}, // SQS: a queue URL that leads nowhere
    {"NonExistentQueue", AWS_FAILURE_MISSING},
    {"NotFound", AWS_FAILURE_MISSING},
    {"NotFoundException", AWS_FAILURE_MISSING},
    {"QueueDoesNotExist", AWS_FAILURE_MISSING},
    {"ResourceNotFoundException", AWS_FAILURE_MISSING},
};

const char *aws_error_name(const char *code) {
    const char *dot = strrchr(code, '.');
    return dot != NULL ? dot + 1 : code;
}

enum aws_failure aws_failure_of_code(const char *code) {
    const char *name = aws_error_name(code);
    for (size_t index = 0; index < sizeof codes / sizeof codes[0]; index++) {
        if (strcmp(name, codes[index].name) == 0) {
            return codes[index].failure;
        }
    }
    return AWS_FAILURE_OTHER;
}

static enum aws_failure of_status(int http_status) {
    switch (http_status) {
    case 429:
        return AWS_FAILURE_THROTTLED;
    case 0:
    case 500:
    case 502:
    case 503:
    case 504:
        return AWS_FAILURE_TRANSIENT;
    default:
        return AWS_FAILURE_OTHER;
    }
}

enum aws_failure aws_failure_of_answer(int http_status, const char *code) {
    enum aws_failure failure = aws_failure_of_code(code);
    return failure != AWS_FAILURE_OTHER ? failure : of_status(http_status);
}

void aws_failure_word(char word[AWS_CODE_WORD_SIZE], int http_status, const char *code, bool known) {
    if (known || aws_failure_of_code(code) != AWS_FAILURE_OTHER) {
        (void)snprintf(word, AWS_CODE_WORD_SIZE, "%s", aws_error_name(code));
    } else if (http_status == 0) {
        (void)snprintf(word, AWS_CODE_WORD_SIZE, "no_answer");
    } else if (http_status >= 300 && http_status < 600) {
        (void)snprintf(word, AWS_CODE_WORD_SIZE, "http_%d", http_status);
    } else {
        (void)snprintf(word, AWS_CODE_WORD_SIZE, "other");
    }
}
