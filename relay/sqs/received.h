// SPDX-License-Identifier: Apache-2.0
// One message in the answer to ReceiveMessage, read from its JSON. Source:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Message.html
#pragma once

#include "consumer/intake.h"

#include <stdbool.h>

struct cJSON;

struct received {
    const char *handle;       // the receipt handle, zero-terminated
    int64_t sent_at;          // SentTimestamp, microseconds since 1970-01-01 UTC; 0: not known
    struct incoming incoming; // its views, and the handle, live as long as the JSON
};

// received_read returns false for what is no message: no handle, or no body. What else is missing or of
// another type is left empty; of message attributes only those with a text are taken, the first
// INCOMING_ATTRIBUTES_MAX of them.
bool received_read(struct received *ret, const struct cJSON *message, bool fifo);
