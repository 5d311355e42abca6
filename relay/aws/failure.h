// SPDX-License-Identifier: Apache-2.0
// What kind of failure an error code is, as far as all AWS services agree: the one table of the codes for
// throttling, trouble at the other end, credentials and permissions. What one service alone says
// (sns/failure.h) is not here. Sources: the retry lists of the AWS SDKs
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html) and the common errors of SNS,
// SQS and STS (https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html and its neighbours).
#pragma once

#include <stdbool.h>

enum aws_failure {
    AWS_FAILURE_OTHER,       // a code that says nothing to us
    AWS_FAILURE_THROTTLED,   // too fast
    AWS_FAILURE_TRANSIENT,   // no answer, or trouble at the other end: what came of the request is unknown
    AWS_FAILURE_CREDENTIALS, // who we are
    AWS_FAILURE_SIGNATURE,   // who we are, or our clock
    AWS_FAILURE_DENIED,      // we are known, and not allowed to do that
    AWS_FAILURE_MISSING,     // what was asked for does not exist
};

// aws_failure_of_code classifies an error code. What stands before the last dot does not count: some
// protocols have it ("AWS.SimpleQueueService.NonExistentQueue").
enum aws_failure aws_failure_of_code(const char *code);

// aws_failure_of_answer classifies an answer by its code, and where that says nothing by its HTTP status
// (0: no whole answer): 429 is throttling; 0, 500, 502, 503 and 504 are transient.
enum aws_failure aws_failure_of_answer(int http_status, const char *code);

enum { AWS_CODE_WORD_SIZE = 65 };

// aws_failure_word writes the word under which a failure is counted, of which there must be few: the code
// where it is one of the table or `known`, else by HTTP status "http_503", "no_answer" (0), or "other" of an
// answer that is not a failure as a whole.
void aws_failure_word(char word[AWS_CODE_WORD_SIZE], int http_status, const char *code, bool known);

// aws_error_name is the code without what stands before its last dot.
const char *aws_error_name(const char *code);
