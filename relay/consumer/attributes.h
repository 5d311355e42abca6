// SPDX-License-Identifier: Apache-2.0
// The message attributes that tell of an event (README, "The message"): of the SQS message when it was
// delivered raw, else of SNS's envelope.
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "consumer/intake.h"
#include "consumer/members.h"

enum attribute {
    ATTRIBUTE_EVENT_ID,
    ATTRIBUTE_EVENT_TYPE,
    ATTRIBUTE_EVENT_VERSION,
    ATTRIBUTE_AGGREGATE_ID,
    ATTRIBUTE_CORRELATION_ID,
    ATTRIBUTE_TRACEPARENT,
    ATTRIBUTE_COUNT,
};

// Texts (texts.h), or empty. What is longer than any of them may be counts as absent.
struct attributes {
    struct slice value[ATTRIBUTE_COUNT];
};

// attributes_of_message copies those of an SQS message into `texts`.
void attributes_of_message(struct attributes *ret, const struct incoming *incoming, struct buffer *texts);

// attributes_of_envelope reads the member MessageAttributes: {"event-id":{"Type":"String","Value":"..."}}.
// Fails when it is of another form.
bool attributes_of_envelope(struct attributes *ret, const struct member *member, struct buffer *texts,
                            struct error *error);

// attributes_identify: there are both an event's id and its type.
bool attributes_identify(const struct attributes *attributes);
