// SPDX-License-Identifier: Apache-2.0
// The shape of an SNS answer: which elements mean something, by name and by what they stand in.
// Source: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html and CommonErrors.html beside it
#pragma once

enum answer_place {
    ANSWER_SKIPPED,
    ANSWER_DOCUMENT,
    ANSWER_RESPONSE,
    ANSWER_RESULT,
    ANSWER_SUCCESSFUL,
    ANSWER_FAILED,
    ANSWER_SENT_MEMBER,
    ANSWER_FAILED_MEMBER,
    ANSWER_METADATA,
    ANSWER_ERROR_RESPONSE,
    ANSWER_ERROR,
    // From here on: places that hold a text. The first group stands within a member.
    ANSWER_ID,
    ANSWER_MESSAGE_ID,
    ANSWER_SEQUENCE_NUMBER,
    ANSWER_CODE,
    ANSWER_MESSAGE,
    ANSWER_SENDER_FAULT,
    ANSWER_REQUEST_ID,
    ANSWER_ERROR_TYPE,
    ANSWER_ERROR_CODE,
    ANSWER_ERROR_MESSAGE,
};

// answer_place returns the place that an element of this name (a prefix like "sns:" is ignored) has within
// `parent`, or ANSWER_SKIPPED, in which everything else is skipped as well.
enum answer_place answer_place(enum answer_place parent, const char *name);
