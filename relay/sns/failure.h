// SPDX-License-Identifier: Apache-2.0
// What kind of failure an SNS error code is: the codes of all services (aws/failure.h) and SNS's own. What
// follows for the event, the topic and the relay is decided by who asks (publisher.c), by this list alone:
//
//   class         the event                         the topic                 the relay
//   THROTTLED     sent again, slower                its rate goes down        -
//   TRANSIENT     sent again; then retried          after three: its breaker  -
//   CREDENTIALS   retried, never counted            -                         everything rests
//   TOPIC         retried or waits, never counted   its breaker               -
//   EVENT         alone: parked; else bisected      -                         -
//   PACKING       alone: parked; else bisected      -                         -
//   UNKNOWN       alone: an attempt; else bisected  -                         -
//
// Source: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html#API_PublishBatch_Errors
#pragma once

#include "sns/answer.h"

enum failure_class {
    FAILURE_THROTTLED,   // too fast for the account or the topic
    FAILURE_TRANSIENT,   // no answer, or trouble at the other end: whether it was published is unknown
    FAILURE_CREDENTIALS, // who we are, or our clock
    FAILURE_TOPIC,       // the topic is missing, forbidden or its key is
    FAILURE_EVENT,       // an event that SNS will never take
    FAILURE_PACKING,     // the request is larger than the topic takes
    FAILURE_UNKNOWN,     // a refusal whose code says nothing to us
};

// failure_of_request classifies an answer that refused a request as a whole (answer->parsed is false).
enum failure_class failure_of_request(int http_status, const struct sns_answer *answer);

// failure_is_known: the code is one of those that are listed here or in aws/failure.c.
bool failure_is_known(const char *code);

// failure_of_entry classifies an entry that is not SNS_SENT.
enum failure_class failure_of_entry(const struct sns_entry *entry);
