// SPDX-License-Identifier: Apache-2.0
// The event that AWS Lambda invokes a function with when its event source is a queue of SQS:
//     {"Records":[{"messageId":"…","body":"…","attributes":{"ApproximateReceiveCount":"1",…},
//                  "messageAttributes":{"event-type":{"stringValue":"…","dataType":"String"}},
//                  "eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:…"},…]}
// (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS").
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "consumer/intake.h"

// An event source mapping batches 10,000 messages at most, and an invocation has 6 MiB (Lambda quotas).
enum { RECORDS_MAX = 10000, RECORDS_MESSAGE_ID_MAX = 100 };

struct cJSON;

struct records {
    struct cJSON *json;
    struct incoming *items; // views of the JSON; all have a message_id that needs no escapes
    int count;
};

// records_parse takes an event apart; the bytes are not needed afterwards. Fails (ERROR_USAGE) when it is not
// what is described above, saying what is wrong with which record, and that an SQS queue is expected.
bool records_parse(struct records *ret, struct slice event, struct error *error);

// records_free releases them; those that could not be parsed, or are zero, are fine.
void records_free(struct records *records);
